"""However a job ends: its items, its state, and that the hold is settled for what succeeded."""

from pathlib import Path

import pytest

from tests.jobs.conftest import Jobs, positions, until
from tests.jobs.tasks import Fault, Nothing, Recipe, fail, short, unknown, write

pytestmark = pytest.mark.anyio


async def test_items_that_fail_are_reported_and_not_charged(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(write, Recipe(credits=5, refused=[1, 2]), items=4, credits=20)
    job = await work.ended(job_id)
    assert (job.state, job.message, job.percent) == ("PARTIAL", "2 of 4 done, 2 failed.", 100)
    assert (job.items_done, job.items_failed) == (2, 2)
    assert (job.error_code, job.error_message, job.error_retryable) == ("AI_REFUSED", "The model refused.", False)
    assert work.states(job_id) == ["SUCCEEDED", "FAILED", "FAILED", "SUCCEEDED"]
    assert [item.credits_used for item in work.items(job_id)] == [5, 0, 0, 5]
    assert (job.credits_used, work.wallet(), work.effects(job_id)) == (10, (990, 0), 2)


async def test_a_job_of_which_nothing_succeeds_failed(work: Jobs, worker: None, dispatcher: None) -> None:
    job = await work.ended(await work.start(write, Recipe(credits=5, refused=[0, 1]), items=2, credits=10))
    assert (job.state, job.message, job.items_failed) == ("FAILED", "The model refused.", 2)
    assert (job.credits_used, work.wallet()) == (0, (1_000, 0))


async def test_an_item_that_was_forgotten_failed(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(write, Recipe(credits=5, left_out=[1]), items=2, credits=10)
    job = await work.ended(job_id)
    assert (job.state, job.error_code) == ("PARTIAL", "INTERNAL")
    assert work.items(job_id)[1].error_message == "The work ended without a result for this."


async def test_items_are_never_charged_more_than_is_held(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(write, Recipe(credits=7), items=3, credits=16)
    job = await work.ended(job_id)
    assert [item.credits_used for item in work.items(job_id)] == [7, 7, 2]
    assert (job.state, job.credits_used, work.wallet()) == ("SUCCEEDED", 16, (984, 0))
    used = work.rows("SELECT sum(credits_used) AS used FROM credit_usage WHERE job_id = %s", job_id)
    assert used[0].used == 16


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("bug", "INTERNAL", "Something went wrong on our side. It was logged."),
        ("limit", "LIMIT_REACHED", "The plan allows 3 clusters."),
        ("group", "AI_REFUSED", "The model refused."),
    ],
)
async def test_a_failure_that_will_not_pass_ends_the_job_at_once(
    work: Jobs, worker: None, dispatcher: None, fault: str, code: str, message: str
) -> None:
    job = await work.ended(await work.start(fail, Fault(fault=fault), items=2, credits=10))
    assert (job.state, job.attempt, job.items_failed) == ("FAILED", 1, 2)
    assert (job.error_code, job.error_message, job.error_retryable, job.message) == (code, message, False, message)
    assert work.wallet() == (1_000, 0)


async def test_a_passing_failure_is_tried_three_times(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(fail, Fault(fault="away"), items=1, credits=10)
    for attempt in (1, 2):
        job = await work.until(job_id, "RETRYING")
        assert (job.attempt, job.message) == (attempt, "The provider is away. Trying again in 99 s.")
        assert (job.error_code, job.error_retryable) == ("PROVIDER_UNAVAILABLE", True)
        assert (job.due_at - job.started_at).total_seconds() > 90
        assert work.wallet() == (1_000, 10)
        work.hurry(job_id)
        await until(lambda attempt=attempt: work.job(job_id).attempt > attempt)
    job = await work.ended(job_id)
    assert (job.state, job.attempt, job.error_code) == ("FAILED", 3, "PROVIDER_UNAVAILABLE")
    assert (work.states(job_id), work.wallet()) == (["FAILED"], (1_000, 0))


async def test_work_that_takes_too_long_is_interrupted(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(fail, Fault(fault="long"))
    job = await work.until(job_id, "RETRYING")
    assert (job.error_code, job.error_message) == ("TIMEOUT", "The work took longer than 0.3 seconds.")


async def test_only_what_failed_in_passing_is_done_again(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(write, Recipe(credits=5, shaky=[0, 2], refused=[3]), items=4, credits=20)
    job = await work.until(job_id, "RETRYING")
    assert work.states(job_id) == ["RETRYING", "SUCCEEDED", "RETRYING", "FAILED"]
    assert (job.items_done, job.items_failed, job.message) == (1, 1, "The provider is busy. Trying again in 60 s.")
    assert work.items(job_id)[0].error_code == "PROVIDER_LIMIT"
    work.hurry(job_id)
    job = await work.ended(job_id)
    assert (job.state, job.attempt, job.items_done, job.items_failed) == ("PARTIAL", 2, 3, 1)
    assert (job.credits_used, work.wallet(), work.effects(job_id)) == (15, (985, 0), 3)
    assert [item.error_code for item in work.items(job_id)] == [None, None, None, "AI_REFUSED"]


async def test_a_job_that_nobody_knows_waits(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(unknown, Nothing())
    await work.ended(await work.start(short, Nothing()))
    assert work.job(job_id).state == "QUEUED"


async def test_a_running_job_that_is_cancelled_keeps_what_it_got_done(
    work: Jobs, worker: None, dispatcher: None, tmp_path: Path
) -> None:
    job_id = await work.start(write, Recipe(credits=5, folder=tmp_path, waits_at=2), items=4, credits=20)
    await until((tmp_path / "begun-1").exists)
    await work.cancel(job_id)
    await work.cancel(job_id)
    assert work.job(job_id).cancel_requested
    job = await work.ended(job_id)
    assert (job.state, job.message, job.error_code) == ("CANCELLED", "Cancelled; 2 of 4 done.", "CANCELLED")
    assert positions(work.items(job_id), "SUCCEEDED") == [0, 1]
    assert positions(work.items(job_id), "CANCELLED") == [2, 3]
    assert (job.credits_used, work.wallet()) == (10, (990, 0))
