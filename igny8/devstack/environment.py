"""The whole development environment: servers that run and the IGNY8_* variables that lead to them.

What the developer has set wins: with a database or Redis of their own, the embedded one is not started.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from igny8.devstack.embedded import FLEETING_POSTGRES, FLEETING_REDIS, EmbeddedPostgres, EmbeddedRedis
from igny8.devstack.faults import StackFault
from igny8.devstack.folders import LASTING, Folders, claimed
from igny8.devstack.keys import ROLES, Keys
from igny8.devstack.ports import free_port, refuse_busy_port
from igny8.devstack.providers import Providers, providers
from igny8.devstack.server import ServerProcess

DATABASE: Final = "igny8"
OWNER: Final = "igny8_owner"
DEFAULT_PORT: Final = 8080


@dataclass(frozen=True)
class Stack:
    """Every IGNY8_* variable of the processes to come, the API's port, the servers that run, and the providers."""

    environment: dict[str, str]
    port: int
    servers: list[ServerProcess]
    providers: Providers


@contextmanager
def stack(
    project: Path, *, port: int | None = None, reset: bool = False, given: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Servers that run until the block ends. Raises StackFault.

    `port` None: IGNY8_PORT or 8080; 0: any free one. `reset` first deletes the embedded servers' data and the
    secrets; a database of the developer's own is never touched. `given` is the developer's environment.
    """
    set_by_hand = {
        name: value
        for name, value in (os.environ if given is None else given).items()
        if name.startswith("IGNY8_") and value
    }
    called = providers(os.environ if given is None else given)
    host = set_by_hand.get("IGNY8_HOST", "127.0.0.1")
    port = _port(host, port, set_by_hand)
    with ExitStack() as undo:
        folders = undo.enter_context(claimed(project))
        postgres, redis = _servers(folders)
        if reset:
            _remove(folders)
        keys = Keys.kept_in(folders.secrets)
        found = _common(folders, keys, port)
        servers = []
        if not _own_database(set_by_hand):
            _refuse_in_production(set_by_hand)
            postgres.start()
            undo.callback(postgres.stop)
            make_database(postgres, keys.passwords["owner"])
            found |= _database_urls(postgres, keys)
            servers.append(postgres.process)
        if "IGNY8_REDIS_URL" not in set_by_hand:
            _refuse_in_production(set_by_hand)
            redis.start()
            undo.callback(redis.stop)
            found["IGNY8_REDIS_URL"] = redis.url
            servers.append(redis.process)
        yield Stack({**found, **called.environment, **set_by_hand, "IGNY8_PORT": str(port)}, port, servers, called)


@contextmanager
def private_stack() -> Iterator[Stack]:
    """A stack on a free port that leaves nothing behind; of the developer's variables only OPENAI_API_KEY counts."""
    given = {name: os.environ[name] for name in ("OPENAI_API_KEY",) if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="igny8-") as made, ExitStack() as undo:
        undo.callback(forget, Path(made))
        yield undo.enter_context(stack(Path(made), port=0, given=given))


def forget(project: Path) -> None:
    """Delete the servers of a project, their data and the secrets. Raises StackFault while its stack runs."""
    with claimed(project) as folders:
        _remove(folders)
        shutil.rmtree(folders.servers)


@dataclass(frozen=True)
class TemporaryStack:
    superuser_url: str
    owner_url: str
    redis_url: str


@contextmanager
def temporary_stack() -> Iterator[TemporaryStack]:
    """PostgreSQL and Redis for tests, in a new folder that goes with them. A power cut would spoil their data."""
    place = LASTING if LASTING.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="igny8-", dir=place) as made, ExitStack() as undo:
        folder = Path(made)
        if os.geteuid() == 0:
            folder.chmod(0o711)
        postgres = EmbeddedPostgres(folder / "postgres", settings=FLEETING_POSTGRES)
        undo.callback(postgres.remove)
        postgres.start()
        undo.callback(postgres.stop)
        redis = EmbeddedRedis(folder / "redis", settings=FLEETING_REDIS)
        undo.callback(redis.remove)
        redis.start()
        undo.callback(redis.stop)
        make_database(postgres, password := "test")
        yield TemporaryStack(postgres.url(), postgres.url(OWNER, password, DATABASE), redis.url)


def make_database(postgres: EmbeddedPostgres, password: str) -> None:
    """The owner, who is no superuser but may make roles, and the empty database; both may be there already."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        roles = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchall()
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN CREATEROLE PASSWORD {}").format(
                sql.SQL("ALTER" if roles else "CREATE"), sql.Identifier(OWNER), sql.Literal(password)
            )
        )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )


def _servers(folders: Folders) -> tuple[EmbeddedPostgres, EmbeddedRedis]:
    return EmbeddedPostgres(folders.servers / "postgres"), EmbeddedRedis(folders.servers / "redis")


def _remove(folders: Folders) -> None:
    for server in _servers(folders):
        server.remove()
    folders.secrets.unlink(missing_ok=True)


def _common(folders: Folders, keys: Keys, port: int) -> dict[str, str]:
    return {
        "IGNY8_ENVIRONMENT": "development",
        "IGNY8_TOKEN_KEY": keys.token_key,
        "IGNY8_SECRETS_KEYS": keys.secrets_keys,
        "IGNY8_FILES_URL": str(folders.files),
        "IGNY8_MAIL_FOLDER": str(folders.mails),
        "IGNY8_SIGN_UP_PLAN": "scale",
        "IGNY8_REQUIRE_VERIFIED_EMAIL": "false",
        "IGNY8_OUTGOING_PRIVATE": "true",
        "IGNY8_LOG_FORMAT": "console",
        "IGNY8_DRAIN_SECONDS": "3",
        "IGNY8_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }


def _database_urls(postgres: EmbeddedPostgres, keys: Keys) -> dict[str, str]:
    return {
        _variable(role): postgres.url(f"igny8_{role}", password, DATABASE)
        for role, password in keys.passwords.items()
    }


def _variable(role: str) -> str:
    return f"IGNY8_DATABASE_{role.upper()}_URL"


def _own_database(set_by_hand: Mapping[str, str]) -> bool:
    missing = [name for role in ROLES if (name := _variable(role)) not in set_by_hand]
    if missing and len(missing) < len(ROLES):
        raise StackFault(
            f"Some addresses of your own database are set, but not {', '.join(missing)}: set these too, or none."
        )
    return not missing


def _refuse_in_production(set_by_hand: Mapping[str, str]) -> None:
    if set_by_hand.get("IGNY8_ENVIRONMENT") == "production":
        raise StackFault(
            "IGNY8_ENVIRONMENT is production, and the embedded servers are for development only:"
            " set the addresses of the database and of Redis, or unset IGNY8_ENVIRONMENT."
        )


def _port(host: str, asked: int | None, set_by_hand: Mapping[str, str]) -> int:
    if asked == 0:
        return free_port()
    port = asked
    if port is None:
        text = set_by_hand.get("IGNY8_PORT", str(DEFAULT_PORT))
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise StackFault(f"IGNY8_PORT is {text!r}: it must be a number from 1 to 65535.")
        port = int(text)
    refuse_busy_port(host, port)
    return port
