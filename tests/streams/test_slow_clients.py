"""A client that takes nothing is dropped, holds up nobody, and comes back after its last cursor."""

import asyncio
import contextlib
import socket
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from igny8.access import Role
from tests.streams.conftest import Work, public, steps, stored
from tests.streams.sockets import opened, signed_in
from tests.streams.test_following import JOB
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

#: Each event brings as much with it as it can, so that the buffers of a connection fill soon.
LARGE = """subscription($id: ID!, $after: String) { jobEvents(jobId: $id, after: $after) {
  cursor job { events { cursor message job { id message } } } } }"""
SMALL_BUFFER = 4_096


def small_socket(address: str) -> socket.socket:
    """A connection that the kernel keeps little for."""
    host, _, port = address.removeprefix("http://").partition(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    made.connect((host, int(port)))
    return made


async def test_a_client_that_falls_behind_has_every_event_once(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    job, owner = await work.running(), tenant[Role.OWNER]
    await steps(job, 60)
    async with opened(live, sock=small_socket(live), max_queue=1) as slow, signed_in(live, owner) as quick:
        await slow.init(owner)
        await slow.subscribe("1", LARGE, id=public(job))
        await quick.subscribe("1", JOB, id=public(job))
        first = (await slow.data())["cursor"]
        await steps(job, 340, first=60)
        assert len([await quick.data() for _ in range(402)]) == 402
        cursors = stored(superuser, job.id)
        assert [first, *[(await slow.data())["cursor"] for _ in range(401)]] == cursors


async def test_a_client_that_takes_nothing_is_dropped_and_comes_back(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    job, owner = await work.running(), tenant[Role.OWNER]
    await steps(job, 400)
    async with opened(live, sock=small_socket(live), max_queue=1) as slow:
        await slow.init(owner)
        await slow.subscribe("1", LARGE, id=public(job))
        seen = [(await slow.data())["cursor"]]
        ends = asyncio.get_running_loop().time() + 90
        while await subscriptions(live):
            assert asyncio.get_running_loop().time() < ends
            await asyncio.sleep(0.5)
        with contextlib.suppress(ConnectionClosed):
            while True:
                seen.append((await slow.data())["cursor"])
    cursors = stored(superuser, job.id)
    assert seen == cursors[: len(seen)]
    assert len(seen) < len(cursors)
    async with signed_in(live, owner) as again:
        await again.subscribe("1", JOB, id=public(job), after=seen[-1])
        assert seen + [(await again.data())["cursor"] for _ in range(len(cursors) - len(seen))] == cursors


async def subscriptions(live: str) -> float:
    """How many the server says are open."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{live}/metrics")).text
    return float(next(line for line in text.splitlines() if line.startswith("igny8_subscriptions ")).split()[1])
