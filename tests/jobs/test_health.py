"""What the doctor finds among jobs."""

from typing import Any

import pytest

from igny8 import jobs
from igny8.db import Database, LoginRole
from igny8.jobs import health
from tests.jobs.conftest import Jobs
from tests.jobs.tasks import Recipe, write

pytestmark = pytest.mark.anyio


async def said(db: Database, work: Jobs) -> list[str]:
    async with db.session(LoginRole.SYSTEM) as session:
        return [fault.says for fault in await health.faults(session) if fault.account_id == work.tenant.id]


ENDED = "state = 'SUCCEEDED', finished_at = now(), lease_until = NULL"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            "UPDATE job SET state = 'RUNNING', lease_until = now() - interval '2 minutes' WHERE id = %(job)s",
            ["is with a worker that has said nothing"],
        ),
        (
            "UPDATE job SET due_at = now() - interval '1 hour' WHERE id = %(job)s",
            ["1 jobs of the queue ai have been due since"],
        ),
        (
            f"UPDATE job SET {ENDED}, hinted_at = now() WHERE id = %(job)s",
            ["has ended and keeps its place.", "10 credits are still held for it.", "2 of its items have not."],
        ),
        ("DELETE FROM job WHERE id = %(job)s", ["10 credits are held for job"]),
        ("UPDATE job SET items_done = 1 WHERE id = %(job)s", ["counts 1 items done and 0 failed; 0 are, and 0."]),
    ],
)
async def test_what_is_wrong_is_said(db: Database, unheard: Any, spoil: str, says: list[str]) -> None:
    work = unheard()
    job_id = await work.start(write, Recipe(credits=3), items=2, credits=10)
    assert await said(db, work) == []
    work.sql.execute(spoil, {"job": job_id})
    found = await said(db, work)
    assert len(found) == len(says)
    for sentence, part in zip(found, says, strict=True):
        assert part in sentence


async def test_nothing_is_wrong_with_a_job_that_went_its_way(
    db: Database, work: Jobs, worker: None, dispatcher: None
) -> None:
    job_id = await work.start(write, Recipe(credits=3, refused=[1]), items=2, credits=10)
    await work.ended(job_id)
    assert await said(db, work) == []
    assert jobs.JobState(work.job(job_id).state) is jobs.JobState.PARTIAL
