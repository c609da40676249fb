"""What the text inputs of mutations may hold, and how a partial update tells "unchanged" from "cleared".

In updates an absent input is `KEEP` (unchanged) and null is None (cleared, or refused where a value is required).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar

import orjson

from igny8.errors import ValidationFailed


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = "KEEP"


KEEP: Final = Keep.KEEP

Field = tuple[str, ...]
Check = Callable[[str | None, Field], str | None]
Value = TypeVar("Value")

LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 2_000
LONGEST_SLUG: Final = 40
LONGEST_JSON: Final = 20_000  # bytes

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def checked(checks: Mapping[str, Check], values: Mapping[str, str | Keep | None]) -> dict[str, object]:
    """The columns that change, each with its checked value. Raises ValidationFailed and names the input."""
    return {
        column: checks[column](value, ("input", camel(column)))
        for column, value in values.items()
        if value is not KEEP
    }


def required(value: Value | None, field: Field) -> Value:
    """The value, where null is no answer. Raises ValidationFailed."""
    if value is None:
        raise ValidationFailed("This may not be null. Leave it out to keep what is there.", field=field)
    return value


def name(value: str | None, field: Field, *, longest: int = LONGEST_NAME) -> str:
    """One line that is not empty; runs of spaces become one. Raises ValidationFailed."""
    folded = " ".join(unicodedata.normalize("NFC", required(value, field)).split())
    if not folded:
        raise ValidationFailed("This may not be empty.", field=field)
    return _bounded(folded, longest, field)


def slug(value: str | None, field: Field, *, shortest: int = 1) -> str:
    """Lower-case words joined by hyphens, as they stand in an address. Raises ValidationFailed."""
    given = required(value, field)
    if not shortest <= len(given) <= LONGEST_SLUG or not _SLUG.fullmatch(given):
        raise ValidationFailed(
            f"A slug has {shortest} to {LONGEST_SLUG} characters: small letters, digits and single hyphens.",
            field=field,
        )
    return given


def slug_of(text: str) -> str:
    """The slug that a name suggests; empty when the name has no Latin letter or digit."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_SLUG].strip("-")


def text(value: str | None, field: Field, *, longest: int = LONGEST_TEXT) -> str | None:
    """Optional text, line breaks included; blank text is none. Raises ValidationFailed."""
    given = unicodedata.normalize("NFC", value or "").strip()
    return _bounded(given, longest, field) if given else None


def json_object(value: object, field: Field) -> dict[str, Any]:
    """A JSON object of bounded size; null is the empty one. Raises ValidationFailed."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValidationFailed('This must be a JSON object, for example {"audience": "beginners"}.', field=field)
    try:
        text = orjson.dumps(value)
    except TypeError:
        raise ValidationFailed("This holds something that cannot be stored as JSON.", field=field) from None
    if len(text) > LONGEST_JSON:
        raise ValidationFailed(f"This may have at most {LONGEST_JSON} bytes; it has {len(text)}.", field=field)
    if b"\\u0000" in text:
        raise ValidationFailed("This holds a control character that cannot be stored.", field=field)
    return value


def _bounded(given: str, longest: int, field: Field) -> str:
    if len(given) > longest:
        raise ValidationFailed(f"This may have at most {longest} characters; it has {len(given)}.", field=field)
    # Control characters and halves of surrogate pairs: PostgreSQL cannot store some, and no name needs any.
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\r\t" for sign in given):
        raise ValidationFailed("This holds a control character or a broken one.", field=field)
    return given


def camel(column: str) -> str:
    """A column's name as the schema spells it."""
    first, *rest = column.split("_")
    return first + "".join(part.capitalize() for part in rest)
