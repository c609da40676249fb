"""Everything dies again and again while jobs run and clients follow: nothing is lost, doubled or told wrong.

`make chaos` lets it go on for ten minutes. The seed chooses what goes wrong and what is started, and not how the
processes take it: the same seed is the same storm over another sea.
"""

import asyncio
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import psycopg
import pytest

from igny8.cancelling import ended
from igny8.db import Database
from igny8.devstack.folders import LASTING
from igny8.events import Bus
from igny8.jobs.hints import Hints
from igny8.secrets import Keyring
from igny8.tokens import AccessTokens
from tests.chaos import verdict
from tests.chaos.audience import Audience
from tests.chaos.harm import Harm
from tests.chaos.house import WORKERS, House, inhabited, until
from tests.chaos.load import Load
from tests.chaos.programs import Stores
from tests.chaos.revivals import revivals, told
from tests.support.servers import Servers
from tests.support.world import World

pytestmark = pytest.mark.anyio

#: All of it, but for the start: what was begun has to end, too.
SECONDS: Final = float(os.environ.get("IGNY8_CHAOS_SECONDS", "60"))
SEED: Final = int(os.environ.get("IGNY8_CHAOS_SEED") or secrets.randbits(32))
_CALM_SECONDS: Final = 20.0
_ACCOUNTS: Final = 8
_CREDITS: Final = 1_000_000

_BEGUN: Final = time.monotonic()


def tell(line: str) -> None:
    """Seen with `-s`, or when the test fails."""
    sys.stdout.write(f"{time.monotonic() - _BEGUN:6.1f} s  {line}\n")
    sys.stdout.flush()


@dataclass
class Scene:
    """Everything and everybody."""

    house: House
    db: Database
    audience: Audience
    load: Load
    harm: Harm


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="igny8-chaos-", dir=LASTING) as made:
        yield Path(made)


@pytest.fixture
def stores(folder: Path) -> Iterator[Stores]:
    made = Stores(folder)
    yield made
    made.stop()


@pytest.fixture
def servers(stores: Stores) -> Servers:
    return stores.start()


@pytest.fixture
async def house(servers: Servers, stores: Stores, folder: Path) -> AsyncIterator[House]:
    async with inhabited(servers, stores, folder) as made, _meanwhile(made.supervise()):
        await made.ready()
        yield made


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    random = Random(SEED)
    url = house.servers.redis_url
    db, bus = Database(house.settings), Bus(url)
    hints = Hints(db, url, bus)
    await db.open()
    with psycopg.connect(house.superuser_url, autocommit=True) as sql:
        world = World(sql, AccessTokens(house.settings.token_key))
        tenants = [world.tenant() for _ in range(_ACCOUNTS)]
        for tenant in tenants:
            world.fund(tenant, _CREDITS)
    audience = Audience(Random(random.random()), house)
    load = Load(Random(random.random()), db, hints, house, tenants, audience.follow_job)
    harm = Harm(Random(random.random()), house, load, tell)
    async with _meanwhile(hints.run()):
        yield Scene(house, db, audience, load, harm)
    await hints.close()
    await bus.close()
    await db.close()


async def test_whatever_dies_nothing_is_lost_doubled_or_told_wrong(scene: Scene) -> None:
    house, load, audience, harm = scene.house, scene.load, scene.audience, scene.harm
    tell(f"IGNY8_CHAOS_SEED={SEED}, {SECONDS:.0f} s")
    for tenant in load.tenants:
        audience.follow_site(tenant)
    await _storm(SECONDS - _CALM_SECONDS, load.start_jobs, load.change_minds, harm.rage)
    harm.end()
    await house.ready()
    last = house.programs[WORKERS[0]]
    last.signal(signal.SIGKILL)
    tell("calm, after one last death: what was begun has to end")
    with psycopg.connect(house.superuser_url, autocommit=True) as sql:
        await until(load.all_ended, "all jobs to end")
        await until(lambda: audience.heard_all(sql), "all events to be heard")
        await audience.leave()
        keyring = Keyring(house.settings.secrets_keys)
        paid = verdict.Paid.of(await house.calls(), house.provider.lost, sql)
        wrong = await verdict.faults(sql, scene.db, keyring, load.told, audience.all, paid)
        for line in _summary(scene, sql, paid):
            tell(line)
    assert wrong == []


def _summary(scene: Scene, sql: psycopg.Connection[Any], paid: verdict.Paid) -> Iterator[str]:
    house, load, audience = scene.house, scene.load, scene.audience
    states = sql.execute("SELECT state, count(*) FROM job GROUP BY state ORDER BY state").fetchall()
    attempts = sql.execute("SELECT count(*) FROM job WHERE attempt > 1").fetchone()
    killed = {pid: at for program in house.programs.values() for pid, at in program.killed.items()}
    last = dict([max(killed.items(), key=lambda death: death[1])])
    faults = ", ".join(f"{number} x {name.replace('_', ' ')}" for name, number in sorted(scene.harm.done.items()))
    heard = sum(len(one.seen) for one in audience.all)
    connections = sum(one.connections for one in audience.all)
    yield f"jobs: {sum(number for _, number in states)} ({', '.join(f'{number} {state}' for state, number in states)})"
    yield f"{attempts and attempts[0]} needed attempts; asked for: {', '.join(f'{n} x {name}' for name, n in load.done.items())}"
    yield f"faults: {faults}; {house.database.lost} replies of PostgreSQL were lost"
    yield f"events: {heard} heard by {len(audience.all)} followers in {connections} connections"
    yield f"provider: {paid}"
    yield f"from a worker's death to the next attempt, other things dying, too: {told(revivals(sql, killed))}"
    yield f"from the last worker's death to the next attempt: {told(revivals(sql, last))}"


async def _storm(seconds: float, *acts: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """So long, all of it at once; nothing of it may fail."""
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for act in acts:
            group.create_task(_act(act, over))
        await asyncio.sleep(seconds)
        over.set()


async def _act(act: Callable[[asyncio.Event], Awaitable[None]], over: asyncio.Event) -> None:
    await act(over)


@asynccontextmanager
async def _meanwhile(act: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(act)
    try:
        yield
    finally:
        await ended(task)
