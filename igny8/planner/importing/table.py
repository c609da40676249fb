"""A file as keywords: its header is looked for, then each row becomes a keyword's columns or a reason why not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from igny8.csv_cells import unescaped
from igny8.errors import ValidationFailed
from igny8.planner.importing import cells, columns
from igny8.planner.importing.reading import Rows, Text, separator_of
from igny8.planner.keyword_report import Rejection
from igny8.planner.keyword_rows import GivenKeyword, checked

#: Rows in which the header must be.
_HEAD: Final = 20
_READ: Final[Mapping[str, tuple[str, Callable[[str], Any], str]]] = {
    "volume": ("volume", cells.whole, "This is no number of searches."),
    "difficulty": ("difficulty", cells.percent, "This is no difficulty from 0 to 100."),
    "cpc": ("cpc", cells.amount, "This is no amount."),
    "intent": ("intent", cells.intent, "This is no intent: I, N, C, T or their names."),
    "serpUrls": ("serp_urls", cells.pages, "These are no addresses."),
}

Read = dict[str, Any] | Rejection


class Table:
    """Takes a file piece by piece. Raises Unreadable for what is no text, ValidationFailed for what has no header."""

    def __init__(self, mapping: Mapping[str, str] | None) -> None:
        self._mapping = mapping
        self._text = Text()
        self._lines: list[str] = []
        self._rows: Rows | None = None
        self._places: dict[str, int] = {}
        self._number = 0
        #: Fields and the titles of their columns, once the header was read.
        self.columns: dict[str, str] = {}

    def feed(self, piece: bytes, *, last: bool = False) -> list[Read]:
        """What the rows say that are whole now."""
        lines = self._text.feed(piece, last=last)
        if self._rows is not None:
            return list(self._read(self._rows.feed(lines, last=last)))
        self._lines += lines
        if len(self._lines) < _HEAD and not last:
            return []
        return self._begin(last=last)

    def _begin(self, *, last: bool) -> list[Read]:
        lines, self._lines = self._lines, []
        filled = [line for line in lines if line.strip()]
        if not filled:
            raise ValidationFailed("The file is empty.", field=("input", "csv"))
        head = [list(Rows(one).feed(lines[:_HEAD], last=True)) for one in _candidates(filled)]
        for rows, separator in zip(head, _candidates(filled), strict=True):
            if (header := columns.found(rows, self._mapping)) is not None:
                number, self._places = header
                self.columns = {field: rows[number][place].strip() for field, place in self._places.items()}
                self._rows = Rows(separator)
                whole = self._rows.feed(lines, last=last)
                for _ in range(number + 1):
                    next(whole)
                return list(self._read(whole))
        raise ValidationFailed(columns.none_found(head[0], self._mapping), field=("input", "csv"))

    def _read(self, rows: Iterator[list[str]]) -> Iterator[Read]:
        for row in rows:
            self._number += 1
            yield self._keyword(row)

    def _keyword(self, row: Sequence[str]) -> Read:
        values: dict[str, Any] = {}
        for field, place in self._places.items():
            text = row[place] if place < len(row) else ""
            if field == "keyword":
                values["keyword"] = unescaped(text)
            elif text:
                name, read, reason = _READ[field]
                try:
                    value = read(text)
                except ValueError:
                    return Rejection(self._number, reason, self.columns[field], text)
                if value is not None:
                    values[name] = value
        return checked(self._number, GivenKeyword(**values))


def _candidates(lines: Sequence[str]) -> list[str]:
    """The likely separator first, then the others: captions above a header may mislead."""
    likely = separator_of(lines[:_HEAD])
    return [likely, *(one for one in "\t;," if one != likely)]
