"""What was missed first, then live: each event once, in order, until the job ends."""

import asyncio
from typing import Any

import psycopg
import pytest

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from igny8.jobs import JobPhase
from tests.streams.conftest import Work, a_subject, public, steps, stored
from tests.streams.sockets import opened, signed_in
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

JOB = "subscription($id: ID!, $after: String) { jobEvents(jobId: $id, after: $after) { cursor message state } }"
SITE = "subscription($id: ID!, $after: String) { siteJobEvents(siteId: $id, after: $after) { cursor job { id } } }"


async def test_a_job_is_followed_from_its_first_event_to_its_end(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    await steps(job, 2)
    async with signed_in(live, tenant[Role.VIEWER]) as socket:
        await socket.subscribe("1", JOB, id=public(job))
        missed = [await socket.data() for _ in range(4)]
        assert [event["state"] for event in missed] == ["QUEUED", "RUNNING", "RUNNING", "RUNNING"]
        assert [event["message"] for event in missed[2:]] == ["0", "1"]
        await steps(job, 1, first=2)
        assert (await socket.data())["message"] == "2"
        await work.end(job)
        (last,) = await socket.until_complete()
        assert last["state"] == "SUCCEEDED"


async def test_a_client_that_comes_back_at_any_point_has_every_event_once(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    job = await work.running()
    await steps(job, 3)
    cursors = stored(superuser, job.id)
    for cut in range(len(cursors)):
        seen = []
        async with signed_in(live, tenant[Role.OWNER]) as socket:
            await socket.subscribe("1", JOB, id=public(job))
            seen += [(await socket.data())["cursor"] for _ in range(cut)]
        after = {"after": seen[-1]} if seen else {}
        await steps(job, 1, first=cut)
        cursors = stored(superuser, job.id)
        async with signed_in(live, tenant[Role.OWNER]) as socket:
            await socket.subscribe("1", JOB, id=public(job), **after)
            seen += [(await socket.data())["cursor"] for _ in range(len(cursors) - len(seen))]
        assert seen == cursors


async def test_clients_that_come_and_go_while_much_happens_miss_nothing(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    job = await work.running()

    async def client(taken_at_once: int) -> list[str]:
        seen: list[str] = []
        while True:
            async with signed_in(live, tenant[Role.EDITOR]) as socket:
                await socket.subscribe("1", JOB, id=public(job), after=seen[-1] if seen else None)
                for _ in range(taken_at_once):
                    message = await socket.receive()
                    if message["type"] == "complete":
                        return seen
                    seen.append(message["payload"]["data"]["jobEvents"]["cursor"])

    clients = [asyncio.create_task(client(size)) for size in (1, 2, 5, 13, 1000)]
    await steps(job, 150)
    await work.end(job)
    cursors = stored(superuser, job.id)
    assert len(cursors) == 153
    for seen in await asyncio.gather(*clients):
        assert seen == cursors


async def test_more_events_than_a_page_are_replayed(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    job = await work.running()
    superuser.execute(
        "INSERT INTO job_event SELECT account_id, job_id, scope_id, cursor + n, state, phase, percent, n::text,"
        " items_done, items_failed, items_total, subject_kind, subject_id, at"
        " FROM job_event, generate_series(1, 500) AS n WHERE job_id = %s AND cursor ="
        " (SELECT max(cursor) FROM job_event WHERE job_id = %s)",
        [job.id, job.id],
    )
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.subscribe("1", JOB, id=public(job))
        events = [await socket.data() for _ in range(502)]
    assert [event["message"] for event in events[2:]] == [str(n) for n in range(1, 501)]


async def test_a_job_that_has_ended_is_told_and_complete(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    await work.end(job)
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.subscribe("1", JOB, id=public(job))
        events = await socket.until_complete()
        assert [event["state"] for event in events] == ["QUEUED", "RUNNING", "SUCCEEDED"]
        await socket.subscribe("1", JOB, id=public(job), after=events[-1]["cursor"])
        assert await socket.until_complete() == []


async def test_all_jobs_of_a_site_are_followed_in_one_stream(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    old = await work.running()
    async with signed_in(live, tenant[Role.VIEWER]) as socket:
        await socket.subscribe("1", SITE, id=tenant.site("a"), after=stored(superuser, old.id)[-1])
        await steps(old, 1)
        new = await work.running()
        await work.end(old)
        events = [await socket.data() for _ in range(4)]
        assert [event["job"]["id"] for event in events] == [public(old), public(new), public(new), public(old)]
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.subscribe("1", SITE, id=tenant.site("a"), after=events[1]["cursor"])
        assert [await socket.data() for _ in range(2)] == events[2:]


async def test_without_a_cursor_a_site_is_followed_from_now_on(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    job = await work.running()
    past = stored(superuser, job.id)
    async with signed_in(live, tenant[Role.VIEWER]) as socket:
        await socket.subscribe("1", SITE, id=tenant.site("a"))
        first = asyncio.create_task(socket.data())
        while not first.done():
            await steps(job, 1)
        begun = (await first)["cursor"]
        await steps(job, 1)
        coming = stored(superuser, job.id)
        coming = coming[coming.index(begun) + 1 :]
        assert [(await socket.data())["cursor"] for _ in coming] == coming
    assert begun not in past


async def test_what_is_asked_for_below_an_event_is_read_with_it(
    live: str, tenant: Tenant, work: Work, superuser: psycopg.Connection[Any]
) -> None:
    subject = a_subject()
    query = """subscription($id: ID!, $first: Int, $credits: Boolean!) { live: jobEvents(jobId: $id) {
        c: cursor subjectId textDelta textOffset phase percent itemsDone itemsFailed itemsTotal at
        job { ...J items(first: $first) { nodes { subject { id } state } } creditsHeld @include(if: $credits) } } }
        fragment J on Job { message site { id } startedBy { id } }"""
    job = await work.running(subject)
    await job.progress(JobPhase.AI_CALL, 20, "Writing", item=job.items[0])
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.subscribe("1", query, id=public(job), first=1, credits=False)
        events = [await socket.data() for _ in range(3)]
    assert events[2] == {
        "c": stored(superuser, job.id)[2],
        "subjectId": ids.show("tsk", subject.id),
        "textDelta": None,
        "textOffset": None,
        "phase": "AI_CALL",
        "percent": 20,
        "itemsDone": 0,
        "itemsFailed": 0,
        "itemsTotal": 1,
        "at": events[2]["at"],
        "job": {
            "message": "Writing",
            "site": {"id": tenant.site("a")},
            "startedBy": {"id": tenant[Role.OWNER].public_id},
            "items": {"nodes": [{"subject": None, "state": "RUNNING"}]},
        },
    }


async def test_what_is_not_there_and_what_is_not_yours_are_answered_alike(
    live: str, tenant: Tenant, work: Work, world: Any
) -> None:
    elsewhere = Work(work.db, work.hints, work.host, world.tenant())
    foreign = await elsewhere.start()
    ungranted = await Work(work.db, work.hints, work.host, tenant, "b").start()
    of_account = await work.start(of_site=False)
    async with signed_in(live, tenant[Role.VIEWER]) as socket:
        told = []
        for id_ in (ids.show("job", new_id()), public(foreign), public(ungranted), public(of_account)):
            await socket.subscribe("1", JOB, id=id_)
            told.append(await socket.error())
        for id_ in (ids.show("sit", new_id()), elsewhere.tenant.site("a"), tenant.site("b")):
            await socket.subscribe("1", SITE, id=id_)
            told.append(await socket.error())
    assert all(error == told[0] for error in told)
    assert told[0]["extensions"] == {"code": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"id": "nonsense"}, "'jobId': expected a job id (job_...), got something that is no id."),
        ({"id": "sit_" + "0" * 32}, "'jobId': expected a job id (job_...), got a site id."),
        (
            {"id": "job_" + "0" * 32, "after": "x"},
            "'after' is not a cursor of this stream. Take it from one of its events.",
        ),
        (
            {"id": "job_" + "0" * 32, "after": "9" * 30},
            "'after' is not a cursor of this stream. Take it from one of its events.",
        ),
    ],
)
async def test_a_wrong_id_or_cursor_is_named(live: str, tenant: Tenant, variables: dict[str, str], says: str) -> None:
    async with signed_in(live, tenant[Role.VIEWER]) as socket:
        await socket.subscribe("1", JOB, **variables)
        assert await socket.error() == {"message": says, "extensions": {"code": "BAD_REQUEST"}}


async def test_who_is_not_signed_in_follows_nothing_and_reads_what_is_public(live: str) -> None:
    async with opened(live) as socket:
        await socket.init()
        await socket.subscribe("1", JOB, id=ids.show("job", new_id()))
        assert (await socket.error())["extensions"]["code"] == "UNAUTHENTICATED"
        await socket.subscribe("1", "{ plans { slug } }")
        assert len(await socket.data()) > 0
