"""The application behind a real socket, and jobs whose steps a test takes by hand."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import jobs, logs, outgoing, transactions
from igny8.access import Role
from igny8.app import create_app
from igny8.cancelling import ended
from igny8.changes import Actor
from igny8.db import Database, new_id
from igny8.events import Bus
from igny8.gql import ids
from igny8.jobs import JobKind, JobPhase, Running, Subject, task
from igny8.jobs.claiming import claim
from igny8.jobs.ending import Verdict, finish
from igny8.jobs.hints import Hints
from igny8.jobs.host import Host
from igny8.jobs.turns import Turns
from igny8.settings import Settings
from igny8.worker import ai_of, files_of
from tests.support.live import serving
from tests.support.world import Tenant


class Nothing(BaseModel):
    """Arguments of work that a test does itself."""


@task(JobKind.GENERATE_CONTENT, arguments=Nothing)
async def by_hand(job: Running, arguments: Nothing) -> None:
    raise AssertionError("no worker runs here")


@dataclass
class Work:
    """Starts, runs and ends jobs of a tenant, as mutations and workers do."""

    db: Database
    hints: Hints
    host: Host
    tenant: Tenant
    site: str = "a"

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        owner = self.tenant[Role.OWNER].id
        async with (
            transactions.acting_as(self.db, self.tenant.id, owner) as session,
            transactions.logged(session, Actor(self.tenant.id, owner, "test", None)),
        ):
            yield session
        self.hints.tell(session)

    async def start(self, *subjects: Subject, of_site: bool = True) -> UUID:
        async with self.writing() as session:
            return await jobs.enqueue(
                session,
                by_hand,
                Nothing(),
                site_id=self.tenant.sites[self.site] if of_site else None,
                items=subjects,
                started_by=self.tenant[Role.OWNER].id,
            )

    async def claimed(self, job_id: UUID) -> Running:
        async with self.writing() as session:
            (found,) = await claim(session, [(self.tenant.id, job_id)], [JobKind.GENERATE_CONTENT])
        assert found is not None
        return Running(self.host, found)

    async def running(self, *subjects: Subject) -> Running:
        """A job that has two events: it was queued, and it was claimed."""
        return await self.claimed(await self.start(*subjects))

    async def end(self, job: Running) -> None:
        async with self.writing() as session:
            assert await finish(session, job.claim, Verdict())


async def steps(job: Running, count: int, *, first: int = 0) -> None:
    """So many events, each with its number as the message."""
    for number in range(first, first + count):
        await job.progress(JobPhase.AI_CALL, 20, str(number))


def public(job: Running | UUID) -> str:
    return ids.show("job", job if isinstance(job, UUID) else job.id)


def stored(sql: psycopg.Connection[Any], job_id: UUID) -> list[str]:
    """The cursors of a job's events, in order."""
    rows = sql.execute("SELECT cursor FROM job_event WHERE job_id = %s ORDER BY cursor", [job_id]).fetchall()
    return [str(cursor) for (cursor,) in rows]


def a_subject() -> Subject:
    return Subject("task", new_id())


@pytest.fixture
def live(settings: Settings) -> Iterator[str]:
    """The address of the application."""
    logs.configure(settings)
    with serving(create_app(settings)) as address:
        yield address


@pytest.fixture
async def work(db: Database, settings: Settings, tenant: Tenant) -> AsyncIterator[Work]:
    url = settings.redis_url.get_secret_value()
    bus = Bus(url)
    hints = Hints(db, url, bus)
    telling = asyncio.create_task(hints.run())
    async with outgoing.client(timeout=5) as http:
        yield Work(
            db, hints, Host(db, 4, bus, hints, Turns(4), ai_of(settings, db, http), files_of(settings)), tenant
        )
    await ended(telling)
    await hints.close()
    await bus.close()
