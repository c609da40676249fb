"""Live text: told as it is written, kept as a draft, and never an event."""

import asyncio

import pytest

from igny8.access import Role
from igny8.gql import ids
from tests.streams.conftest import Work, a_subject, public
from tests.streams.sockets import signed_in
from tests.support.api import Api
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

LIVE = """subscription($id: ID!, $after: String) { jobEvents(jobId: $id, after: $after) {
  cursor state subjectId textDelta textOffset } }"""
DRAFTS = "query($id: ID!) { job(id: $id) { items(first: 1) { nodes { draft } } events { cursor } } }"


async def test_text_is_told_as_it_is_written_and_kept(live: str, tenant: Tenant, work: Work, api: Api) -> None:
    subject = a_subject()
    job = await work.running(subject)
    (item,) = job.items
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.subscribe("1", LIVE, id=public(job))
        last = [await socket.data() for _ in range(2)][-1]["cursor"]
        first = asyncio.create_task(socket.data())
        while not first.done():  # who has just begun to listen misses what was told before
            await job.text(item, 0, "Once upon")
            await asyncio.wait({first}, timeout=0.1)
        await job.text(item, 9, " a time")
        heard = await first
        assert (heard["cursor"], heard["subjectId"]) == (last, ids.show("tsk", subject.id))
        text = heard["textDelta"]
        async with job.transaction() as session:
            await job.item_succeeded(session, item)
        await work.end(job)
        (*more, end) = await socket.until_complete()
    for event in more:
        if event["textDelta"] is not None:
            text = text[: event["textOffset"]] + event["textDelta"]
    assert (text, end["state"], end["textDelta"]) == ("Once upon a time", "SUCCEEDED", None)
    kept = (await api.data(DRAFTS, as_=tenant[Role.OWNER], id=public(job)))["job"]
    assert kept["items"]["nodes"] == [{"draft": "Once upon a time"}]
    assert last in {event["cursor"] for event in kept["events"]}
    assert len(kept["events"]) == 4  # queued, claimed, item done, ended: text is none of them
