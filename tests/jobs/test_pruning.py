"""What nobody looks at any more goes after ninety days; the job and its credits stay."""

import pytest

from igny8.db import Database
from igny8.jobs.pruning import prune
from tests.jobs.conftest import Jobs
from tests.jobs.tasks import Recipe, write

pytestmark = pytest.mark.anyio


async def test_old_jobs_lose_their_details_and_nothing_else(
    db: Database, work: Jobs, worker: None, dispatcher: None
) -> None:
    old, young = [await work.start(write, Recipe(credits=3), items=2, credits=10) for _ in range(2)]
    for job_id in (old, young):
        await work.ended(job_id)
    work.sql.execute("UPDATE job SET finished_at = finished_at - interval '91 days' WHERE id = %s", [old])
    before = work.wallet(), work.effects(old)
    while await prune(db):
        pass
    assert (work.items(old), work.events(old), work.job(old).arguments) == ([], [], None)
    assert (work.job(old).state, work.job(old).credits_used, work.job(old).items_done) == ("SUCCEEDED", 6, 2)
    assert (len(work.items(young)), bool(work.events(young)), bool(work.job(young).arguments)) == (2, True, True)
    assert (work.wallet(), work.effects(old)) == before
    assert await prune(db) == 0


async def test_a_job_that_waits_is_never_pruned(db: Database, work: Jobs) -> None:
    job_id = await work.start(write, Recipe(credits=3), items=1, credits=3)
    work.sql.execute("UPDATE job SET queued_at = queued_at - interval '1 year' WHERE id = %s", [job_id])
    assert await prune(db) == 0
    assert len(work.items(job_id)) == 1
