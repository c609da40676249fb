"""Hints: "there is a job to claim", sent to the workers through Dramatiq. They may come twice, late or never."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

import structlog
from dramatiq import Message, Middleware
from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.db import Database, LoginRole
from igny8.errors import Unavailable
from igny8.events import Bus
from igny8.jobs.admission import admit
from igny8.jobs.progress import Line, News, news_of
from igny8.jobs.tables import Queue

log = structlog.get_logger()

#: The one actor.
ACTOR: Final = "run"
NAMESPACE: Final = "igny8:jobs"


def broker(redis_url: str, *middleware: Middleware) -> RedisBroker:
    """Dramatiq's end of Redis, without its usual middleware: retries, time limits and schedules are PostgreSQL's."""
    # No command is repeated on an error, because an enqueue may have been carried out.
    client = Redis.from_url(redis_url, socket_timeout=2.0, socket_connect_timeout=2.0, retry=Retry(NoBackoff(), 0))
    return RedisBroker(  # type: ignore[no-untyped-call]  # Dramatiq's own
        client=client,
        middleware=[*middleware],
        namespace=NAMESPACE,
        # A dead worker's hints are given to the others soon, by any worker's next look into the queue.
        heartbeat_timeout=5_000,
        maintenance_chance=1_000_000,
    )


class Hints:
    """Tells others of committed news: events to whoever watches, jobs to the workers."""

    def __init__(self, db: Database, redis_url: str, bus: Bus) -> None:
        self._db, self._bus = db, bus
        self._broker = broker(redis_url)
        # Dramatiq's calls block, so they have a thread.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hints")
        self._news = News()
        self._some_scopes, self._some_lines, self._some_admitted = (asyncio.Event() for _ in range(3))

    def tell(self, session: AsyncSession) -> None:
        """Tell, soon, what the session's transaction had to tell; call it after the commit."""
        news = news_of(session)
        if news.scopes:
            self._news.scopes |= news.scopes
            self._some_scopes.set()
        if news.lines:
            self._news.lines |= news.lines
            self._some_lines.set()
        if news.admitted:
            self._news.admitted += news.admitted
            self._some_admitted.set()

    async def run(self) -> None:
        """Until cancelled. What cannot be told now is found by the dispatcher's sweep."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_whenever(self._some_scopes, self._publish))
            group.create_task(_whenever(self._some_lines, self._move))
            group.create_task(_whenever(self._some_admitted, self._send_admitted))

    async def send(self, hints: Sequence[tuple[Line, UUID]]) -> None:
        """Send hints for jobs that were admitted. When Redis is away, the sweep sends them later."""
        if hints:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._enqueue, hints)

    async def queue_lengths(self) -> dict[Queue, int] | None:
        """How many hints lie in Redis, by queue; None when it does not answer."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._lengths)

    async def close(self) -> None:
        """Tell what is left."""
        await self._publish()
        await self._move()
        await self._send_admitted()
        self._thread.shutdown()
        self._broker.close()

    async def _publish(self) -> None:
        self._some_scopes.clear()
        scopes, self._news.scopes = self._news.scopes, set()
        await asyncio.gather(*(self._bus.publish(f"jobs:{scope_id}") for scope_id in scopes))

    async def _move(self) -> None:
        self._some_lines.clear()
        lines, self._news.lines = self._news.lines, set()
        if not lines:
            return
        try:
            async with self._db.session(LoginRole.SYSTEM) as session:
                admitted = await admit(session, lines)
        except (Unavailable, DBAPIError) as error:
            log.warning("jobs not admitted: database unavailable", reason=type(error).__name__)
        else:
            await self.send(admitted)

    async def _send_admitted(self) -> None:
        self._some_admitted.clear()
        admitted, self._news.admitted = self._news.admitted, []
        await self.send(admitted)

    def _enqueue(self, hints: Sequence[tuple[Line, UUID]]) -> None:
        try:
            for line, job_id in hints:
                arguments = (line.account_id.hex, job_id.hex)
                message: Message[None] = Message(
                    queue_name=line.queue.value, actor_name=ACTOR, args=arguments, kwargs={}, options={}
                )
                self._broker.enqueue(message)
        except RedisError as error:
            log.warning("hints not sent: redis unavailable", reason=type(error).__name__)

    def _lengths(self) -> dict[Queue, int] | None:
        try:
            return {queue: self._broker.client.llen(f"{NAMESPACE}:{queue.value}") for queue in Queue}
        except RedisError:
            return None


async def _whenever(some: asyncio.Event, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await some.wait()
        await act()
