"""The databases that the walls are proved on: the embedded PostgreSQL 18 and, where it is installed, Debian's 15."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from igny8.settings import MigrationSettings
from igny8.tokens import AccessTokens
from tests.conftest import KEY
from tests.database.bare import Bare, bare_database
from tests.support.postgres15 import private_postgres15
from tests.support.servers import TEMPLATE, Servers, make_template
from tests.support.world import Person, World


@dataclass(frozen=True)
class Walled:
    """A migrated database; every login role of it can be used directly."""

    servers: Servers
    database: str

    @property
    def urls(self) -> dict[str, str]:
        return self.servers.database_urls(self.database)

    @property
    def settings(self) -> MigrationSettings:
        return self.servers.migration_settings(self.database)

    def connect(self, role: str) -> psycopg.Connection[Any]:
        """A connection of a login role; nothing is committed unless the test does it."""
        return psycopg.connect(self.urls[role])

    def as_superuser(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.servers.superuser_url_of(self.database))


@pytest.fixture(scope="session")
def embedded(servers: Servers, worker_id: str, database_urls: dict[str, str]) -> Walled:
    return Walled(servers, f"{TEMPLATE}_{worker_id}")


@pytest.fixture(scope="session")
def postgres15() -> Iterator[Walled]:
    with private_postgres15() as superuser_url:
        servers = Servers(superuser_url, "redis://not-used")
        make_template(servers)
        yield Walled(servers, TEMPLATE)


@pytest.fixture(scope="session", params=["embedded", pytest.param("postgres15", marks=pytest.mark.postgres15)])
def walled(request: pytest.FixtureRequest) -> Walled:
    """Each of the servers in turn."""
    found: Walled = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def people(walled: Walled) -> Iterator[World]:
    """Makes tenants in the database of `walled`."""
    with walled.as_superuser() as connection:
        connection.autocommit = True
        yield World(connection, AccessTokens(SecretStr(KEY)))


def enter(sql: psycopg.Connection[Any], person: Person, *, acting_on: UUID | None = None) -> list[tuple[Any, ...]]:
    """What the gate of every transaction answers to a person: role, status of the account, served or not."""
    return sql.execute(
        "SELECT role, account_status, served FROM app_enter(%s, %s, %s, %s)",
        [person.account_id, person.id, person.session_id, acting_on],
    ).fetchall()


@pytest.fixture
def bare(walled: Walled) -> Iterator[Bare]:
    """A database that IGNY8 has never seen, owned by the superuser."""
    with bare_database(walled.servers) as found:
        yield found
