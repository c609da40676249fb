"""Files of other tools: what is read out of them, and what is said of those that cannot be read."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igny8.errors import ValidationFailed
from igny8.planner.importing import cells
from igny8.planner.importing.columns import checked_mapping
from igny8.planner.importing.reading import Unreadable
from igny8.planner.importing.table import Table
from igny8.planner.keyword_report import Rejection

SAMPLES = Path(__file__).with_name("samples")


def read(
    data: bytes, *, piece: int = 1_000_000, mapping: dict[str, str] | None = None
) -> tuple[list[Any], dict[str, str]]:
    """What the rows say, and the columns they were taken from."""
    table = Table(mapping)
    found = [one for at in range(0, len(data), piece) for one in table.feed(data[at : at + piece])]
    return [*found, *table.feed(b"", last=True)], table.columns


def short(row: Any) -> tuple[Any, ...]:
    return row["keyword"], row["volume"], row["difficulty"], row["cpc"], row["intent"]


@pytest.mark.parametrize("piece", [1, 7, 1_000_000])
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "keyword_planner.csv",
            [
                ("pour over coffee", 31_623, None, Decimal("1.27"), "UNKNOWN"),
                ("v60 brew guide", 3_162, None, None, "UNKNOWN"),
                ("coffee scale with timer", 500, None, Decimal("1.80"), "UNKNOWN"),
            ],
        ),
        (
            "search_console.csv",
            [
                ("pour over coffee", None, None, None, "UNKNOWN"),
                ("how much coffee, per cup", None, None, None, "UNKNOWN"),
            ],
        ),
        (
            "ahrefs.csv",
            [
                ("pour over coffee", 27_000, 31, Decimal("0.90"), "INFORMATIONAL"),
                ("chemex 6 cup, classic", 1_200, 7, Decimal("1.10"), "COMMERCIAL"),
                ("gooseneck kettle", 14_000, None, None, "UNKNOWN"),
            ],
        ),
        (
            "semrush.csv",
            [
                ("pour over coffee", 27_100, 42, Decimal("1.12"), "INFORMATIONAL"),
                ("best burr grinder", 9_900, 51, Decimal("0.95"), "COMMERCIAL"),
                ("buy v60 filters", None, None, None, "TRANSACTIONAL"),
            ],
        ),
    ],
)
def test_exports_of_the_tools_are_understood(name: str, rows: list[Any], piece: int) -> None:
    found, columns = read((SAMPLES / name).read_bytes(), piece=piece)
    assert [short(row) for row in found] == rows
    assert "keyword" in columns


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", 1_234), ("1.234", 1_234), ("1 234", 1_234), ("1'234'567", 1_234_567), ("1,234,567", 1_234_567),
        ("1K - 10K", 3_162), ("10K \u2013 100K", 31_623), ("100 - 1000", 316), ("1.2K", 1_200), ("1,5k", 1_500),
        ("100K+", 100_000), ("> 100", 100), ("0", 0), ("12.6", 13), ("", None), ("n/a", None), ("\u2014", None),
    ],
)  # fmt: skip
def test_numbers_as_tools_write_them(text: str, value: int | None) -> None:
    assert cells.whole(text) == value


@pytest.mark.parametrize("text", ["ten", "1-", "1,2,3x", "--1", "0x10", "1e5", "٣"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        cells.whole(text)


def test_a_column_can_be_named() -> None:
    data = b"Suchbegriff;Anzahl\nrosen schneiden;1.300\n"
    found, columns = read(data, mapping={"keyword": "suchbegriff", "volume": "Anzahl"})
    assert (found[0]["keyword"], found[0]["volume"]) == ("rosen schneiden", 1_300)
    assert columns == {"keyword": "Suchbegriff", "volume": "Anzahl"}
    with pytest.raises(ValidationFailed, match="lacks a column of the mapping"):
        read(data, mapping={"keyword": "Keyword"})


@pytest.mark.parametrize("mapping", [[], {"keyword": 1}, {"keyword": " "}, {"colour": "Colour"}, "keyword"])
def test_a_mapping_that_cannot_be_is_refused(mapping: object) -> None:
    with pytest.raises(ValidationFailed):
        checked_mapping(mapping)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "The file is empty."),
        (b"\n \n", "The file is empty."),
        (b"\x89PNG\r\n\x1a\n\0\0", "neither UTF-8 nor UTF-16"),
        (b"PK\3\4\0\0", "The file is no text."),
        ("Schlüssel,volume\nä,1\n".encode("latin-1"), "neither UTF-8 nor UTF-16"),
        (b"clicks,ctr\n1,2\n", "The columns are: 'clicks', 'ctr'."),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, says: str) -> None:
    with pytest.raises((Unreadable, ValidationFailed), match=says):
        read(data)


def test_rows_that_cannot_be_taken_are_told_with_their_column() -> None:
    found, _ = read(b"keyword,volume,intent\nred,many,I\nblue,5,X\n,1,I\n" + b"x" * 301 + b",1,\nred,-5,\n")
    assert all(isinstance(one, Rejection) for one in found)
    assert [(one.row, one.column) for one in found] == [
        (1, "volume"), (2, "intent"), (3, "keyword"), (4, "keyword"), (5, "volume"),
    ]  # fmt: skip


def test_formulas_and_letters_of_all_kinds_stay_text() -> None:
    words = ["=1+1", "+cmd", "@sum(a1)", "\u05e9\u05dc\u05d5\u05dd", "\U0001f339 rose", '27" monitor']
    found, _ = read(b"keyword\n" + "\n".join(["'" + words[0], *words[1:]]).encode())
    assert [one["keyword"] for one in found] == words


def test_a_quote_that_is_never_closed_takes_no_more_than_its_part() -> None:
    rows = "".join(f"word {number},1\n" for number in range(20_000))
    found, _ = read(b'keyword,volume\n"open,1\n' + rows.encode(), piece=10_000)
    kept = [one for one in found if isinstance(one, dict)]
    assert len(kept) > 15_000
    assert kept[-1]["keyword"] == "word 19999"


@given(st.binary(max_size=400), st.integers(1, 50))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes, piece: int) -> None:
    for start in (b"", b"keyword,volume\n", b"\xff\xfek\0e\0y\0w\0o\0r\0d\0\n\0"):
        try:
            found, _ = read(start + data, piece=piece)
        except (Unreadable, ValidationFailed):
            continue
        assert all(isinstance(one, Rejection) or one["keyword"] for one in found)


_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=20)


@given(st.lists(st.tuples(_TEXT, st.integers(0, 10**9)), min_size=1, max_size=20), st.sampled_from(",;\t"))
@settings(max_examples=200, deadline=None)
def test_what_a_csv_writer_writes_is_read_again(rows: list[tuple[str, int]], separator: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["Keyword", "Volume"])
    writer.writerows(rows)
    found, _ = read(out.getvalue().encode(), piece=11)
    assert len(found) == len(rows)
    for one, (_, volume) in zip(found, rows, strict=True):
        assert isinstance(one, Rejection) or one["volume"] == volume
