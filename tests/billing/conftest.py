"""TEMPORARY: to be replaced by the fixtures of tests/conftest.py."""

from collections.abc import AsyncIterator

import pytest

from igny8.auth import starter
from igny8.db import Database, LoginRole
from igny8.settings import DatabaseSettings, load


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def db(anyio_backend: str) -> AsyncIterator[Database]:
    database = Database(load(DatabaseSettings))
    await database.open()
    async with database.session(LoginRole.SYSTEM) as session:
        await starter.load(session)
    yield database
    await database.close()
