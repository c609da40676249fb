"""What an idea may be when a person writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from igny8 import inputs
from igny8.errors import ValidationFailed
from igny8.inputs import KEEP, Field, Keep
from igny8.planner.idea_answers import (
    FEWEST_WORDS,
    LEVELS,
    LONGEST_DESCRIPTION,
    LONGEST_HEADING,
    LONGEST_KEYWORD,
    LONGEST_NOTES,
    LONGEST_TITLE,
    MOST_SECTIONS,
    MOST_WORDS,
)
from igny8.planner.tables import ContentStructure, ContentType


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of an outline, and what to say below it."""

    heading: str
    level: int
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class IdeaFields:
    """The columns of an idea that people write, with what is left out as it is."""

    title: str | Keep | None = KEEP
    description: str | Keep | None = KEEP
    priority: int | Keep | None = KEEP
    target_keyword: str | Keep | None = KEEP
    content_type: ContentType | Keep | None = KEEP
    content_structure: ContentStructure | Keep | None = KEEP
    estimated_word_count: int | Keep | None = KEEP
    outline: Sequence[Section] | Keep | None = KEEP

    def checked(self) -> dict[str, Any]:
        """The columns that are given. Raises ValidationFailed."""
        made: dict[str, Any] = {}
        for column, check in _CHECKS.items():
            value = getattr(self, column)
            if value is not KEEP:
                made[column] = check(value, ("input", _INPUTS[column]))
        return made


def words(value: int | None, field: Field) -> int | None:
    """A number of words to be written; None is no matter how many. Raises ValidationFailed."""
    if value is not None and not FEWEST_WORDS <= value <= MOST_WORDS:
        raise ValidationFailed(f"Texts have {FEWEST_WORDS} to {MOST_WORDS:,} words.", field=field)
    return value


def _title(value: str | None, field: Field) -> str:
    return inputs.name(value, field, longest=LONGEST_TITLE)


def _description(value: str | None, field: Field) -> str | None:
    return inputs.text(value, field, longest=LONGEST_DESCRIPTION)


def _keyword(value: str | None, field: Field) -> str | None:
    given = " ".join((value or "").split())
    return inputs.text(given, field, longest=LONGEST_KEYWORD)


def _required(value: int | None, field: Field) -> int:
    return inputs.required(value, field)


def _member(value: StrEnum | None, field: Field) -> str:
    return inputs.required(value, field).value


def _outline(value: Sequence[Section] | None, field: Field) -> list[dict[str, Any]]:
    sections = value or ()
    if len(sections) > MOST_SECTIONS:
        raise ValidationFailed(f"An outline has at most {MOST_SECTIONS} headings.", field=field)
    return [_section(section, (*field, str(number))) for number, section in enumerate(sections)]


def _section(section: Section, field: Field) -> dict[str, Any]:
    lowest, highest = LEVELS
    if not lowest <= section.level <= highest:
        raise ValidationFailed(
            f"The levels of headings are {lowest} to {highest}; the title is the one of level 1.",
            field=(*field, "level"),
        )
    return {
        "heading": inputs.name(section.heading, (*field, "heading"), longest=LONGEST_HEADING),
        "level": section.level,
        "notes": inputs.text(section.notes, (*field, "notes"), longest=LONGEST_NOTES),
    }


_CHECKS: Final[Mapping[str, Any]] = {
    "title": _title,
    "description": _description,
    "priority": _required,
    "target_keyword": _keyword,
    "content_type": _member,
    "content_structure": _member,
    "estimated_word_count": words,
    "outline": _outline,
}
_INPUTS: Final = {column: inputs.camel(column) for column in _CHECKS}
