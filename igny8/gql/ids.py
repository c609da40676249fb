"""Public ids: a typed prefix and 32 hex digits, for example `sit_0190f3c2b1a07d5e8f00112233445566`."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from igny8.errors import ValidationFailed

#: Every kind of id there is, and what it is called in a sentence.
KINDS: Final = {
    "acc": "account",
    "usr": "user",
    "ses": "session",
    "sit": "site",
    "sec": "sector",
    "uac": "site access",
    "pln": "plan",
    "sub": "subscription",
    "ind": "industry",
    "ins": "industry sector",
    "skw": "seed keyword",
    "key": "keyword",
    "clu": "cluster",
    "ide": "idea",
    "tsk": "task",
    "con": "content",
    "rev": "revision",
    "img": "image",
    "prm": "prompt",
    "prv": "prompt version",
    "ist": "integration settings",
    "aut": "author profile",
    "str": "strategy",
    "ctr": "credit transaction",
    "cus": "credit usage",
    "job": "job",
    "jit": "job item",
}


class WrongId(ValueError):
    """The text is no id, or one of another kind; the message names both."""


def show(prefix: str, value: UUID) -> str:
    return f"{prefix}_{value.hex}"


def prefix_of(text: str) -> str | None:
    """The prefix of a well-formed id of a known kind."""
    prefix, _, digits = text.partition("_")
    return prefix if prefix in KINDS and _is_hex(digits) else None


def parse(prefix: str, text: str) -> UUID:
    """The UUID in an id that must be of this kind. Raises WrongId."""
    if text.startswith(f"{prefix}_") and _is_hex(text[4:]):
        return UUID(text[4:])
    found = prefix_of(text)
    got = f"got {_article(KINDS[found])} id" if found else "got something that is no id"
    raise WrongId(f"expected {_article(KINDS[prefix])} id ({prefix}_...), {got}")


def given(prefix: str, text: str, *field: str) -> UUID:
    """The UUID in a mutation's argument; `field` is its path. Raises ValidationFailed."""
    try:
        return parse(prefix, text)
    except WrongId as error:
        raise ValidationFailed(f"{error}.".capitalize(), field=field) from None


def all_given(prefix: str, texts: Sequence[str], *field: str, most: int = 1000) -> list[UUID]:
    """The UUIDs in a list argument, each once, in order. Raises ValidationFailed."""
    if len(texts) > most:
        raise ValidationFailed(f"At most {most} ids may be given at once.", field=field)
    return list(dict.fromkeys(given(prefix, text, *field, str(at)) for at, text in enumerate(texts)))


def _is_hex(digits: str) -> bool:
    return len(digits) == 32 and all(digit in "0123456789abcdef" for digit in digits)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
