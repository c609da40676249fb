"""What changed from one text to another, block by block, and word by word where a block was edited."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

#: Behind the end of a block of HTML, and behind a line.
_BLOCK: Final = re.compile(r".*?(?:</(?:p|h[1-6]|li|ul|ol|table|tr|blockquote|pre)>|<br>|\n|\Z)\n?", re.DOTALL)
_WORD: Final = re.compile(r"<[^>]*>|\s+|[^\s<]+|<")
#: Words of two blocks, multiplied, above which a block counts as replaced in whole: comparing takes that much time.
_MOST_COMPARED: Final = 250_000
#: Blocks less alike than this share little more than their spaces; showing that would read as noise.
_ALIKE: Final = 0.6


class DiffKind(StrEnum):
    EQUAL = "EQUAL"
    INSERT = "INSERT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of text. Without the insertions all of them are the old text, without the deletions the new one."""

    kind: DiffKind
    text: str


def hunks(old: str, new: str) -> list[Hunk]:
    """The changes in the order of the texts; neighbours are never of one kind."""
    made: list[Hunk] = []
    for hunk in _compared(_BLOCK.findall(old), _BLOCK.findall(new)):
        if made and made[-1].kind is hunk.kind:
            made[-1] = Hunk(hunk.kind, made[-1].text + hunk.text)
        elif hunk.text:
            made.append(hunk)
    return made


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[Hunk]:
    for operation, at, end, new_at, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        before, after = old[at:end], new[new_at:new_end]
        if operation == "equal":
            yield Hunk(DiffKind.EQUAL, "".join(before))
        else:
            for one, other in zip(before, after, strict=False):
                yield from _edited(one, other)
            both = min(len(before), len(after))
            yield from _replaced("".join(before[both:]), "".join(after[both:]))


def _edited(before: str, after: str) -> Iterator[Hunk]:
    """A block that stands in the place of another one: its words, when enough of them are the same."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if len(old) * len(new) > _MOST_COMPARED or matcher.ratio() < _ALIKE:
        yield from _replaced(before, after)
        return
    for operation, at, end, new_at, new_end in matcher.get_opcodes():
        if operation == "equal":
            yield Hunk(DiffKind.EQUAL, "".join(old[at:end]))
        else:
            yield from _replaced("".join(old[at:end]), "".join(new[new_at:new_end]))


def _replaced(before: str, after: str) -> Iterator[Hunk]:
    if before:
        yield Hunk(DiffKind.DELETE, before)
    if after:
        yield Hunk(DiffKind.INSERT, after)
