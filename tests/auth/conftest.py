"""TEMPORARY: to be replaced by the fixtures of tests/conftest.py."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from igny8.auth import starter
from igny8.db import Database, LoginRole
from igny8.settings import MigrationSettings, Settings, load
from tests.auth.people import House
from tests.auth.people import house as make_house


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return load(Settings).model_copy(update={"mail_folder": tmp_path / "mail"})


@pytest.fixture
def superuser() -> Iterator[psycopg.Connection[Any]]:
    url = load(MigrationSettings).database_owner_url.get_secret_value().replace("igny8_owner:x", "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def db(settings: Settings, superuser: psycopg.Connection[Any]) -> AsyncIterator[Database]:
    superuser.execute("TRUNCATE account CASCADE")
    database = Database(settings)
    await database.open()
    async with database.session(LoginRole.SYSTEM) as session:
        await starter.load(session)
    yield database
    await database.close()


@pytest.fixture
async def house(db: Database, settings: Settings, superuser: psycopg.Connection[Any]) -> House:
    return make_house(db, settings, superuser, None)
