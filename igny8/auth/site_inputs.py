"""What a site's inputs may hold: its host, its WordPress address, its language and its time zone."""

import re
from functools import cache
from typing import Final
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from igny8 import inputs
from igny8.errors import ValidationFailed
from igny8.inputs import Check, Field

_LONGEST_ADDRESS: Final = 500
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
#: language[-Script][-REGION][-variant...], the parts of RFC 5646 that websites use.
_LANGUAGE: Final = re.compile(
    r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?((?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)", re.IGNORECASE
)


def domain(value: str | None, field: Field) -> str | None:
    """The host of a website in lower case, IDNA-encoded; a whole address is cut down to it."""
    given = inputs.text(value, field, longest=_LONGEST_ADDRESS)
    if given is None:
        return None
    parts = _split(given if "://" in given else f"//{given}")
    host = _host(parts) if parts is not None and parts.username is None else None
    if host is None or "." not in host:
        raise ValidationFailed("This is not a domain such as example.com.", field=field)
    return host


def web_address(value: str | None, field: Field) -> str | None:
    """An absolute http(s) address without credentials, query or fragment, without the last slash."""
    given = inputs.text(value, field, longest=_LONGEST_ADDRESS)
    if given is None:
        return None
    parts = _split(given)
    host = _host(parts) if parts is not None else None
    if parts is None or host is None or parts.scheme not in ("http", "https"):
        raise ValidationFailed("This is not an address such as https://example.com/blog.", field=field)
    if parts.username is not None or parts.password is not None:
        raise ValidationFailed("The address may not hold a user name or password: give them apart.", field=field)
    if parts.query or parts.fragment:
        raise ValidationFailed("The address may not have a query or a fragment (? or #).", field=field)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def language(value: str | None, field: Field) -> str:
    """A BCP 47 tag in its usual case: en, pt-BR, zh-Hant-TW."""
    found = _LANGUAGE.fullmatch(inputs.required(value, field).strip())
    if found is None:
        raise ValidationFailed("This is not a language tag such as en or pt-BR.", field=field)
    tongue, script, region, variants = found.groups()
    parts = [tongue.lower(), script.capitalize() if script else "", region.upper() if region else ""]
    return "-".join(part for part in parts if part) + variants.lower()


def timezone(value: str | None, field: Field) -> str:
    """The name of a time zone in the IANA database."""
    given = inputs.required(value, field).strip()
    if given not in _timezones():
        raise ValidationFailed("This is not a time zone such as Europe/Berlin or UTC.", field=field)
    return given


def _username(value: str | None, field: Field) -> str | None:
    return inputs.text(value, field, longest=inputs.LONGEST_NAME)


CHECKS: Final[dict[str, Check]] = {
    "name": inputs.name,
    "slug": inputs.slug,
    "domain": domain,
    "language": language,
    "timezone": timezone,
    "wp_url": web_address,
    "wp_username": _username,
}


@cache
def _timezones() -> frozenset[str]:
    """All names; finding them reads the time zone folder once."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _split(address: str) -> SplitResult | None:
    # The standard parser would drop line breaks and tabs in silence.
    if re.search(r"\s", address):
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult) -> str | None:
    try:
        host = (parts.hostname or "").rstrip(".").encode("idna").decode()
    except UnicodeError:
        return None
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        return None
    return host
