"""The development environment: embedded servers, secrets of its own, and the settings that child processes get."""

import base64
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from igny8.devstack.embedded import EmbeddedPostgres, EmbeddedRedis, forget, home

DATABASE: Final = "igny8"
ROLES: Final = ("owner", "app", "member", "signin", "system")
FOLDER: Final = Path(".igny8")


@contextmanager
def stack(project: Path, *, port: int, reset: bool = False) -> Iterator[dict[str, str]]:
    """PostgreSQL and Redis running, and the environment in which to use them. What the caller has set wins.

    Everything lies below `project`; with `reset` it is deleted first. Raises EmbeddedFailed.
    """
    project = project.resolve()
    if reset:
        forget(project)
        (project / "secrets.json").unlink(missing_ok=True)
    project.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = _secrets(project / "secrets.json")
    made = {**os.environ, **_settings(project, kept, port), **_given()}
    with ExitStack() as running:
        if "IGNY8_DATABASE_APP_URL" not in made or "IGNY8_REDIS_URL" not in made:
            where = home(project)
            if "IGNY8_DATABASE_APP_URL" not in made:
                made.update(_postgres(running, EmbeddedPostgres(where), kept))
            if "IGNY8_REDIS_URL" not in made:
                where.owned(where.sockets)
                redis = EmbeddedRedis(where)
                redis.start()
                running.callback(redis.stop)
                made["IGNY8_REDIS_URL"] = redis.url
        yield made


def bootstrap(superuser_url: str, owner: str, password: str, database: str) -> None:
    """The role that owns the tables (no superuser, may make roles) and its database, once."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (owner,)).fetchone()
        verb = sql.SQL("ALTER" if found else "CREATE")
        statement = sql.SQL("{} ROLE {} LOGIN CREATEROLE PASSWORD {}")
        connection.execute(statement.format(verb, sql.Identifier(owner), sql.Literal(password)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            made = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
            connection.execute(made)


def _postgres(running: ExitStack, server: EmbeddedPostgres, kept: Mapping[str, str]) -> dict[str, str]:
    server.start()
    running.callback(server.stop)
    bootstrap(server.superuser_url, "igny8_owner", kept["owner_password"], DATABASE)
    host = server.superuser_url.partition("?")[2]
    return {
        f"IGNY8_DATABASE_{role.upper()}_URL": (
            f"postgresql://igny8_{role}:{kept[f'{role}_password']}@/{DATABASE}?{host}"
        )
        for role in ROLES
    }


def _settings(project: Path, kept: Mapping[str, str], port: int) -> dict[str, str]:
    return {
        "IGNY8_ENVIRONMENT": "development",
        "IGNY8_PORT": str(port),
        "IGNY8_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "IGNY8_TOKEN_KEY": kept["token_key"],
        "IGNY8_SECRETS_KEYS": f"dev:{kept['secrets_key']}",
        "IGNY8_MAIL_FOLDER": str(project / "mail"),
        "IGNY8_SIGN_UP_PLAN": "scale",
        "IGNY8_REQUIRE_VERIFIED_EMAIL": "false",
        "IGNY8_LOG_FORMAT": "console",
    }


def _given() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("IGNY8_")}


def _secrets(place: Path) -> dict[str, str]:
    """Keys and passwords of this project, made once, readable by its user alone."""
    if not place.exists():
        made = {f"{role}_password": secrets.token_urlsafe(24) for role in ROLES}
        made |= {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("token_key", "secrets_key")}
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
    kept: dict[str, str] = json.loads(place.read_text())
    return kept
