"""What is written in a cell, as a value. An empty one, and what tools write for nothing, is None."""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from igny8.auth.tables import SearchIntent

_NOTHING: Final = frozenset(("", "-", "--", "\u2013", "\u2014", "n/a", "na", "null", "none", "nan", "#n/a", "?"))
_MULTIPLES: Final = {"k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
_RANGE: Final = re.compile(r"(.*[0-9kmb])\s*[-\u2013\u2014]\s*([0-9].*)")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:[.,' \u00a0\u202f][0-9]{3})+")
_CURRENCY: Final = re.compile(r"^(?:[a-z]{3}\s+|[$€£¥]\s*)|(?:\s*[$€£¥]|\s+[a-z]{3})$")
#: What most cells hold, and needs no thought.
_PLAIN_AMOUNT: Final = re.compile(r"[0-9]{1,8}\.[0-9]{2}")
_LETTERS: Final[Mapping[str, SearchIntent]] = {
    "i": SearchIntent.INFORMATIONAL,
    "n": SearchIntent.NAVIGATIONAL,
    "c": SearchIntent.COMMERCIAL,
    "t": SearchIntent.TRANSACTIONAL,
} | {intent.value.casefold(): intent for intent in SearchIntent}


def whole(text: str) -> int | None:
    """`1,234`, `1.2K`, `> 100`, or a range such as `1K - 10K`: its geometric middle. Raises ValueError."""
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    given = text.strip().casefold().lstrip("<>~≈ ")
    if given in _NOTHING:
        return None
    if between := _RANGE.fullmatch(given):
        low, high = (number(part) for part in between.groups())
        return round(math.sqrt(low * high))
    return round(number(given.rstrip("+ ")))


def percent(text: str) -> int | None:
    """`37`, `37 %`, `37.4`. Raises ValueError."""
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    given = text.strip().casefold().rstrip("% ")
    return None if given in _NOTHING else round(number(given))


def amount(text: str) -> Decimal | None:
    """`1.50`, `1,50`, `$ 1.50`, `EUR 1.50`. Raises ValueError."""
    if _PLAIN_AMOUNT.fullmatch(text):
        return Decimal(text)
    given = _CURRENCY.sub("", text.strip().casefold()).strip()
    return None if given in _NOTHING else Decimal(str(number(given))).quantize(Decimal("0.01"))


def intent(text: str) -> SearchIntent | None:
    """The first of one or several, by their letters or names. Raises ValueError."""
    first = re.split(r"[,;|/]", text, maxsplit=1)[0].strip().casefold()
    if first in _NOTHING or text.strip().casefold() in _NOTHING:
        return None
    if first not in _LETTERS:
        raise ValueError(text)
    return _LETTERS[first]


def pages(text: str) -> Sequence[str]:
    """Addresses, divided by spaces, line breaks, semicolons or bars."""
    return [part for part in re.split(r"[\s;|]+", text.strip()) if part]


def number(text: str) -> float:
    """A number with any separator of thousands, and a point or a comma before its fraction. Raises ValueError."""
    given = text.strip()
    multiple = _MULTIPLES.get(given[-1:], 1)
    given = (given[:-1] if multiple > 1 else given).strip()
    if _GROUPED.fullmatch(given) and not (multiple > 1):
        given = re.sub(r"[^0-9]", "", given)
    else:
        point = max(given.rfind("."), given.rfind(","))
        if point >= 0:
            before = re.sub(r"[.,' \u00a0\u202f]", "", given[:point])
            given = f"{before}.{given[point + 1 :]}"
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", given) or len(given) > 20:
        raise ValueError(text)
    try:
        return float(Decimal(given)) * multiple
    except InvalidOperation:
        raise ValueError(text) from None
