"""What mutations answer."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from igny8.errors import ErrorCode

strawberry.enum(ErrorCode)


@strawberry.type(description="Why a mutation changed nothing.")
class MutationError:
    code: ErrorCode
    field: list[str] = strawberry.field(
        description='Path of the input value at fault, for example ["input", "sectorId"];'
        " empty when no single value is at fault."
    )
    message: str
    details: JSON | None = strawberry.field(
        default=None, description='Numbers behind the message, for example {"needed": 40, "available": 12}.'
    )


@strawberry.interface(
    description="What every mutation answers."
    " `success` is false exactly when `errors` is not empty; then nothing was changed."
)
class MutationPayload:
    success: bool = True
    message: str | None = None
    errors: list[MutationError] = strawberry.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rows:
    """Ids that a payload's object field is read from, by the same compiler as every query."""

    ids: UUID | list[UUID]


def row(id_: UUID) -> Any:
    """The value of a payload's object field: the row with this id."""
    return Rows(id_)


def rows(ids: Sequence[UUID]) -> Any:
    """The value of a payload's list field: the rows with these ids, in this order."""
    return Rows(list(ids))


def storable(payload: MutationPayload) -> dict[str, Any]:
    """A successful payload as JSON, for an idempotency key: rows by their ids, the rest as it is.

    A field that a resolver makes of the others (`init` is false) is made again.
    """
    stored: dict[str, Any] = {}
    for field in (field for field in fields(payload) if field.init):
        value = getattr(payload, field.name)
        if isinstance(value, Rows):
            several = isinstance(value.ids, list)
            stored[field.name] = {"rows": [str(id_) for id_ in value.ids] if several else str(value.ids)}  # type: ignore[union-attr]  # told apart by `several`
        elif field.name not in ("success", "errors"):
            stored[field.name] = {"value": value}
    return stored


def replayed(payload_type: type[Any], stored: dict[str, Any]) -> Any:
    """The payload that was stored; its rows are read anew."""
    made = {}
    for name, kept in stored.items():
        if "rows" in kept:
            ids = kept["rows"]
            made[name] = Rows([UUID(id_) for id_ in ids] if isinstance(ids, list) else UUID(ids))
        else:
            made[name] = kept["value"]
    return payload_type(**made)
