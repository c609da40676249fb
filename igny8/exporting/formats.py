"""Records as text: CSV for spreadsheets, or one JSON object a line."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import orjson

from igny8.csv_cells import escaped
from igny8.exporting.records import Column


class ExportFormat(StrEnum):
    """How records are written."""

    CSV = "CSV"
    JSONL = "JSONL"


Rows = Iterable[Sequence[Any]]
Write = Callable[[Sequence[Column], Rows], bytes]

#: Spreadsheets take a file that begins so for UTF-8.
_MARK: Final = "\ufeff"


def head(form: ExportFormat, columns: Sequence[Column]) -> bytes:
    """What stands before the first record."""
    if form is ExportFormat.JSONL:
        return b""
    return (_MARK + _csv([[column.heading for column in columns]])).encode()


def body(form: ExportFormat, columns: Sequence[Column], rows: Rows) -> bytes:
    """The records, each a list of values in the order of the columns."""
    return _WRITERS[form](columns, rows)


def _as_csv(columns: Sequence[Column], rows: Rows) -> bytes:
    return _csv(
        [[_cell(value, column.mark) for column, value in zip(columns, row, strict=True)] for row in rows]
    ).encode()


def _as_jsonl(columns: Sequence[Column], rows: Rows) -> bytes:
    keys = [column.key for column in columns]
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
    lines = (orjson.dumps(dict(zip(keys, row, strict=True)), default=str, option=option) for row in rows)
    return b"".join(lines)


_WRITERS: Final[Mapping[ExportFormat, Write]] = {ExportFormat.CSV: _as_csv, ExportFormat.JSONL: _as_jsonl}


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any, mark: str) -> str:
    match value:
        case None:
            return ""
        case str():
            return escaped(value)
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case list() if all(isinstance(part, str) for part in value):
            return escaped(mark.join(value))
        case _:
            return escaped(orjson.dumps(value).decode())
