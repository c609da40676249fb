"""Workers and a dispatcher as processes of their own, and jobs started as mutations start them."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from pydantic import BaseModel, SecretStr

from benchmarks.dataset import Reader
from benchmarks.processes import Process, started
from benchmarks.stack import Stack
from benchmarks.stamps import VARIABLE, Stamps
from igny8 import jobs, tables, transactions  # noqa: F401  # rows refer to each other: all of them must be declared
from igny8.changes import Actor
from igny8.db import POOL_SIZES, Database, LoginRole
from igny8.events import Bus
from igny8.jobs import Task
from igny8.jobs.hints import Hints
from igny8.settings import Settings

#: Until a program that was started does what it is there for, in seconds.
READY_SECONDS = 60.0


@dataclass
class House:
    """One deployment of the job system on the stack's servers."""

    running: Stack
    db: Database
    hints: Hints
    sql: psycopg.Connection[Any]
    stamps: Stamps
    _names: int = field(default=0, init=False)

    def name(self, what: str) -> str:
        """A name that nothing else has."""
        self._names += 1
        return f"{what}-{self._names}"

    @contextmanager
    def program(self, *command: str, **changed: str) -> Iterator[Process]:
        """`igny8 worker` or `igny8 dispatcher`, once it says that it is ready."""
        environment = {**self.running.environment, VARIABLE: str(self.stamps.file), **changed}
        words = [sys.executable, "-m", "igny8", *command]
        with started(self.name(command[0]), words, environment, self.running.folder) as process:
            _until_ready(process, f"{command[0]} ready")
            yield process

    @contextmanager
    def worker(self, **changed: str) -> Iterator[Process]:
        with self.program("worker", "--tasks", "benchmarks.tasks", **changed) as process:
            yield process

    async def start(self, task: Task[Any], *arguments: BaseModel, owner: Reader | None = None) -> float:
        """Start jobs in one transaction, as a mutation does; when it was committed."""
        return (await self.started(task, *arguments, owner=owner))[1]

    async def started(
        self, task: Task[Any], *arguments: BaseModel, owner: Reader | None = None
    ) -> tuple[list[UUID], float]:
        """The same, with the ids of the jobs."""
        who = owner or self.running.reader
        async with (
            transactions.acting_as(self.db, who.account_id, who.user_id) as session,
            transactions.logged(session, Actor(who.account_id, who.user_id, "benchmark", None)),
        ):
            made = [
                await jobs.enqueue(session, task, one, site_id=who.site_id, started_by=who.user_id)
                for one in arguments
            ]
        committed = time.monotonic()
        self.hints.tell(session)
        return made, committed

    def left(self) -> int:
        """Jobs that have not ended."""
        row = self.sql.execute("SELECT count(*) FROM job WHERE finished_at IS NULL").fetchone()
        return int(row[0]) if row else 0

    async def all_ended(self, seconds: float = 120.0) -> float:
        """When the last job had. Raises RuntimeError when that takes too long, or when one did not succeed."""
        ends = time.monotonic() + seconds
        while self.left():
            if time.monotonic() > ends:
                raise RuntimeError(f"{self.left()} jobs have not ended within {seconds:g} s")
            await asyncio.sleep(0.02)
        now = time.monotonic()
        if wrong := self.sql.execute("SELECT kind, message FROM job WHERE state <> 'SUCCEEDED' LIMIT 3").fetchall():
            raise RuntimeError(f"jobs did not succeed: {wrong}")
        return now

    def clear(self) -> None:
        """Forget the jobs that have ended, so that the next part begins as this one did."""
        self.sql.execute("TRUNCATE job CASCADE")


@asynccontextmanager
async def house(running: Stack) -> AsyncIterator[House]:
    """Without any program yet."""
    settings = _settings(running)
    redis_url = settings.redis_url.get_secret_value()
    db = Database(settings, sizes={**POOL_SIZES, LoginRole.APP: 8}, read_sizes={})
    bus = Bus(redis_url)
    hints = Hints(db, redis_url, bus)
    await db.open()
    telling = asyncio.create_task(hints.run())
    with psycopg.connect(running.superuser_url, autocommit=True) as sql:
        try:
            yield House(running, db, hints, sql, Stamps(running.folder / f"stamps-{time.monotonic_ns()}"))
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            await hints.close()
            await bus.close()
            await db.close()


def median_and_worst(values: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 99th of a hundred."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def _settings(running: Stack) -> Settings:
    """Those of the stack's environment."""
    named = {
        name: running.environment[f"IGNY8_{name.upper()}"]
        for name in ("redis_url", "token_key", "secrets_keys", "environment")
    }
    urls = {f"database_{role}_url": running.environment[f"IGNY8_DATABASE_{role.name}_URL"] for role in LoginRole}
    secrets = {name: SecretStr(value) for name, value in {**named, **urls}.items() if name != "environment"}
    return Settings(**secrets, environment="development")


def _until_ready(process: Process, words: str) -> None:
    ends = time.monotonic() + READY_SECONDS
    while words not in process.log.read_text(errors="replace"):
        if process.popen.poll() is not None or time.monotonic() > ends:
            raise RuntimeError(f"{process.name} did not start: {process.last_words()}")
        time.sleep(0.05)
