"""A private PostgreSQL and Redis with the data set, the API in front of them, and whoever reads. Gone afterwards."""

import asyncio
import base64
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit

import psycopg
from pydantic import SecretStr

from benchmarks import dataset
from benchmarks.processes import Process, started
from igny8 import migration
from igny8.access import Role
from igny8.auth import starter
from igny8.devstack.environment import DATABASE, temporary_stack
from igny8.devstack.ports import free_port
from igny8.settings import MigrationSettings
from igny8.tokens import AccessTokens

KEY = base64.b64encode(bytes(range(32))).decode()
ROLES = ("owner", "app", "member", "signin", "system")
#: A server of the run: how long it may take to answer for the first time, in seconds.
START_SECONDS = 40


@dataclass(frozen=True)
class Stack:
    """Addresses, and the owners of the accounts."""

    folder: Path
    superuser_url: str
    environment: dict[str, str]
    readers: tuple[dataset.Reader, ...]

    @property
    def reader(self) -> dataset.Reader:
        return self.readers[0]

    def token_of(self, reader: dataset.Reader) -> str:
        """An access token that outlives the run."""
        tokens = AccessTokens(SecretStr(KEY))
        token, _ = tokens.issue(
            user_id=reader.user_id,
            account_id=reader.account_id,
            session_id=reader.session_id,
            role=Role(reader.role),
            now=datetime.now(UTC) + timedelta(days=1),
        )
        return token

    @property
    def app_url(self) -> str:
        return self.environment["IGNY8_DATABASE_APP_URL"]


@contextmanager
def stack(*, accounts: int = dataset.ACCOUNTS) -> Iterator[Stack]:
    with temporary_stack() as servers, TemporaryDirectory(prefix="igny8-bench-") as folder:
        superuser = _with(servers.superuser_url, database=DATABASE)
        urls = {role: _with(superuser, login=f"igny8_{role}:test") for role in ROLES}
        settings = MigrationSettings(**{f"database_{role}_url": SecretStr(url) for role, url in urls.items()})
        migration.make_roles(settings)
        migration.migrate(settings)
        asyncio.run(starter.load_into(settings))
        with psycopg.connect(superuser) as connection:
            owners = dataset.fill(connection, accounts=accounts)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("IGNY8_")},
            **{f"IGNY8_DATABASE_{role.upper()}_URL": url for role, url in urls.items() if role != "owner"},
            "IGNY8_REDIS_URL": servers.redis_url,
            "IGNY8_TOKEN_KEY": KEY,
            "IGNY8_SECRETS_KEYS": f"k1:{KEY}",
            "IGNY8_ENVIRONMENT": "development",
            "IGNY8_LOG_FORMAT": "json",
            "IGNY8_MAIL_FOLDER": folder,
            # The limits stay on; these are what one caller may ask for in a minute of load.
            "IGNY8_POINTS_PER_MINUTE": "1000000000",
        }
        yield Stack(Path(folder), superuser, environment, tuple(owners))


@dataclass(frozen=True)
class Served(Process):
    """A process that answers HTTP."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"


@contextmanager
def served(
    name: str, command: list[str], environment: dict[str, str], folder: Path, *, port: int | None = None
) -> Iterator[Served]:
    """Run a server; `{port}` in its command and environment is filled in. Raises RuntimeError when it does not answer."""
    port = port or free_port()
    command = [part.replace("{port}", str(port)) for part in command]
    environment = {key: value.replace("{port}", str(port)) for key, value in environment.items()}
    with started(name, command, environment, folder) as process:
        _wait(process, port)
        yield Served(name, process.popen, process.log, port)


def api(running: Stack) -> list[str]:
    return [sys.executable, "-m", "igny8", "api", "--port", "{port}"]


def _wait(process: Process, port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.popen.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2)  # ours
        except URLError as error:
            if not isinstance(error.reason, str) and isinstance(error.reason, OSError):
                time.sleep(0.1)
                continue
        return
    raise RuntimeError(f"it did not start: {process.last_words()}")


def _with(url: str, *, login: str | None = None, database: str | None = None) -> str:
    parts = urlsplit(url)
    if login is not None:
        parts = parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}")
    return urlunsplit(parts._replace(path=f"/{database}") if database is not None else parts)
