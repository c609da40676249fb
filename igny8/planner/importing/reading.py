"""Rows of a text file as they come: encodings, separators and quotes of the tools that export keywords."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from typing import Final

#: A quoted value over several lines, at most; behind an opened quote that is never closed, rows are rows again.
_LONGEST_RECORD: Final = 64 * 1024
_SEPARATORS: Final = "\t;,"
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Unreadable(Exception):
    """The file is no text that can be read; the message says what it should be."""


class Text:
    """Lines, with their ends, out of pieces of bytes. Raises Unreadable."""

    def __init__(self) -> None:
        self._head = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._rest = ""
        self._bytes = 0

    def feed(self, piece: bytes, *, last: bool = False) -> list[str]:
        """The lines that are whole now."""
        if self._decoder is None:
            self._head += piece
            if len(self._head) < 4 and not last:
                return []
            piece, self._head = self._head, b""
            self._decoder = codecs.getincrementaldecoder(_encoding(piece))()
        try:
            text = self._rest + self._decoder.decode(piece, final=last)
        except UnicodeDecodeError as error:
            at = self._bytes + error.start
            raise Unreadable(
                f"The file is neither UTF-8 nor UTF-16 text (byte {at:,}). Save it as UTF-8 and try again."
            ) from None
        self._bytes += len(piece)
        if "\0" in text:
            raise Unreadable("The file is no text. Export it as CSV and try again.")
        *lines, self._rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if last else _split(text)
        whole = [f"{line}\n" for line in lines]
        if last and self._rest:
            whole.append(self._rest)
            self._rest = ""
        return whole


def _split(text: str) -> list[str]:
    """Lines, and what is behind the last end; an end that may be half of a CR LF is left for later."""
    kept = text[-1:] if text.endswith("\r") else ""
    lines = text[: len(text) - len(kept)].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines[-1] += kept
    return lines


def _encoding(head: bytes) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    return "utf-8"


class Rows:
    """Rows out of lines. A line break inside quotes belongs to its value."""

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._open: list[str] = []
        self._size = 0
        self._quoted = False

    def feed(self, lines: Sequence[str], *, last: bool = False) -> Iterator[list[str]]:
        """The rows that are whole now; a line of nothing is none."""
        for line in lines:
            self._open.append(line)
            self._size += len(line)
            self._quoted ^= line.count('"') % 2 == 1
            if not self._quoted or self._size > _LONGEST_RECORD:
                yield from self._take()
        if last:
            yield from self._take()

    def _take(self) -> Iterator[list[str]]:
        lines, self._open, self._size, self._quoted = self._open, [], 0, False
        too_long = sum(map(len, lines)) > _LONGEST_RECORD
        for row in _parsed(lines, self._separator, quotes=not too_long):
            if any(row):
                yield row


def _parsed(lines: Sequence[str], separator: str, *, quotes: bool) -> list[list[str]]:
    try:
        if quotes:
            return list(csv.reader(lines, delimiter=separator))
        return list(csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE))
    except csv.Error:  # a value that is longer than any may be
        return [line.rstrip("\n").split(separator) for line in lines]


def separator_of(lines: Sequence[str]) -> str:
    """The separator that divides most of the first lines, tab before semicolon before comma."""
    counts = {one: sum(one in _outside_quotes(line) for line in lines) for one in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda one: (counts[one], -_SEPARATORS.index(one)))
    return best if counts[best] else ","


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])
