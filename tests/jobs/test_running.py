"""A job from its start to its end: what runs, what is told, what is kept."""

import pytest

from tests.jobs.conftest import Jobs
from tests.jobs.tasks import Nothing, Recipe, short, write

pytestmark = pytest.mark.anyio


async def test_a_job_runs_and_tells_every_step(work: Jobs, worker: None, dispatcher: None) -> None:
    job_id = await work.start(write, Recipe(credits=3), items=2, credits=10)
    job = await work.ended(job_id)
    assert (job.state, job.phase, job.percent, job.message) == ("SUCCEEDED", "DONE", 100, "2 of 2 done.")
    assert (job.attempt, job.items_done, job.items_failed, job.items_total) == (1, 2, 0, 2)
    assert (job.outcome_type, job.outcome) == ("Report", {"written": 2})
    items = work.items(job_id)
    assert [(item.state, item.draft, item.message) for item in items] == [
        ("SUCCEEDED", "Hello, world", "Written"),
        ("SUCCEEDED", "Hello, world", "Written"),
    ]
    first, second = (item.subject_id for item in items)
    seen = [(e.state, e.phase, e.percent, e.message, e.items_done, e.subject_id) for e in work.events(job_id)]
    assert seen == [
        ("QUEUED", "INIT", 0, "", 0, None),
        ("RUNNING", "INIT", 0, "Started.", 0, None),
        ("RUNNING", "PREP", 10, "Preparing", 0, None),
        ("RUNNING", "AI_CALL", 20, "Writing 1", 0, first),
        ("RUNNING", "AI_CALL", 20, "Writing 1", 1, first),
        ("RUNNING", "AI_CALL", 21, "Writing 2", 1, second),
        ("RUNNING", "AI_CALL", 21, "Writing 2", 2, second),
        ("SUCCEEDED", "DONE", 100, "2 of 2 done.", 2, None),
    ]
    results = work.rows("SELECT * FROM job_result WHERE job_id = %s ORDER BY position", job_id)
    assert [(row.result_kind, row.result_id) for row in results] == [("content", first), ("content", second)]
    assert (job.credits_used, work.wallet()) == (6, (994, 0))


async def test_a_job_of_nothing_succeeds(work: Jobs, worker: None, dispatcher: None) -> None:
    job = await work.ended(await work.start(short, Nothing()))
    assert (job.state, job.message, job.percent) == ("SUCCEEDED", "Done.", 100)
