"""Twenty accounts share two connections while clients hang up and backends are killed: nobody sees another's row."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import orjson
import pytest
from graphql.execution.values import VariableValues
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from igny8 import transactions
from igny8.access import Role
from igny8.db import Database, LoginRole
from igny8.errors import Unavailable
from igny8.gql.read.plans import Operation
from igny8.gql.read.reader import Reader
from igny8.schema import make_schema
from igny8.settings import Settings
from tests.database.reading import credentials_of, operation_of
from tests.support.world import Person, Tenant, World

pytestmark = pytest.mark.anyio

SECONDS = 5.0
QUERY = "{ account { id } sites { nodes { id account { id } } } }"


@pytest.fixture
async def narrow(settings: Settings) -> AsyncIterator[Database]:
    """Two connections for each login role."""
    two = dict.fromkeys(LoginRole, 2)
    database = Database(settings, sizes=two, read_sizes=two)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


class Storm:
    """Clients of all tenants, and what they were answered."""

    def __init__(self, db: Database, tenants: list[Tenant]) -> None:
        self._db, self._reader = db, Reader(make_schema()._schema, db, largest_answer=1_000_000)
        self._asked: tuple[Operation, VariableValues] = operation_of(QUERY)
        self._tenants = tenants
        self.right = self.wrong = self.cut = 0

    async def client(self, tenant: Tenant, ends: float) -> None:
        """Reads and writes as owner and editor in turn; about one call in six is given up half-way."""
        while asyncio.get_running_loop().time() < ends:
            for person in (tenant[Role.OWNER], tenant[Role.EDITOR]):
                for act in (self.read, self.write):
                    patience = random.uniform(0, 0.01) if random.random() < 0.16 else 10
                    try:
                        async with asyncio.timeout(patience):
                            right = await act(tenant, person)
                    except (TimeoutError, Unavailable, DBAPIError):
                        self.cut += 1
                    else:
                        self.right += right
                        self.wrong += not right

    async def read(self, tenant: Tenant, person: Person) -> bool:
        answer = await self._reader.read(*self._asked, credentials_of(person))
        found = orjson.loads(answer.whole())
        own = {"id": tenant.public_id}
        sites = [{"id": tenant.site(name), "account": own} for name in _seen_by(person)]
        return bool(found["account"] == own and sorted(found["sites"]["nodes"], key=repr) == sorted(sites, key=repr))

    async def write(self, tenant: Tenant, person: Person) -> bool:
        async with transactions.entered(self._db, credentials_of(person)) as (session, _):
            if person.role is Role.OWNER:
                await session.execute(text("UPDATE site SET domain = slug"))
            rows = await session.execute(text("SELECT account_id, id FROM site, pg_sleep(0.001)"))
            return {tuple(row) for row in rows} == {(tenant.id, tenant.sites[name]) for name in _seen_by(person)}


def _seen_by(person: Person) -> tuple[str, ...]:
    return ("a", "b") if person.role is Role.OWNER else ("a",)


async def _kill_backends(world: World) -> int:
    """Every now and then one connection of the login roles dies; how many that were, when this is cancelled."""
    killed = 0
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0.2)
            killed += world.sql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND usename IN ('igny8_app', 'igny8_member') ORDER BY random() LIMIT 1"
            ).rowcount
    return killed


async def test_no_wrong_row_under_cancellations_and_killed_backends(narrow: Database, world: World) -> None:
    tenants = [world.tenant() for _ in range(20)]
    storm = Storm(narrow, tenants)
    killer = asyncio.create_task(_kill_backends(world))
    ends = asyncio.get_running_loop().time() + SECONDS
    try:
        async with asyncio.TaskGroup() as clients:
            for tenant in tenants:
                clients.create_task(storm.client(tenant, ends))
    finally:
        killer.cancel()
    assert await killer > 5
    assert storm.wrong == 0
    assert storm.right > 200
    assert storm.cut > 20
    await _still_whole(storm, tenants)


async def _still_whole(storm: Storm, tenants: list[Tenant]) -> None:
    """No connection was lost to a cancelled task: two transactions can be open at once, for both roles."""
    async with asyncio.timeout(5):
        answers = await asyncio.gather(
            *(act(tenant, tenant[role]) for tenant in tenants for role in (Role.OWNER, Role.EDITOR)
              for act in (storm.read, storm.write))
        )  # fmt: skip
    assert answers == [True] * len(tenants) * 4
