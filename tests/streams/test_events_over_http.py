"""GraphQL over server-sent events: the same streams without a socket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from tests.streams.conftest import Work, public, steps
from tests.streams.test_following import JOB
from tests.support.api import Api
from tests.support.world import Person, Tenant

pytestmark = pytest.mark.anyio

Event = tuple[str, Any]


@asynccontextmanager
async def events(
    live: str, person: Person | None, query: str, **variables: Any
) -> AsyncIterator[AsyncIterator[Event]]:
    """Names and payloads; what only keeps the connection open is left out."""
    headers = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {person.token}"} if person else {})
    body = {"query": query, "variables": variables}
    async with (
        httpx.AsyncClient(timeout=20) as client,
        client.stream("POST", f"{live}/graphql", json=body, headers=headers) as response,
    ):
        yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[Event]:
    if not response.headers["content-type"].startswith("text/event-stream"):
        yield "refused", json.loads(await response.aread())
        return
    name = ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            yield name, json.loads(value) if value.strip() else None


async def test_a_job_is_followed_to_its_end(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    async with events(live, tenant[Role.VIEWER], JOB, id=public(job)) as stream:
        seen = [await anext(stream) for _ in range(2)]
        assert [payload["data"]["jobEvents"]["state"] for _, payload in seen] == ["QUEUED", "RUNNING"]
        await steps(job, 1)
        name, payload = await anext(stream)
        assert (name, payload["data"]["jobEvents"]["message"]) == ("next", "0")
        await work.end(job)
        rest = [event async for event in stream]
    assert rest[0][1]["data"]["jobEvents"]["state"] == "SUCCEEDED"
    assert rest[1:] == [("complete", None)]


async def test_a_client_comes_back_after_its_last_cursor(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    async with events(live, tenant[Role.OWNER], JOB, id=public(job)) as stream:
        _, first = await anext(stream)
    await steps(job, 2)
    await work.end(job)
    after = first["data"]["jobEvents"]["cursor"]
    async with events(live, tenant[Role.OWNER], JOB, id=public(job), after=after) as stream:
        rest = [payload["data"]["jobEvents"] async for name, payload in stream if name == "next"]
    assert [event["message"] for event in rest[1:3]] == ["0", "1"]
    assert [event["state"] for event in rest] == ["RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"]


async def test_a_session_that_ends_is_told_and_the_stream_is_complete(
    live: str, tenant: Tenant, work: Work, api: Api
) -> None:
    job = await work.running()
    async with events(live, tenant[Role.EDITOR], JOB, id=public(job)) as stream:
        await anext(stream)
        await api.data("mutation { signOut { success } }", as_=tenant[Role.EDITOR])
        rest = [event async for event in stream]
    ((_, told), end) = rest[-2:]
    assert told["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert end == ("complete", None)


async def test_what_cannot_be_followed_is_refused(live: str, tenant: Tenant) -> None:
    asked = {"id": ids.show("job", new_id())}
    for person, code in ((tenant[Role.OWNER], "NOT_FOUND"), (None, "UNAUTHENTICATED")):
        async with events(live, person, JOB, **asked) as stream:
            told = [event async for event in stream]
        assert [error["extensions"]["code"] for error in told[0][1]["errors"]] == [code]


async def test_queries_and_mutations_are_answered_as_one_event(live: str, tenant: Tenant) -> None:
    async with events(live, tenant[Role.OWNER], "{ viewer { role } }") as stream:
        (name, payload), end = [event async for event in stream]
    assert (name, payload["data"], end) == ("next", {"viewer": {"role": "OWNER"}}, ("complete", None))
