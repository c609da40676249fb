"""Starting, cancelling what waits, and running again what failed."""

import asyncio
from uuid import UUID

import pytest

from igny8 import jobs
from igny8.access import Role
from igny8.db import new_id
from igny8.errors import Conflict, InsufficientCredits, NotAllowedNow, NotFound
from tests.jobs.conftest import Jobs
from tests.jobs.tasks import Nothing, Recipe, short, write

pytestmark = pytest.mark.anyio


async def test_too_few_credits_start_nothing(work: Jobs) -> None:
    with pytest.raises(InsufficientCredits):
        await work.start(write, Recipe(), items=2, credits=1_001)
    assert work.rows("SELECT FROM job WHERE account_id = %s", work.tenant.id) == []
    assert work.wallet() == (1_000, 0)


async def test_what_is_rolled_back_was_never_started(work: Jobs) -> None:
    async def start_and_fail() -> None:
        async with work.writing() as session:
            await jobs.enqueue(session, short, Nothing(), site_id=work.site_id, credits=10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await start_and_fail()
    assert work.rows("SELECT FROM job WHERE account_id = %s", work.tenant.id) == []
    assert work.wallet() == (1_000, 0)


async def test_a_job_waits_with_its_items_its_hold_and_an_event(work: Jobs) -> None:
    job_id = await work.start(write, Recipe(credits=3), items=2, credits=10)
    job = work.job(job_id)
    assert (job.state, job.kind, job.queue, job.max_attempts) == ("QUEUED", "GENERATE_CONTENT", "ai", 3)
    assert (job.scope_id, job.started_by_id) == (work.site_id, work.tenant[Role.OWNER].id)
    assert (work.states(job_id), work.wallet()) == (["QUEUED", "QUEUED"], (1_000, 10))
    (event,) = work.events(job_id)
    assert (event.state, event.items_total, event.scope_id) == ("QUEUED", 2, work.site_id)


async def test_the_change_log_says_that_jobs_began_and_ended(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(short, Nothing())
    await work.ended(job_id)
    noted = work.rows(
        "SELECT kind, node_type, site_id, details, request_id FROM change WHERE account_id = %s AND node_type = 'Job' ORDER BY cursor",
        work.tenant.id,
    )
    assert [tuple(row) for row in noted] == [
        ("CREATED", "Job", work.site_id, {}, "test"),
        ("UPDATED", "Job", work.site_id, {"state": "SUCCEEDED"}, f"job_{job_id.hex}"),
    ]


async def test_a_job_of_no_site_belongs_to_the_account(work: Jobs) -> None:
    async with work.writing() as session:
        job_id = await jobs.enqueue(session, short, Nothing(), site_id=None)
    assert work.job(job_id).scope_id == work.tenant.id


async def test_a_waiting_job_that_is_cancelled_never_runs(work: Jobs) -> None:
    job_id = await work.start(write, Recipe(), items=2, credits=10)
    await work.cancel(job_id)
    job = work.job(job_id)
    assert (job.state, job.message, job.finished_at is not None) == ("CANCELLED", "Cancelled; 0 of 2 done.", True)
    assert (work.states(job_id), work.wallet()) == (["CANCELLED", "CANCELLED"], (1_000, 0))
    assert [event.state for event in work.events(job_id)] == ["QUEUED", "CANCELLED"]
    with pytest.raises(NotAllowedNow, match="has ended already"):
        await work.cancel(job_id)


async def test_a_cancelled_job_is_run_again_as_a_new_one(work: Jobs, worker: None, dispatcher: None) -> None:
    first = await work.start(write, Recipe(credits=5), items=2, credits=11)
    await work.cancel(first)
    second = await work.retry(first)
    job = await work.ended(second)
    assert (job.state, job.retry_of_id, job.items_total, job.credits_held) == ("SUCCEEDED", first, 2, 11)
    assert work.wallet() == (990, 0)


async def test_only_what_failed_is_run_again(work: Jobs, worker: None, dispatcher: None) -> None:
    first = await work.start(write, Recipe(credits=5, refused=[1]), items=3, credits=16)
    await work.ended(first)
    second = await work.retry(first)
    job = work.job(second)
    assert (job.items_total, job.credits_held) == (1, 6)
    assert [item.subject_id for item in work.items(second)] == [work.items(first)[1].subject_id]
    assert (await work.ended(second)).state == "SUCCEEDED"
    with pytest.raises(NotAllowedNow, match="nothing to run again"):
        await work.retry(second)
    with pytest.raises(Conflict, match="run again already"):
        await work.retry(first)
    assert work.wallet() == (985, 0)


async def test_a_job_is_run_again_once_however_many_ask(work: Jobs) -> None:
    first = await work.start(write, Recipe(), items=1, credits=10)
    await work.cancel(first)
    answers = await asyncio.gather(*(work.retry(first) for _ in range(4)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Conflict", "Conflict", "UUID"]
    assert work.wallet() == (1_000, 10)


async def test_a_job_that_has_not_ended_is_not_run_again(work: Jobs) -> None:
    with pytest.raises(NotAllowedNow, match="has not ended yet"):
        await work.retry(await work.start(short, Nothing()))


@pytest.mark.parametrize("act", ["cancel", "retry"])
async def test_jobs_of_others_are_not_found(work: Jobs, jobs_of: object, act: str) -> None:
    assert callable(jobs_of)
    other: Jobs = jobs_of()
    for job_id in (await other.start(short, Nothing()), new_id()):
        with pytest.raises(NotFound):
            await getattr(work, act)(job_id)
    assert [row.state for row in other.rows("SELECT state FROM job")] == ["QUEUED"]


async def test_both_who_cancel_a_waiting_job_at_once_are_answered(work: Jobs) -> None:
    job_id = await work.start(write, Recipe(), items=1, credits=10)

    async def cancel() -> UUID | None:
        try:
            await work.cancel(job_id)
        except NotAllowedNow:
            return None
        return job_id

    answers = await asyncio.gather(*(cancel() for _ in range(4)))
    assert [answer for answer in answers if answer] == [job_id]
    assert work.wallet() == (1_000, 0)
