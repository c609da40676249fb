"""The servers of a test run and the migrated template that each worker's database is cloned from."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from pydantic import SecretStr

from igny8 import migration
from igny8.auth import starter
from igny8.devstack.embedded import FLEETING_POSTGRES, FLEETING_REDIS, EmbeddedPostgres, EmbeddedRedis
from igny8.devstack.environment import temporary_stack
from igny8.settings import MigrationSettings

PASSWORD = "test"


@dataclass(frozen=True)
class Servers:
    """Addresses; `superuser_url` and `owner_url` name the maintenance database."""

    superuser_url: str
    redis_url: str

    def superuser_url_of(self, database: str) -> str:
        return with_database(self.superuser_url, database)

    def database_urls(self, database: str) -> dict[str, str]:
        """The addresses of a database for the owner and the four login roles."""
        return {
            role: with_login(self.superuser_url_of(database), f"igny8_{role}", PASSWORD)
            for role in ("owner", "app", "member", "signin", "system")
        }

    def migration_settings(self, database: str) -> MigrationSettings:
        urls = self.database_urls(database)
        return MigrationSettings(**{f"database_{role}_url": SecretStr(url) for role, url in urls.items()})


@contextmanager
def private_servers() -> Iterator[Servers]:
    """PostgreSQL and Redis in a folder of their own, gone afterwards."""
    with temporary_stack() as made:
        yield Servers(made.superuser_url, made.redis_url)


def fleeting_servers(folder: Path) -> tuple[EmbeddedPostgres, EmbeddedRedis]:
    """Servers that a test may stop and kill, not started yet; their data is not kept with care."""
    folder.chmod(0o711)  # as root, PostgreSQL runs as another user, who has to get through
    return (
        EmbeddedPostgres(folder / "postgres", settings=FLEETING_POSTGRES),
        EmbeddedRedis(folder / "redis", settings=FLEETING_REDIS),
    )


TEMPLATE = os.environ.get("IGNY8_TEST_TEMPLATE", "igny8_template")


def make_template(servers: Servers) -> None:
    """A migrated database with the starter data, and the roles that serve every clone of it."""
    with psycopg.connect(servers.superuser_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
        connection.execute(
            "DO $$ BEGIN CREATE ROLE igny8_owner LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN END $$"
        )
        connection.execute(f"ALTER ROLE igny8_owner PASSWORD '{PASSWORD}'")
        connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER igny8_owner")
    settings = servers.migration_settings(TEMPLATE)
    migration.make_roles(settings)
    migration.migrate(settings)
    asyncio.run(starter.load_into(settings))


def with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def with_login(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))
