"""What a model proposes for a cluster, and what of it can be used.

An answer is hostile until it has passed `usable`: it may speak of other clusters, repeat itself, or hold markup and
text that is no idea.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from igny8.planner.plain import line
from igny8.planner.tables import ContentStructure, ContentType

LONGEST_TITLE: Final = 200
LONGEST_KEYWORD: Final = 300
LONGEST_HEADING: Final = 200
LONGEST_NOTES: Final = 1_000
LONGEST_DESCRIPTION: Final = 2_000
MOST_SECTIONS: Final = 30
#: Headings of an outline; the title is the one of level 1.
LEVELS: Final = (2, 4)
#: Words of a text, whoever asks for it.
FEWEST_WORDS, MOST_WORDS = 50, 10_000

_LEFT_OPEN: Final = re.compile(r"\{\{|\}\}|\[(?:insert|your)\b[^\]]*\]|\blorem ipsum\b", re.IGNORECASE)

Member = TypeVar("Member", bound=StrEnum)


def _or(otherwise: Member) -> Callable[[Any], Any]:
    """An unknown word stands for the usual one: it is no reason to lose the idea."""
    members = type(otherwise).__members__
    return lambda given: given if isinstance(given, StrEnum) or given in members else otherwise


class ProposedSection(BaseModel):
    """A heading of the outline."""

    heading: str
    level: int = Field(description="2 for a main heading, 3 for one below it.")
    notes: str = Field(description="What stands below it.")


class ProposedIdea(BaseModel):
    """One idea of a model's answer."""

    cluster_id: str = Field(description="Id of the cluster, as it was given.")
    title: str
    description: str
    target_keyword: str = Field(description="A phrase of the cluster.")
    content_type: Annotated[ContentType, BeforeValidator(_or(ContentType.POST))]
    content_structure: Annotated[ContentStructure, BeforeValidator(_or(ContentStructure.ARTICLE))]
    estimated_word_count: int
    outline: list[ProposedSection]


class IdeasAnswer(BaseModel):
    """What a model answers to one request."""

    ideas: list[ProposedIdea]


@dataclass(frozen=True, slots=True)
class Usable:
    """An idea as it can be kept."""

    title: str
    description: str | None
    target_keyword: str | None
    content_type: ContentType
    content_structure: ContentStructure
    estimated_word_count: int
    outline: list[dict[str, Any]]


def usable(answer: IdeasAnswer, cluster_id: str, most: int) -> list[Usable]:
    """The ideas for this cluster, at most so many: plain text of bounded length, each with a title and an outline."""
    mine = [_checked(idea) for idea in answer.ideas if idea.cluster_id == cluster_id]
    return [idea for idea in mine if idea is not None][:most]


def _checked(idea: ProposedIdea) -> Usable | None:
    title = line(idea.title, LONGEST_TITLE)
    outline = _outline(idea.outline)
    texts = [title, *(section["heading"] for section in outline)]
    if not title or not outline or any(_LEFT_OPEN.search(text) for text in texts):
        return None
    return Usable(
        title,
        line(idea.description, LONGEST_DESCRIPTION) or None,
        line(idea.target_keyword, LONGEST_KEYWORD) or None,
        idea.content_type,
        idea.content_structure,
        min(max(idea.estimated_word_count, FEWEST_WORDS), MOST_WORDS),
        outline,
    )


def _outline(sections: Sequence[ProposedSection]) -> list[dict[str, Any]]:
    """As it is stored."""
    lowest, highest = LEVELS
    made = []
    for section in sections[:MOST_SECTIONS]:
        if heading := line(section.heading, LONGEST_HEADING):
            level = min(max(section.level, lowest), highest)
            made.append({"heading": heading, "level": level, "notes": line(section.notes, LONGEST_NOTES) or None})
    return made
