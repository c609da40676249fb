"""PostgreSQL goes away and comes back: requests fail fast meanwhile, and need no restart of ours afterwards."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from igny8 import transactions
from igny8.access import Role
from igny8.db import READ_POOL_SIZES, Database, LoginRole
from igny8.devstack.embedded import EmbeddedPostgres
from igny8.errors import Unavailable
from igny8.tokens import AccessTokens
from tests.conftest import KEY
from tests.database.reading import credentials_of, plan_of, values_of
from tests.support.servers import TEMPLATE, Servers, fleeting_servers, make_template
from tests.support.world import Person, World

pytestmark = pytest.mark.anyio


@dataclass
class Own:
    """A server of this module's own, with one account in its database."""

    server: EmbeddedPostgres
    owner: Person
    settings: Any


@pytest.fixture(scope="module")
def own() -> Iterator[Own]:
    with tempfile.TemporaryDirectory(prefix="igny8-test-") as folder:
        server, _ = fleeting_servers(Path(folder))
        server.start()
        servers = Servers(server.url(), "redis://not-used")
        make_template(servers)
        with psycopg.connect(servers.superuser_url_of(TEMPLATE), autocommit=True) as superuser:
            tenant = World(superuser, AccessTokens(SecretStr(KEY))).tenant()
        try:
            yield Own(server, tenant[Role.OWNER], servers.migration_settings(TEMPLATE))
        finally:
            server.stop()


@pytest.fixture
async def pools(own: Own) -> AsyncIterator[Database]:
    """All connections of the application's pool are open."""
    db = Database(own.settings)
    await db.open()
    try:
        await _use_all(db, own.owner)
        yield db
    finally:
        await db.close()


async def _read(db: Database, person: Person) -> bool:
    plan = plan_of(person.role)
    row = await db.fetch_row(LoginRole.APP, plan.sql, values_of(plan, person))
    return row is not None and row[1] == b"t"


async def _write(db: Database, person: Person) -> bool:
    async with transactions.entered(db, credentials_of(person)) as (session, _):
        changed = await session.execute(text("UPDATE site SET domain = 'kept.example' WHERE slug = 'a' RETURNING id"))
        return len(changed.all()) == 1


async def _sign_in(db: Database, person: Person) -> bool:
    """A write that begins with no gate, as those of people who have no session yet."""
    async with transactions.acting_as(db, person.account_id, person.id) as session:
        changed = await session.execute(text("UPDATE session SET last_used_at = now() RETURNING id"))
        return len(changed.all()) > 0


async def _use_all(db: Database, person: Person) -> None:
    acts = [act(db, person) for act in (_read, _write, _sign_in) for _ in range(READ_POOL_SIZES[LoginRole.APP])]
    assert await asyncio.gather(*acts) == [True] * len(acts)


async def test_after_a_restart_no_read_and_no_write_fails(own: Own, pools: Database) -> None:
    own.server.stop()
    own.server.start()
    await _use_all(pools, own.owner)


@pytest.mark.parametrize("act", [_write, _sign_in])
async def test_after_a_restart_a_single_write_does_not_fail(own: Own, pools: Database, act: Any) -> None:
    own.server.stop()
    own.server.start()
    assert await act(pools, own.owner)


async def test_while_it_is_away_requests_fail_fast_and_after_long_they_work_again(own: Own, pools: Database) -> None:
    own.server.stop()
    for act in (_read, _write, _sign_in):
        asked = time.monotonic()
        with pytest.raises((Unavailable, DBAPIError)) as refused:
            await act(pools, own.owner)
        assert time.monotonic() - asked < 3
        assert "does not answer" in str(refused.value)
    own.server.start()
    async with asyncio.timeout(6):
        while not await _answered(pools, own.owner):
            pass
    await _use_all(pools, own.owner)


async def _answered(db: Database, person: Person) -> bool:
    try:
        return await _read(db, person)
    except Unavailable:
        return False
