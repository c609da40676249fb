"""An operator's server before IGNY8 was there: a database, a role that is to own it, and nothing else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from pydantic import SecretStr

from igny8.db import new_id
from igny8.settings import MigrationSettings
from tests.support.servers import PASSWORD, Servers, with_database, with_login

LOGIN_ROLES = ("app", "member", "signin", "system")


@dataclass
class Bare:
    """The database `name`; its roles are called `<name>_owner`, `<name>_app` and so on, and share one password."""

    name: str
    superuser_url: str
    server: psycopg.Connection[Any]

    def url(self, role: str, *, password: str = PASSWORD, database: str | None = None) -> SecretStr:
        return SecretStr(with_login(with_database(self.superuser_url, database or self.name), role, password))

    def settings(self, **others: SecretStr) -> MigrationSettings:
        urls = {f"database_{role}_url": self.url(f"{self.name}_{role}") for role in ("owner", *LOGIN_ROLES)}
        return MigrationSettings(**urls | others)

    def environment(self) -> dict[str, str]:
        values = self.settings().model_dump()
        return {f"IGNY8_{name.upper()}": value.get_secret_value() for name, value in values.items()}

    def obey(self, said: str) -> None:
        """Run the statements that a message prints, as they stand, as the superuser in this database."""
        statements = re.findall(r"(?:ALTER|CREATE|GRANT) [^;]*;", said)
        assert statements, said
        with psycopg.connect(with_database(self.superuser_url, self.name), autocommit=True) as sql:
            for statement in statements:
                sql.execute(statement.replace("'...'", f"'{PASSWORD}'"))

    def tables(self) -> set[str]:
        with psycopg.connect(with_database(self.superuser_url, self.name)) as sql:
            found = sql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name for (name,) in found}


@contextmanager
def bare_database(servers: Servers) -> Iterator[Bare]:
    """A new database, gone afterwards with all roles of its name."""
    name = f"bare_{new_id().hex[-8:]}"
    with psycopg.connect(servers.superuser_url, autocommit=True) as server:
        server.execute(f"CREATE ROLE {name}_owner LOGIN PASSWORD '{PASSWORD}'")
        server.execute(f"CREATE DATABASE {name}")
        yield Bare(name, servers.superuser_url, server)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for (role,) in server.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"{name}%"]).fetchall():
            server.execute(f"DROP ROLE {role}")
