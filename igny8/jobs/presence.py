"""Which workers and dispatchers there are: each says so in Redis every few seconds, by the clock of Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final
from uuid import uuid4

import redis.exceptions
from redis.asyncio import Redis

from igny8.cancelling import ended

_SECONDS: Final = 3.0
#: Whoever was silent for so long is gone.
SILENCE_SECONDS: Final = 10
_PATIENCE: Final = 2.0
_FAULTS: Final = (redis.exceptions.RedisError, OSError, TimeoutError)


class Process(StrEnum):
    WORKER = "worker"
    DISPATCHER = "dispatcher"


@asynccontextmanager
async def present(redis_url: str, process: Process) -> AsyncIterator[None]:
    """Be counted during the block."""
    client: Redis = Redis.from_url(redis_url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
    name = uuid4().hex
    telling = asyncio.create_task(_tell(client, process, name))
    try:
        yield
    finally:
        await ended(telling)
        with contextlib.suppress(*_FAULTS):
            await client.zrem(_key(process), name)
        await client.aclose()


async def count(client: Redis, process: Process) -> int:
    """How many there are. Raises RedisError, OSError."""
    seconds, _ = await client.time()
    found: int = await client.zcount(_key(process), seconds - SILENCE_SECONDS, "+inf")
    return found


async def _tell(client: Redis, process: Process, name: str) -> None:
    while True:
        with contextlib.suppress(*_FAULTS):  # said again soon; what Redis' absence means is told elsewhere
            seconds, _ = await client.time()
            await client.zadd(_key(process), {name: seconds})
            await client.zremrangebyscore(_key(process), "-inf", seconds - SILENCE_SECONDS)
        await asyncio.sleep(_SECONDS)


def _key(process: Process) -> str:
    return f"igny8:present:{process}"
