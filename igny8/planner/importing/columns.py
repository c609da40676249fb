"""Which column of a file holds what: by the titles that the tools give, or as the user says."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from igny8.errors import ValidationFailed

#: Fields of a keyword and the titles that tools give them, the best first. The names of the fields are titles, too.
_TITLES: Final[Mapping[str, tuple[str, ...]]] = {
    "keyword": (
        "keyword", "keywords", "top queries", "query", "queries", "search term", "search terms", "search query",
        "phrase", "term",
    ),
    "volume": (
        "volume", "search volume", "avg. monthly searches", "avg monthly searches", "average monthly searches",
        "monthly searches", "monthly volume", "searches", "vol.", "vol", "sv",
    ),
    "difficulty": ("difficulty", "keyword difficulty", "kd", "kd %", "kd%", "seo difficulty"),
    "cpc": (
        "cpc", "cpc (usd)", "cpc usd", "cost per click", "avg. cpc", "top of page bid (high range)", "cpc (eur)",
        "cpc (gbp)",
    ),
    "intent": ("intent", "intents", "search intent", "keyword intents"),
    "serpUrls": ("serpurls", "serp urls", "serp", "result pages", "top 10 urls", "urls"),
}  # fmt: skip
_SHOWN: Final = 30
_LONGEST_TITLE: Final = 60


def found(rows: Sequence[Sequence[str]], mapping: Mapping[str, str] | None) -> tuple[int, dict[str, int]] | None:
    """Which of the first rows is the header, and the places of its fields; None when no row names a keyword."""
    for number, row in enumerate(rows):
        places = _mapped(row, mapping) if mapping else _known(row)
        if "keyword" in places:
            return number, places
    return None


def _known(row: Sequence[str]) -> dict[str, int]:
    titles = [folded(title) for title in row]
    places = {}
    for field, known in _TITLES.items():
        for title in known:
            if title in titles:
                places[field] = titles.index(title)
                break
    # "Keyword Stats 2026-01-01" alone in a line is a caption, and "Keyword" alone in a line is a list of keywords.
    return places


def _mapped(row: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Those that are mapped from there, and those that are not by their titles, but for columns that are taken."""
    titles = [folded(title) for title in row]
    if any(folded(title) not in titles for title in mapping.values()):
        return {}
    places = {field: titles.index(folded(title)) for field, title in mapping.items()}
    known = {field: place for field, place in _known(row).items() if place not in places.values()}
    return {**known, **places}


def folded(title: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", title)).strip().casefold()


def checked_mapping(value: object) -> dict[str, str] | None:
    """`{"field": "title of the column"}`. Raises ValidationFailed."""
    field = ("input", "mapping")
    if value is None:
        return None
    known = ", ".join(_TITLES)
    if not isinstance(value, dict) or not all(isinstance(title, str) and title.strip() for title in value.values()):
        raise ValidationFailed(
            f'Give an object such as {{"keyword": "Title of the column"}}; it may have {known}.', field=field
        )  # one sentence
    for name in value:
        if name not in _TITLES:
            raise ValidationFailed(f"There is no field {str(name)[:_LONGEST_TITLE]}; there are {known}.", field=field)
    return dict(value)


def none_found(rows: Sequence[Sequence[str]], mapping: Mapping[str, str] | None) -> str:
    """What is said of a file without a header."""
    header = max(rows, key=len, default=[])
    there = ", ".join(f"'{title.strip()[:_LONGEST_TITLE]}'" for title in header[:_SHOWN] if title.strip()) or "none"
    if mapping:
        return f"The file lacks a column of the mapping. Its columns are: {there}."
    return (
        f"No column holds keywords. The columns are: {there}. Name the one that does in `mapping`, for example"
        ' {"keyword": "Title of the column"}.'
    )
