"""How a mutation is declared: its permission, and what becomes of an expected failure."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast, get_type_hints

import strawberry
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField

from igny8.access import Audience, Need
from igny8.errors import BadRequest, DomainError
from igny8.gql.context import Info, Mutating
from igny8.gql.payloads import MutationError, replayed
from igny8.gql.read.declarations import Gate
from igny8.replays import Replay

#: Key of a root field's gate in `StrawberryField.metadata`, for those that are no compiled reads.
GATE: Final = "gate"

Resolver = TypeVar("Resolver", bound=Callable[..., Awaitable[Any]])


def mutation(
    *, need: Need, anywhere: bool = False, while_suspended: bool = False, description: str | None = None
) -> Callable[[Resolver], StrawberryField]:
    """A mutation that states its permission; the transaction it opens checks it.

    `anywhere`: developers may call it without naming an account. `while_suspended`: works in accounts that may
    start and change nothing, because it only guards the user's own sign-in,
    or hands out what can be read anyway.
    """

    def declare(resolver: Resolver) -> StrawberryField:
        payload_type = get_type_hints(resolver)["return"]

        @functools.wraps(resolver)
        async def resolve(self: object, info: Info, **arguments: Any) -> Any:
            context = info.context
            context.mutating = Mutating(info.field_name, need, anywhere, while_suspended, arguments)
            try:
                return await resolver(self, info, **arguments)
            except DomainError as error:
                return payload_type(success=False, message=None, errors=[_told(error)])
            except Replay as before:
                return replayed(payload_type, before.answer)
            finally:
                context.mutating = None

        return strawberry.mutation(resolve, description=description, metadata={GATE: Gate(need, anywhere)})

    return declare


def public(*, description: str) -> Callable[[Resolver], StrawberryField]:
    """A root field that is no compiled read and that anybody may ask."""

    def declare(resolver: Resolver) -> StrawberryField:
        return strawberry.field(
            resolver, description=description, metadata={GATE: Gate(Audience.PUBLIC, anywhere=True)}
        )

    return declare


def query(gate: Gate, *, description: str) -> Callable[[Resolver], StrawberryField]:
    """A root field that is no compiled read: its resolver opens `reading(gate)`, which checks the caller.

    A domain error becomes BAD_REQUEST, because a query has no payload to tell it in.
    """

    def declare(resolver: Resolver) -> StrawberryField:
        @functools.wraps(resolver)
        async def resolve(self: object, info: Info, **arguments: Any) -> Any:
            try:
                return await resolver(self, info, **arguments)
            except DomainError as error:
                raise BadRequest(error.message) from None

        return strawberry.field(resolve, description=description, metadata={GATE: gate})

    return declare


def _told(error: DomainError) -> MutationError:
    return MutationError(
        code=error.code,
        field=list(error.field),
        message=error.message,
        details=cast(JSON, error.details) if error.details else None,
    )
