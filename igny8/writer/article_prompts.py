"""What models are asked when an article is planned, written and, where it came out too short, continued."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from igny8.system import templates
from igny8.system.templates import Variable
from igny8.writer import markup
from igny8.writer.answers import OutlineSection
from igny8.writer.briefs import Brief

_FOLDER: Final = files("igny8.writer").joinpath("prompts")
_LONGEST_HEADING: Final = 200
_LONGEST_NOTES: Final = 1_000
_PLAIN: Final = "No further instructions."

_VARIABLES: Final = (
    Variable("data", "What to write about.", example="", required=True),
    Variable("word_count", "How many words.", example="1200"),
    Variable("language", "The language to write in.", example="en", otherwise="en"),
    Variable("tone", "The tone of the author profile.", example="warm", otherwise="clear, friendly and factual"),
    Variable("author", "The instructions of the author profile.", example="", otherwise=_PLAIN),
    Variable("strategy", "The instructions of the strategy.", example="", otherwise=_PLAIN),
)


def outline(brief: Brief, words: int) -> str:
    """Asks for the plan of an article."""
    facts = {**brief.facts, "word_count": words}
    return _filled("outline", brief.voice, facts, words)


def article(brief: Brief, sections: Sequence[OutlineSection], words: int) -> str:
    """Asks for the article, by the account's prompt."""
    facts = {**brief.facts, "word_count": words, "outline": _planned(sections)}
    values = {**brief.voice, "data": templates.delimited(facts), "word_count": str(words)}
    return brief.prompt.filled(values)


def continuation(brief: Brief, sections: Sequence[OutlineSection], *, end: str, words: int) -> str:
    """Asks for so many words more behind `end`, the last paragraphs."""
    facts = {**brief.facts, "word_count": words, "outline": _planned(sections), "end": end}
    return _filled("continuation", brief.voice, facts, words)


def _planned(sections: Sequence[OutlineSection]) -> list[dict[str, object]]:
    """A plan as material for the next prompt; it is a model's answer, and cleaned like any other."""
    return [
        {
            "heading": markup.line(section.heading, _LONGEST_HEADING),
            "level": section.level,
            "notes": markup.line(section.notes, _LONGEST_NOTES),
        }
        for section in sections
    ]


def _filled(name: str, voice: Mapping[str, str], facts: Mapping[str, object], words: int) -> str:
    values = {**voice, "data": templates.delimited(facts), "word_count": str(words)}
    return templates.filled(_text(name), _VARIABLES, values)


@cache
def _text(name: str) -> str:
    return _FOLDER.joinpath(f"{name}.txt").read_text(encoding="utf-8")
