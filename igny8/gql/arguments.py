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


def given(value: Given | None) -> Given | Keep:
    """A creation's input field that the domain takes as a change: left out and null are the same."""
    return KEEP if value is UNSET or value is None else value


def optional_id(prefix: str, text: str | None, *field: str) -> UUID | None:
    return ids.given(prefix, text, *field) if text else None


def kept_id(prefix: str, text: str | None, *field: str) -> UUID | Keep | None:
    return KEEP if text is UNSET else optional_id(prefix, text, *field)


def given_id(prefix: str, text: str | None, *field: str) -> UUID | Keep:
    return ids.given(prefix, text, *field) if text else KEEP


def id_list(prefix: str, texts: Sequence[str] | None, *field: str) -> list[UUID]:
    return ids.all_given(prefix, texts, *field) if texts else []
