"""One private PostgreSQL and Redis for the run; each worker's database is cloned from a migrated template."""

import base64
import json
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from starlette.applications import Starlette

from igny8 import logs
from igny8.app import create_app
from igny8.db import Database
from igny8.settings import MigrationSettings, Settings
from igny8.tokens import AccessTokens
from tests.support.api import Api
from tests.support.servers import TEMPLATE, Servers, make_template, private_servers
from tests.support.world import Tenant, World

pytest_plugins = ["tests.support.coverage", "tests.support.tools", "tests.support.wordpress"]

KEY = base64.b64encode(bytes(range(32))).decode()
DOCUMENTATION = int(IPv6Address("2001:db8::"))  # addresses that nobody has
ROLES = ("app", "member", "signin", "system")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


SERVERS = "IGNY8_TEST_SERVERS"
_stack = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the process that leads the run; workers find them in their environment."""
    if hasattr(config, "workerinput") or SERVERS in os.environ:
        return
    servers = _stack.enter_context(private_servers())
    make_template(servers)
    os.environ[SERVERS] = json.dumps(asdict(servers))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ.pop(SERVERS, None)
        _stack.close()


@pytest.fixture(scope="session")
def servers() -> Servers:
    return Servers(**json.loads(os.environ[SERVERS]))


@pytest.fixture(scope="session")
def database_urls(servers: Servers, worker_id: str) -> dict[str, str]:
    """`IGNY8_DATABASE_*_URL` of this worker's own database."""
    name = f"{TEMPLATE}_{worker_id}"
    with psycopg.connect(servers.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER igny8_owner").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
    return servers.database_urls(name)


@pytest.fixture(scope="session")
def migration_settings(servers: Servers, worker_id: str, database_urls: dict[str, str]) -> MigrationSettings:
    return servers.migration_settings(f"{TEMPLATE}_{worker_id}")


@pytest.fixture
def settings(database_urls: dict[str, str], redis_url: str, tmp_path: Path) -> Settings:
    urls = {f"database_{role}_url": SecretStr(url) for role, url in database_urls.items() if role in ROLES}
    return Settings(
        environment="development",
        public_url="http://igny8.test",
        redis_url=SecretStr(redis_url),
        token_key=SecretStr(KEY),
        secrets_keys=SecretStr(f"k1:{KEY}"),
        mail_folder=tmp_path / "mail",
        files_url=str(tmp_path / "files"),
        log_format="json",
        **urls,
    )


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def redis_url(servers: Servers, worker_id: str) -> str:
    """The address of this worker's own database: a test that empties it disturbs no other worker."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 1
    return f"{servers.redis_url.partition('?')[0]}?db={number}"


@pytest.fixture(scope="session")
def superuser(servers: Servers, worker_id: str, database_urls: dict[str, str]) -> Iterator[psycopg.Connection[Any]]:
    """A connection that no policy binds, to make rows and to look at them."""
    with psycopg.connect(servers.superuser_url_of(f"{TEMPLATE}_{worker_id}"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def world(superuser: psycopg.Connection[Any], settings: Settings) -> World:
    return World(superuser, AccessTokens(settings.token_key))


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.tenant()


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which is started and stopped around it.

    Its address is its own: what Redis counts by address was not used up by another test.
    """
    address = str(IPv6Address(DOCUMENTATION + secrets.randbits(64)))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://igny8.test") as client:
            yield client


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """The API with the test settings, over HTTP without a socket."""
    logs.configure(settings)
    async with running(create_app(settings)) as client:
        yield Api(client)
