"""What the four login roles must be like, whoever made them: their settings, and the rights they must not have."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from igny8.settings import DatabaseSettings

#: Part of the meaning of every answer (times are UTC) and of its safety (nothing runs or waits for ever).
SETTINGS: Final = {
    "timezone": "UTC",
    "jit": "off",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "15s",
}

#: Answers who is connected and how, the settings in the order above; `faults` reads the answer.
QUESTION: Final = (
    "SELECT current_user, (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user),"
    " current_setting('timezone'), current_setting('jit'), current_setting('statement_timeout'),"
    " current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"
)

_UTC: Final = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT"})


class WrongLoginRole(Exception):
    """Login roles that must not serve, a line each, with the statements that mend them."""

    def __init__(self, faults: Sequence[str]) -> None:
        said = ["The database's login roles must not serve like this:", *(f"  {fault}" for fault in faults)]
        super().__init__("\n".join(said))
        self.faults = list(faults)


def refuse_wrong(settings: DatabaseSettings) -> None:
    """Raise WrongLoginRole before anything is served. A server that is away is looked at when it is back."""
    found = []
    for url in (
        settings.database_app_url,
        settings.database_member_url,
        settings.database_signin_url,
        settings.database_system_url,
    ):
        try:
            with psycopg.connect(url.get_secret_value(), connect_timeout=2) as connection:
                found += faults(connection.execute(QUESTION).fetchone())
        except psycopg.OperationalError:
            continue
    if found:
        raise WrongLoginRole(found)


def faults(answer: Sequence[Any] | None) -> list[str]:
    """What is wrong with the role that gave this answer to QUESTION. Operators may choose other time-outs."""
    name, is_unbound, *settings = answer or ("?", True)
    found = [unbound(name)] if is_unbound else []
    wrong = [
        setting for setting, value in zip(SETTINGS, settings, strict=bool(settings)) if _is_wrong(setting, value)
    ]
    if wrong:
        statements = " ".join(_set(name, setting) for setting in wrong)
        found.append(f"{name} lacks settings. Run `igny8 migrate --roles`, or let a superuser run: {statements}")
    return found


def unbound(name: str) -> str:
    """The fault of a role that policies do not bind."""
    return (
        f"{name} is not bound by row-level security. A superuser runs: "
        f"ALTER ROLE {quoted(name)} NOSUPERUSER NOBYPASSRLS;"
    )


def creation(name: str) -> str:
    """The statements that make a login role as it must be; the operator puts the password in."""
    settings = " ".join(_set(name, setting) for setting in SETTINGS)
    return f"CREATE ROLE {quoted(name)} LOGIN PASSWORD '...'; {settings}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _set(name: str, setting: str) -> str:
    return f"ALTER ROLE {quoted(name)} SET {setting} TO '{SETTINGS[setting]}';"


def _is_wrong(setting: str, value: str) -> bool:
    match setting:
        case "timezone":
            return value not in _UTC
        case "jit":
            return value != "off"
        case _:
            return value == "0"
