"""From GraphQL's inputs to what the domain takes: parsed ids, and absent told apart from null."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from strawberry import UNSET

from igny8.gql import ids
from igny8.inputs import KEEP, Keep

Given = TypeVar("Given")


def kept(value: Given) -> Given | Keep:
    """An update's input field: what was left out keeps the stored value, null clears it."""
    return KEEP if value is UNSET else value


def optional(value: Given | None) -> Given | None:
    """A creation's input field: left out and null are the same."""
    return None if value is UNSET else value


def optional_id(prefix: str, text: str | None, *field: str) -> UUID | None:
    return ids.given(prefix, text, *field) if text else None


def kept_id(prefix: str, text: str | None, *field: str) -> UUID | Keep | None:
    return KEEP if text is UNSET else optional_id(prefix, text, *field)


def id_list(prefix: str, texts: Sequence[str] | None, *field: str) -> list[UUID]:
    return ids.all_given(prefix, texts, *field) if texts else []
