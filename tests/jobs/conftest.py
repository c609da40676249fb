"""Accounts with credits, workers and dispatchers in this process or in their own, and looks at what they did."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import namedtuple_row
from pydantic import BaseModel, SecretStr
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import jobs, transactions
from igny8.access import Role
from igny8.changes import Actor
from igny8.db import Database, new_id
from igny8.dispatcher import dispatching
from igny8.events import Bus
from igny8.jobs import Subject, Task
from igny8.jobs.hints import Hints
from igny8.settings import Settings
from igny8.worker import working
from tests.jobs.tasks import TASKS
from tests.support.world import Tenant, World

PATIENCE = 40.0


@pytest.fixture(autouse=True)
async def nothing_else_waits(superuser: psycopg.Connection[Any], redis_url: str) -> None:
    """Jobs and hints of other tests are gone."""
    superuser.execute("TRUNCATE job CASCADE")
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()


@dataclass
class Jobs:
    """Starts jobs in an account as its owner does, and looks at them."""

    db: Database
    sql: psycopg.Connection[Any]
    tenant: Tenant
    hints: Hints
    site: str = "a"

    @property
    def site_id(self) -> UUID:
        return self.tenant.sites[self.site]

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        owner = self.tenant[Role.OWNER]
        actor = Actor(self.tenant.id, owner.id, "test", None)
        async with (
            transactions.acting_as(self.db, self.tenant.id, owner.id) as session,
            transactions.logged(session, actor),
        ):
            yield session
        self.hints.tell(session)

    async def start(self, task: Task[Any], arguments: BaseModel, *, items: int = 0, credits: int = 0) -> UUID:
        subjects = [Subject("task", new_id()) for _ in range(items)]
        async with self.writing() as session:
            return await jobs.enqueue(
                session,
                task,
                arguments,
                site_id=self.site_id,
                items=subjects,
                credits=credits,
                started_by=self.tenant[Role.OWNER].id,
            )

    async def cancel(self, job_id: UUID) -> None:
        async with self.writing() as session:
            await jobs.request_cancel(session, job_id)

    async def retry(self, job_id: UUID) -> UUID:
        async with self.writing() as session:
            return await jobs.retry(session, job_id)

    def job(self, job_id: UUID) -> Any:
        return self.rows("SELECT * FROM job WHERE id = %s", job_id)[0]

    def items(self, job_id: UUID) -> list[Any]:
        return self.rows("SELECT * FROM job_item WHERE job_id = %s ORDER BY position", job_id)

    def states(self, job_id: UUID) -> list[str]:
        return [item.state for item in self.items(job_id)]

    def events(self, job_id: UUID) -> list[Any]:
        return self.rows("SELECT * FROM job_event WHERE job_id = %s ORDER BY cursor", job_id)

    def effects(self, job_id: UUID) -> int:
        """How often an item's effect is there."""
        return int(self.rows("SELECT count(*) FROM credit_usage WHERE job_id = %s", job_id)[0].count)

    def rows(self, query: str, *values: Any) -> list[Any]:
        found = self.sql.cursor(row_factory=namedtuple_row).execute(query, values)  # type: ignore[call-overload]  # queries of ours
        return list(found.fetchall())

    async def until(self, job_id: UUID, *states: str) -> Any:
        """The job, once it is in one of these states."""
        await until(lambda: self.job(job_id).state in states, lambda: str(self.job(job_id)))
        return self.job(job_id)

    async def ended(self, job_id: UUID) -> Any:
        return await self.until(job_id, "SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")

    def hurry(self, job_id: UUID) -> None:
        """The pause before the next attempt is over."""
        self.sql.execute("UPDATE job SET due_at = now() WHERE id = %s AND state = 'RETRYING'", [job_id])

    def take_places(self) -> None:
        """All of the account's jobs wait in their lines."""
        self.sql.execute("UPDATE job SET hinted_at = NULL WHERE account_id = %s", [self.tenant.id])

    def wallet(self) -> tuple[int, int]:
        """Balance and what is held of it."""
        return self.sql.execute(
            "SELECT balance, held FROM wallet WHERE account_id = %s", [self.tenant.id]
        ).fetchone() or (0, 0)


async def until(holds: Callable[[], bool], told: Callable[[], str] = lambda: "") -> None:
    """Wait for what other processes bring about."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE
    while not holds():
        assert loop.time() < ends, f"waited in vain: {told()}"
        await asyncio.sleep(0.02)


@pytest.fixture
async def hints(db: Database, redis_url: str) -> AsyncIterator[Hints]:
    """What the API has to tell others of what is committed."""
    bus = Bus(redis_url)
    hints = Hints(db, redis_url, bus)
    telling = asyncio.create_task(hints.run())
    yield hints
    telling.cancel()
    await asyncio.wait({telling})
    await hints.close()
    await bus.close()


@pytest.fixture
def jobs_of(db: Database, world: World, hints: Hints) -> Callable[[], Jobs]:
    """Makes accounts with 1,000 credits."""

    def make() -> Jobs:
        return _funded(Jobs(db, world.sql, world.tenant(), hints), world)

    return make


def _funded(work: Jobs, world: World) -> Jobs:
    world.fund(work.tenant, 1_000)
    return work


@pytest.fixture
async def unheard(db: Database, world: World, redis_url: str) -> AsyncIterator[Callable[[], Jobs]]:
    """Accounts whose jobs nobody is told of: they stay in their lines."""
    bus = Bus(redis_url)
    hints = Hints(db, redis_url, bus)
    yield lambda: _funded(Jobs(db, world.sql, world.tenant(), hints), world)
    await bus.close()


@pytest.fixture
def work(jobs_of: Callable[[], Jobs]) -> Jobs:
    return jobs_of()


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[None]:
    """A worker in this process."""
    async with working(settings.model_copy(update={"drain_seconds": 0.5}), TASKS):
        yield


@pytest.fixture
async def dispatcher(settings: Settings) -> AsyncIterator[None]:
    """A dispatcher in this process."""
    async with dispatching(settings):
        yield


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_process(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Starts `igny8 worker` or `igny8 dispatcher` as processes of their own; they are killed in the end."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **changed: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **_variables(settings), **changed}
        log = (tmp_path / f"process-{len(running)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "igny8", *command], env=environment, stdout=log, stderr=log
            )
        running.append(process)
        return process

    yield start
    for process in running:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def _variables(settings: Settings) -> dict[str, str]:
    """The environment that these settings come from."""
    found = {}
    for name, value in settings.model_dump(exclude_none=True).items():
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if isinstance(value, str | int | float | Path):
            found[f"IGNY8_{name.upper()}"] = str(value)
    return found


WORKER = ("worker", "--tasks", "tests.jobs.tasks")


def positions(items: Sequence[Any], state: str) -> list[int]:
    return [item.position for item in items if item.state == state]
