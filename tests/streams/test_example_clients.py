"""The clients of `examples/`: whatever breaks between, they print every event once, in order."""

from typing import Any

import psycopg
import pytest

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from igny8.jobs import JobPhase
from tests.streams.conftest import Work, public, steps, stored
from tests.streams.programs import CLIENTS, NODE, line_to, started
from tests.streams.test_slow_clients import subscriptions
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

Command = tuple[str, ...]


@CLIENTS
async def test_every_event_is_printed_once_whatever_breaks(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any], command: Command
) -> None:
    job, token = await work.running(), tenant[Role.VIEWER].token
    await steps(job, 10)
    async with (
        line_to(live, cut_after=100) as (address, _),  # at first in the middle of the answer's headers
        started(command, public(job), URL=address, TOKEN=token) as client,
    ):
        first = await client.line()
        await steps(job, 20, first=10)
        await work.end(job)
        code, lines, complaints = await client.end()
    lines = [first, *lines]
    assert [line[0] for line in lines] == stored(superuser, job.id), complaints
    assert [line[4] for line in lines[2:32]] == [str(number) for number in range(30)]
    assert (code, lines[-1][2]) == (0, "SUCCEEDED")
    assert complaints.count("lost (") >= 3


@CLIENTS
async def test_messages_are_printed_as_they_are(live: str, tenant: Tenant, work: Work, command: Command) -> None:
    odd = "a\u2028b\u2029c\x85d\u00e9\U0001f339 data: event: complete"
    job = await work.running()
    await job.progress(JobPhase.AI_CALL, 20, odd)
    await work.end(job)
    async with started(command, public(job), URL=live, TOKEN=tenant[Role.OWNER].token) as client:
        code, lines, complaints = await client.end()
    assert (code, [line[4] for line in lines][2], len(lines)) == (0, odd, 4), complaints


@CLIENTS
async def test_a_client_that_falls_behind_comes_back_for_the_rest(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any], command: Command
) -> None:
    job, token = await work.running(), tenant[Role.OWNER].token
    async with (
        line_to(live) as (address, line),
        started(command, public(job), URL=address, TOKEN=token) as client,
    ):
        lines = [await client.line() for _ in range(2)]
        line.flowing.clear()
        while await subscriptions(live):
            for _ in range(20):
                await job.progress(JobPhase.AI_CALL, 20, "x" * 60_000)
        line.flowing.set()
        await work.end(job)
        code, rest, complaints = await client.end()
    assert [line[0] for line in [*lines, *rest]] == stored(superuser, job.id)
    assert (code, complaints.count("lost (")) == (0, 1)
    assert "You do not take your events as fast as they come" in complaints


@CLIENTS
async def test_another_role_sends_the_client_back_to_the_door(
    live: str, tenant: Tenant, work: Work, world: World, command: Command
) -> None:
    job, editor = await work.running(), tenant[Role.EDITOR]
    async with started(command, public(job), URL=live, TOKEN=editor.token) as client:
        lines = [await client.line() for _ in range(2)]
        world.sql.execute("UPDATE app_user SET role = 'VIEWER' WHERE id = %s", [editor.id])
        complaint = await client.complaint()
        await work.end(job)
        code, rest, _ = await client.end()
    assert [line[2] for line in [*lines, *rest]] == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert (code, "Your role has changed" in complaint) == (0, True)


@CLIENTS
async def test_a_session_that_ends_ends_the_client(
    live: str, tenant: Tenant, work: Work, world: World, command: Command
) -> None:
    job, viewer = await work.running(), tenant[Role.VIEWER]
    stale = {"TOKEN": viewer.token, "REFRESH_TOKEN": "not one of ours"}
    async with started(command, public(job), URL=live, **stale) as client:
        await client.line()
        world.sql.execute("UPDATE session SET revoked_at = now() WHERE id = %s", [viewer.session_id])
        code, _, complaints = await client.end()
    assert (code, complaints.splitlines()[-1].partition(": ")[2]) == (1, "the session has ended: sign in again")


@CLIENTS
async def test_wrong_use_and_what_cannot_be_followed_are_told(live: str, tenant: Tenant, command: Command) -> None:
    nothing, token = ids.show("job", new_id()), tenant[Role.VIEWER].token

    async def told(*arguments: str, **variables: str) -> tuple[int | None, str]:
        async with started(command, *arguments, **variables) as client:
            code, lines, complaints = await client.end()
        assert lines == []
        return code, complaints

    for arguments, variables, exits, says in (
        ((nothing,), {"URL": live}, 2, "IGNY8_TOKEN"),
        ((), {"URL": live, "TOKEN": token}, 2, "usage"),
        ((nothing,), {"URL": "127.0.0.1:8080", "TOKEN": token}, 2, "must begin with http"),
        ((nothing,), {"URL": live, "TOKEN": token}, 1, "There is nothing to follow under this id"),
        (("job_1",), {"URL": live, "TOKEN": token}, 1, "expected a job id"),
        ((nothing,), {"URL": live, "TOKEN": "no token"}, 1, "IGNY8_REFRESH_TOKEN is not set"),
        ((nothing,), {"URL": f"{live}/elsewhere", "TOKEN": token}, 1, "40"),
    ):
        code, complaints = await told(*arguments, **variables)
        assert (code, says in complaints, "Traceback" in complaints) == (exits, True, False), complaints


@CLIENTS
async def test_help_is_no_failure(command: Command) -> None:
    async with started(command, "--help") as client:
        code, lines, complaints = await client.end()
    assert (code, lines[0][0][:6], complaints) == (0, "usage:", "")


@pytest.mark.node
async def test_the_javascript_is_for_browsers_too(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    await work.end(job)
    session = f"{{url: '{live}', token: '{tenant[Role.VIEWER].token}'}}"
    page = f"""const log = console.log; delete globalThis.process;
        const {{ follow }} = await import('file://{NODE[1]}');
        for await (const event of follow({session}, '{public(job)}')) log(event.state);"""
    async with started(("node", "--input-type=module", "--eval", page)) as client:
        code, lines, complaints = await client.end()
    assert (code, lines) == (0, [["QUEUED"], ["RUNNING"], ["SUCCEEDED"]]), complaints
