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
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """This worker's database, emptied."""
    client: Redis = Redis.from_url(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def house(db: Database, settings: Settings, superuser: psycopg.Connection[Any], redis: Redis) -> House:
    superuser.execute("TRUNCATE account CASCADE")
    return make_house(db, settings, superuser, Throttle(redis))
