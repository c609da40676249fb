"""PostgreSQL or Redis away: requests fail fast with a clear code, /ready says which, and nothing needs a restart."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from igny8 import logs, revision
from igny8.access import Role
from igny8.app import create_app
from igny8.devstack.embedded import EmbeddedPostgres, EmbeddedRedis
from igny8.settings import Settings
from igny8.tokens import AccessTokens
from tests.conftest import ROLES, running
from tests.support.api import Api
from tests.support.servers import TEMPLATE, Servers, fleeting_servers, make_template
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

AWAY = "The database does not answer at the moment. Try again in a few seconds."
INCOMPLETE = "The service is not complete at the moment. Try again in a few seconds."
READ = "{ sites { totalCount } }"
WRITE = 'mutation { updateAccount(input: {name: "New"}) { success } }'
READY = {"ready": True, "database": "ok", "migrations": "ok", "redis": "ok"}


@dataclass
class Stack:
    """Servers that a test may stop, each on a migrated database with one tenant."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    servers: Servers
    tenant: Tenant

    def settings(self, settings: Settings) -> Settings:
        urls = self.servers.database_urls(TEMPLATE).items()
        databases = {f"database_{role}_url": SecretStr(url) for role, url in urls if role in ROLES}
        return settings.model_copy(update={**databases, "redis_url": SecretStr(self.servers.redis_url)})


@pytest.fixture(scope="module")
def servers_of_our_own() -> Iterator[tuple[EmbeddedPostgres, EmbeddedRedis]]:
    with ExitStack() as running_servers:
        folder = running_servers.enter_context(TemporaryDirectory(prefix="igny8-outage-"))
        postgres, redis = fleeting_servers(Path(folder))
        for server in (postgres, redis):
            running_servers.callback(server.stop)
            server.start()
        make_template(Servers(postgres.url(), redis.url))
        yield postgres, redis


@pytest.fixture
def stack(servers_of_our_own: tuple[EmbeddedPostgres, EmbeddedRedis], settings: Settings) -> Stack:
    postgres, redis = servers_of_our_own
    servers = Servers(postgres.url(), redis.url)
    with psycopg.connect(servers.superuser_url_of(TEMPLATE), autocommit=True) as connection:
        tenant = World(connection, AccessTokens(settings.token_key)).tenant()
    return Stack(postgres, redis, servers, tenant)


@pytest.fixture
async def api(stack: Stack, settings: Settings) -> AsyncIterator[Api]:
    logs.configure(settings)
    async with running(create_app(stack.settings(settings))) as client:
        yield Api(client)


async def timed(api: Api, query: str, stack: Stack) -> tuple[float, httpx.Response]:
    begun = time.monotonic()
    response = await api.post({"query": query}, as_=stack.tenant[Role.OWNER])
    return time.monotonic() - begun, response


async def refused(api: Api, query: str, stack: Stack) -> str:
    """The message of the refusal, which must be a fast 503 whatever is asked."""
    seconds, response = await timed(api, query, stack)
    assert response.status_code == 503
    assert seconds < 3
    assert response.json().get("data") is None
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    return str(error["message"])


async def ready(api: Api) -> tuple[int, dict[str, object]]:
    begun = time.monotonic()
    response = await api.http.get("/ready")
    assert time.monotonic() - begun < 3
    return response.status_code, response.json()


async def until_ready(api: Api) -> None:
    ends = time.monotonic() + 15
    while (await ready(api))[0] != 200:
        assert time.monotonic() < ends, "it did not recover"


async def test_postgresql_may_go_and_come_back(api: Api, stack: Stack) -> None:
    assert await ready(api) == (200, READY)
    assert (await timed(api, WRITE, stack))[1].json()["data"] == {"updateAccount": {"success": True}}
    stack.postgres.stop()
    try:
        assert [await refused(api, query, stack) for query in (READ, WRITE, READ)] == [AWAY] * 3
        away = READY | {"ready": False, "database": "does not answer", "migrations": "unknown"}
        assert await ready(api) == (503, away)
        assert (await api.http.get("/health")).status_code == 200
    finally:
        stack.postgres.start()
    await until_ready(api)
    for query in (READ, WRITE):
        seconds, response = await timed(api, query, stack)
        assert (response.status_code, "errors" in response.json()) == (200, False)
        assert seconds < 3


async def test_a_restart_between_two_requests_is_not_noticed(api: Api, stack: Stack) -> None:
    assert (await timed(api, READ, stack))[1].status_code == 200
    stack.postgres.stop()
    stack.postgres.start()
    for query in (READ, WRITE):
        assert "errors" not in (await timed(api, query, stack))[1].json()


async def test_redis_may_go_and_come_back(api: Api, stack: Stack) -> None:
    stack.redis.stop()
    try:
        assert [await refused(api, query, stack) for query in (READ, WRITE)] == [INCOMPLETE] * 2
        assert await ready(api) == (503, READY | {"ready": False, "redis": "does not answer"})
    finally:
        stack.redis.start()
    await until_ready(api)
    ends = time.monotonic() + 3
    while (await timed(api, READ, stack))[1].status_code != 200:
        assert time.monotonic() < ends, "it did not recover"


async def test_the_server_starts_while_both_are_away(stack: Stack, settings: Settings) -> None:
    stack.postgres.stop()
    stack.redis.stop()
    try:
        async with running(create_app(stack.settings(settings))) as client:
            api = Api(client)
            status, said = await ready(api)
            assert (status, said["database"], said["redis"]) == (503, "does not answer", "does not answer")
            stack.postgres.start()
            stack.redis.start()
            await until_ready(api)
            assert "errors" not in (await timed(api, READ, stack))[1].json()
    finally:
        for server in (stack.postgres, stack.redis):
            server.stop()
            server.start()


@pytest.mark.parametrize(
    ("change", "undo", "said"),
    [
        (
            "ALTER TABLE alembic_version RENAME TO elsewhere",
            "ALTER TABLE elsewhere RENAME TO alembic_version",
            "missing; run `igny8 migrate`",
        ),
        (
            "UPDATE alembic_version SET version_num = '0000'",
            f"UPDATE alembic_version SET version_num = '{revision.needed()}'",
            f"at 0000, need {revision.needed()}",
        ),
        (
            "DELETE FROM alembic_version",
            f"INSERT INTO alembic_version VALUES ('{revision.needed()}')",
            "missing; run `igny8 migrate`",
        ),
    ],
)
async def test_ready_tells_migrations_that_are_missing_or_behind(
    api: Api, stack: Stack, change: str, undo: str, said: str
) -> None:
    with psycopg.connect(stack.servers.superuser_url_of(TEMPLATE), autocommit=True) as connection:
        connection.execute(change)
        try:
            assert await ready(api) == (503, READY | {"ready": False, "migrations": said})
        finally:
            connection.execute(undo)
    assert await ready(api) == (200, READY)
