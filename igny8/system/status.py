"""How the service is: whether PostgreSQL and Redis answer, who runs jobs, and how many wait."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

import redis.exceptions
import structlog
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from igny8.db import Database, LoginRole
from igny8.errors import Unavailable
from igny8.jobs import presence, queues
from igny8.jobs.presence import Process
from igny8.jobs.queues import QueueLength

_SECONDS: Final = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Component:
    """`latency_ms` is that of one round trip; None when there was no answer."""

    ok: bool
    latency_ms: float | None = None
    message: str | None = None
    count: int | None = None


async def database(db: Database) -> Component:
    async def ask() -> None:
        async with db.session(LoginRole.APP) as session:
            await session.execute(text("SELECT 1"))

    return await _timed("PostgreSQL", ask())


async def of_redis(client: Redis) -> Component:
    async def ask() -> None:
        await client.ping()

    return await _timed("Redis", ask())


async def of_processes(client: Redis, process: Process) -> Component:
    """Whether there is any such process, and how many."""
    try:
        found = await presence.count(client, process)
    except (OSError, redis.exceptions.RedisError) as error:
        log.warning("component unavailable", component=process.value, reason=type(error).__name__)
        return Component(ok=False, message="Nobody knows: Redis does not answer.")
    if not found:
        return Component(ok=False, message=f"No {process} runs.", count=0)
    return Component(ok=True, count=found)


async def of_queues(db: Database) -> list[QueueLength]:
    async with db.session(LoginRole.SYSTEM) as session:
        return await queues.lengths(session)


async def _timed(name: str, asking: Awaitable[None]) -> Component:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_SECONDS):
            await asking
    except (TimeoutError, Unavailable, SQLAlchemyError, OSError, redis.exceptions.RedisError) as error:
        log.warning("component unavailable", component=name, reason=type(error).__name__)
        return Component(ok=False, message=f"{name} does not answer.")
    return Component(ok=True, latency_ms=round((time.perf_counter() - began) * 1000, 3))
