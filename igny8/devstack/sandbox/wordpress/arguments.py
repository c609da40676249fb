"""Parameters are checked before anything else, and all that are wrong are told at once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from igny8.devstack.sandbox.wordpress.blog import TIMEZONE
from igny8.devstack.sandbox.wordpress.faults import Fault


class Wrong(Exception):
    """One parameter's fault; `data` is what is told with it."""

    def __init__(self, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.detail = {"code": code, "message": message, "data": data}
        self.message = message


Check = Callable[[str, Any], Any]
Schema = Mapping[str, Check]


def checked(given: Mapping[str, Any], schema: Schema, required: Sequence[str] = ()) -> dict[str, Any]:
    """The parameters of `schema` that are given, each as its check reads it. Raises Fault."""
    missing = [name for name in required if name not in given]
    if missing:
        message = f"Missing parameter(s): {', '.join(missing)}"
        raise Fault("rest_missing_callback_param", message, 400, {"params": missing})
    read: dict[str, Any] = {}
    wrong: dict[str, Wrong] = {}
    for name, check in schema.items():
        if name in given:
            try:
                read[name] = check(name, given[name])
            except Wrong as fault:
                wrong[name] = fault
    if wrong:
        data = {
            "params": {name: fault.message for name, fault in wrong.items()},
            "details": {name: fault.detail for name, fault in wrong.items()},
        }
        raise Fault("rest_invalid_param", f"Invalid parameter(s): {', '.join(wrong)}", 400, data)
    return read


def integer(name: str, value: Any) -> int:
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError
        return int(value)
    except (TypeError, ValueError):
        raise _mistyped(name, "integer") from None


def at_least_one(name: str, value: Any) -> int:
    number = integer(name, value)
    if number < 1:
        raise Wrong("rest_out_of_bounds", f"{name} must be greater than or equal to 1")
    return number


def page_size(name: str, value: Any) -> int:
    number = integer(name, value)
    if not 1 <= number <= 100:
        raise Wrong("rest_out_of_bounds", f"{name} must be between 1 (inclusive) and 100 (inclusive)")
    return number


def string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _mistyped(name, "string")
    return value


def boolean(name: str, value: Any) -> bool:
    if value in (True, "true", "1"):
        return True
    if value in (False, "false", "0", ""):
        return False
    raise _mistyped(name, "boolean")


def mapping(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if value in ("", []):
        return {}
    raise _mistyped(name, "object")


def raw(name: str, value: Any) -> str:
    """A text, or an object with the text as `raw`."""
    if isinstance(value, dict):
        value = value.get("raw", "")
    return "" if value is None else str(value)


def integers(name: str, value: Any) -> list[int]:
    return [integer(f"{name}[{at}]", one) for at, one in enumerate(_listed(value))]


def strings(name: str, value: Any) -> list[str]:
    return [string(f"{name}[{at}]", one) for at, one in enumerate(_listed(value))]


def one_of(*values: str) -> Check:
    def check(name: str, value: Any) -> str:
        if value not in values:
            raise Wrong("rest_not_in_enum", f"{name} is not one of {_and(values)}.")
        return str(value)

    return check


def some_of(*values: str) -> Check:
    one = one_of(*values)
    return lambda name, value: [one(f"{name}[{at}]", each) for at, each in enumerate(_listed(value))]


def utc(name: str, value: Any) -> datetime | None:
    """A time whose zone is UTC when it names none."""
    return _time(value, UTC)


def local(name: str, value: Any) -> datetime | None:
    """A time whose zone is the blog's when it names none."""
    return _time(value, TIMEZONE)


def _time(value: Any, zone: tzinfo) -> datetime | None:
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(str(value))
        if "T" not in str(value):
            raise ValueError
    except ValueError:
        raise Wrong("rest_invalid_date", "Invalid date.") from None
    if read.tzinfo is None:
        read = read.replace(tzinfo=zone)
    return read.astimezone(UTC).replace(microsecond=0)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value) if isinstance(value, list) else [value]


def _mistyped(name: str, kind: str) -> Wrong:
    return Wrong("rest_invalid_type", f"{name} is not of type {kind}.", {"param": name})


def _and(values: Sequence[str]) -> str:
    if len(values) == 2:
        return " and ".join(values)
    return f"{', '.join(values[:-1])}, and {values[-1]}"
