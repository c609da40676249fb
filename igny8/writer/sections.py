"""The sections of an article's HTML, each with its heading: where pictures can stand."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_HEADINGS: Final = frozenset({"h2", "h3", "h4"})


@dataclass(slots=True)
class Section:
    """A heading of second to fourth level, and the text up to the next one."""

    heading: str
    text: str


@dataclass(slots=True)
class _Open:
    heading: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


def sections(html: str) -> list[Section]:
    """In their order; counted from 1, the place of a section is the `position` of a picture below its heading."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return [Section(_folded(one.heading), _folded(one.text)) for one in reader.found]


def _folded(pieces: list[str]) -> str:
    return " ".join("".join(pieces).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[_Open] = []
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _HEADINGS:
            self.found.append(_Open())
            self._in_heading = True

    def handle_endtag(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._in_heading = False
        elif self.found:
            self.found[-1].text.append(" ")

    def handle_data(self, data: str) -> None:
        if self.found:
            (self.found[-1].heading if self._in_heading else self.found[-1].text).append(data)
