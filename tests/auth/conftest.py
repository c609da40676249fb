"""A front desk with nobody at it yet."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from redis.asyncio import Redis

from igny8.db import Database
from igny8.gql.rate import Throttle
from igny8.settings import Settings
from tests.auth.people import House
from tests.auth.people import house as make_house


@pytest.fixture
async def redis(redis_url: str, worker_id: str) -> AsyncIterator[Redis]:
    """An empty database of the Redis server, for this worker alone."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 15
    client: Redis = Redis.from_url(redis_url, db=number)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def house(db: Database, settings: Settings, superuser: psycopg.Connection[Any], redis: Redis) -> House:
    superuser.execute("TRUNCATE account CASCADE")
    return make_house(db, settings, superuser, Throttle(redis))
