"""Three ways to have work done elsewhere, with one face: ours, procrastinate, and Dramatiq as it comes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from benchmarks.house import House
from benchmarks.processes import started
from benchmarks.stamps import VARIABLE
from benchmarks.tasks import Named, Nothing, enter, nothing

if TYPE_CHECKING:
    from procrastinate import App

#: Jobs that procrastinate's worker runs at once: more made it no faster.
PROCRASTINATES_AT_ONCE: Final = 20
_DATABASE: Final = "procrastinate"


class Entered(Protocol):
    """A queue with one worker process."""

    async def enter(self, name: str) -> float:
        """Have a task called that stamps its name; when the wish was committed."""
        ...


class Counted(Entered, Protocol):
    """One that can also be asked what has ended."""

    async def nothing(self, number: int) -> None:
        """Have a task called that does nothing."""
        ...

    def left(self) -> int:
        """Tasks that have not ended."""
        ...


@dataclass
class Ours:
    house: House

    async def enter(self, name: str) -> float:
        return await self.house.start(enter, Named(name=name))

    async def nothing(self, number: int) -> None:
        readers = self.house.running.readers
        await self.house.start(nothing, Nothing(), owner=readers[number % len(readers)])

    def left(self) -> int:
        return self.house.left()


@dataclass
class Procrastinate:
    app: "App"
    sql: "psycopg.Connection[tuple[int]]"

    async def enter(self, name: str) -> float:
        await self.app.configure_task("enter").defer_async(name=name)
        return time.monotonic()

    async def nothing(self, number: int) -> None:
        await self.app.configure_task("nothing").defer_async()

    def left(self) -> int:
        row = self.sql.execute("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')").fetchone()
        return row[0] if row else 0


@dataclass
class Dramatiq:
    broker: RedisBroker

    async def enter(self, name: str) -> float:
        message: Message[None] = Message(
            queue_name="default", actor_name="enter", args=(name,), kwargs={}, options={}
        )
        self.broker.enqueue(message)
        return time.monotonic()


@asynccontextmanager
async def ours(house: House) -> AsyncIterator[Ours]:
    with house.worker(), house.program("dispatcher"):
        yield Ours(house)


@asynccontextmanager
async def procrastinate(house: House) -> AsyncIterator[Procrastinate | None]:
    """In a database of its own on the same server; None when it is not installed."""
    if find_spec("procrastinate") is None:
        yield None
        return
    from procrastinate import App, PsycopgConnector

    house.sql.execute(f"CREATE DATABASE {_DATABASE}")
    url = urlunsplit(urlsplit(house.running.superuser_url)._replace(path=f"/{_DATABASE}"))
    words = [sys.executable, "-m", "procrastinate", "--app=benchmarks.procrastinate_tasks.app", "worker"]
    environment = {
        **house.running.environment,
        VARIABLE: str(house.stamps.file),
        "BENCH_PROCRASTINATE_URL": url,
    }
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(App(connector=PsycopgConnector(conninfo=url)).open_async())
        await app.schema_manager.apply_schema_async()
        sql = stack.enter_context(psycopg.connect(url, autocommit=True))
        stack.enter_context(
            started(
                "procrastinate",
                [*words, f"--concurrency={PROCRASTINATES_AT_ONCE}"],
                environment,
                house.running.folder,
            )
        )
        queue = Procrastinate(app, sql)
        await _answers(house, queue)
        yield queue
    house.sql.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)")


@asynccontextmanager
async def dramatiq(house: House) -> AsyncIterator[Dramatiq]:
    redis_url = house.running.environment["IGNY8_REDIS_URL"]
    environment = {**house.running.environment, VARIABLE: str(house.stamps.file), "BENCH_REDIS_URL": redis_url}
    words = [sys.executable, "-m", "dramatiq", "benchmarks.dramatiq_tasks", "--processes=1"]
    with started("dramatiq", words, environment, house.running.folder):
        queue = Dramatiq(RedisBroker(url=redis_url))
        await _answers(house, queue)
        yield queue


async def _answers(house: House, queue: Entered) -> None:
    name = house.name("ready")
    await queue.enter(name)
    await house.stamps.named(name)
    await asyncio.sleep(0)
