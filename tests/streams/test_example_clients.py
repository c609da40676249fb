"""The clients of `examples/` as programs: whatever breaks between, they print every event once, in order."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from tests.streams.conftest import Work, public, steps, stored
from tests.support.api import Api
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parents[2] / "examples"
PYTHON = (sys.executable, str(EXAMPLES / "follow_job.py"))
NODE = ("node", str(EXAMPLES / "follow_job.mjs"))
CLIENTS = pytest.mark.parametrize(
    "command",
    [
        pytest.param(PYTHON, id="python"),
        pytest.param((*PYTHON, "--websocket"), id="python-websocket"),
        pytest.param(NODE, id="node", marks=pytest.mark.node),
    ],
)


@asynccontextmanager
async def cutting(address: str, *, after: int) -> AsyncIterator[str]:
    """The address of a proxy that cuts each connection after so many bytes of the answer, and later ones later."""
    host, _, port = address.removeprefix("http://").partition(":")
    allowed = after

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        while most > 0 and (chunk := await reader.read(min(most, 65_536))):
            writer.write(chunk)
            await writer.drain()
            most -= len(chunk)

    async def serve(near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        nonlocal allowed
        most, allowed = allowed, allowed * 2
        far, ask = await asyncio.open_connection(host, int(port))
        both = [asyncio.create_task(pass_on(near, ask, 2**40)), asyncio.create_task(pass_on(far, answer, most))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        for writer in (ask, answer):
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())


async def run(command: tuple[str, ...], job: str, **variables: str) -> asyncio.subprocess.Process:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IGNY8_")}
    environment = {**kept, **{f"IGNY8_{name}": value for name, value in variables.items()}}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, job, env=environment, stdout=pipe, stderr=pipe)


async def said(client: asyncio.subprocess.Process) -> tuple[int | None, list[list[str]], str]:
    """Exit code, the lines it printed, and what it complained of."""
    async with asyncio.timeout(60):
        out, complaints = await client.communicate()
    return client.returncode, [line.split("\t") for line in out.decode().splitlines()], complaints.decode()


@CLIENTS
async def test_every_event_is_printed_once_whatever_breaks(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any], command: tuple[str, ...]
) -> None:
    job = await work.running()
    await steps(job, 10)
    async with cutting(live, after=700) as address:
        client = await run(command, public(job), URL=address, TOKEN=tenant[Role.VIEWER].token)
        assert client.stdout is not None
        first = await client.stdout.readline()
        await steps(job, 20, first=10)
        await work.end(job)
        code, lines, complaints = await said(client)
    lines = [first.decode().rstrip("\n").split("\t"), *lines]
    assert [line[0] for line in lines] == stored(superuser, job.id), complaints
    assert [line[4] for line in lines[2:32]] == [str(number) for number in range(30)]
    assert (code, lines[-1][2]) == (0, "SUCCEEDED")
    assert complaints.count("lost (") >= 2


@CLIENTS
async def test_a_token_that_has_expired_is_renewed(
    live: str, tenant: Tenant, work: Work, api: Api, command: tuple[str, ...]
) -> None:
    job = await work.running()
    await work.end(job)
    credentials = {"email": f"{new_id().hex}@example.com", "password": "daffodils at noon", "name": "Ann"}
    asked = "mutation($input: SignUpInput!) { signUp(input: $input) { tokens { refreshToken } } }"
    refresh_token = (await api.data(asked, input=credentials))["signUp"]["tokens"]["refreshToken"]
    tokens = {"TOKEN": "x.y.z", "REFRESH_TOKEN": refresh_token}
    code, lines, complaints = await said(await run(command, public(job), URL=live, **tokens))
    assert (code, lines) == (1, [])  # it is signed in again, and the job is another account's
    assert "cannot follow" in complaints
    assert "session has ended" not in complaints


@CLIENTS
async def test_wrong_use_and_what_cannot_be_followed_are_told(
    live: str, tenant: Tenant, command: tuple[str, ...]
) -> None:
    nothing = ids.show("job", new_id())
    code, lines, complaints = await said(await run(command, nothing, URL=live))
    assert (code, lines, "IGNY8_TOKEN" in complaints) == (2, [], True)
    code, lines, complaints = await said(await run(command, nothing, URL=live, TOKEN=tenant[Role.VIEWER].token))
    assert (code, lines, "cannot follow" in complaints) == (1, [], True)
    code, lines, complaints = await said(await run(command, nothing, URL=live, TOKEN="no token"))
    assert (code, "IGNY8_REFRESH_TOKEN is not set" in complaints) == (1, True)
