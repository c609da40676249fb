"""What a real socket shows: clients that hang up, and bodies that are not what their headers say."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import httpx
import orjson
import psycopg
import pytest

from igny8.access import Role
from igny8.app import create_app
from igny8.settings import Settings
from tests.support.live import serving
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    with serving(create_app(settings)) as found:
        yield found


async def until(met: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Whether the condition was met in time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if met():
            return True
        await asyncio.sleep(0.02)
    return met()


async def test_a_client_that_hangs_up_cancels_its_statement(
    address: str, tenant: Tenant, superuser: psycopg.Connection[tuple[int]]
) -> None:
    def waiting() -> bool:
        found = superuser.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        return found == (1,)

    query = f'mutation {{ updateSite(input: {{id: "{tenant.site("a")}", name: "Late"}}) {{ success }} }}'
    headers = {"Authorization": f"Bearer {tenant[Role.OWNER].token}"}
    with superuser.transaction():
        superuser.execute("SELECT FROM site WHERE id = %s FOR UPDATE", (tenant.sites["a"],))
        async with httpx.AsyncClient() as client:
            sending = asyncio.create_task(client.post(f"{address}/graphql", json={"query": query}, headers=headers))
            assert await until(waiting)
            sending.cancel()
            await asyncio.wait({sending})
        assert await until(lambda: not waiting(), seconds=1.0), "the statement went on waiting"
    name = superuser.execute("SELECT name FROM site WHERE id = %s", (tenant.sites["a"],)).fetchone()
    assert name == ("Site a",)


async def raw(address: str, head: str, body: bytes) -> int:
    """The status of the answer to bytes on a socket, which stays open until it has come."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        lines = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
        writer.write(lines.encode() + body)
        return int((await asyncio.wait_for(reader.readline(), 3)).split()[1])
    finally:
        writer.close()
        await writer.wait_closed()


BODY = orjson.dumps({"query": "{ plans { slug } }"})


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (f"Content-Length: {len(BODY)}", BODY, 200),
        (f"Content-Length: {len(BODY) - 3}", BODY, 400),
        ("Content-Length: 2000000", b"{", 413),
        ("Content-Length: -1", BODY, 400),
        ("Content-Length: many", BODY, 400),
        ("Transfer-Encoding: chunked", b'3\r\n{"a\r\n0\r\n\r\n', 400),
        ("Transfer-Encoding: chunked", b"zz\r\n", 400),
        ("Transfer-Encoding: chunked", b"10c8e0\r\n" + b" " * 1_100_000, 413),
    ],
    ids=range(8),
)
async def test_a_body_is_as_long_as_it_says_and_no_longer(address: str, head: str, body: bytes, status: int) -> None:
    assert await raw(address, head, body) == status


async def test_the_server_goes_on_after_all_of_that(address: str) -> None:
    async with httpx.AsyncClient() as client:
        assert (
            await client.post(f"{address}/graphql", content=BODY, headers={"Content-Type": "application/json"})
        ).json()
