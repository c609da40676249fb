"""Cancel a job: at once while it waits, and soon while it runs."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.changes import ChangeKind
from igny8.errors import NotAllowedNow
from igny8.jobs.ending import Claim, Verdict, While, finish
from igny8.jobs.progress import Subject
from igny8.jobs.starting import found
from igny8.jobs.tables import WAITING, JobState

_ASK: Final = text("""
    UPDATE job SET cancel_requested = true
    WHERE account_id = :account AND id = :job AND fence = :fence AND state = 'RUNNING' RETURNING id
""")


async def request_cancel(session: AsyncSession, job_id: UUID) -> None:
    """End a job that waits; have a running one ended by its worker, with what it got done. Asking twice is fine.

    Raises NotFound, and NotAllowedNow when it has ended.
    """
    while True:
        job = await found(session, job_id)
        claim = Claim(job.account_id, job.id, job.fence, job.credits_held)
        if job.state in WAITING:
            if await finish(session, claim, Verdict(cancelled=True), While.WAITING):
                return
        elif job.state == JobState.RUNNING:
            if (await session.execute(_ASK, claim.key)).first() is not None:
                changes.record(session, ChangeKind.UPDATED, "Job", [job.id], site_id=job.site_id, cancel=True)
                return
        else:
            raise NotAllowedNow("The job has ended already; there is nothing to cancel.", field=("id",))


_ABOUT: Final = text("""
    SELECT DISTINCT i.job_id FROM job_item i
    WHERE i.account_id = :account AND i.state IN ('QUEUED', 'RUNNING', 'RETRYING')
      AND i.subject_id = ANY (:subjects) AND i.subject_kind = :kind
      AND NOT EXISTS (
        SELECT FROM job_item o
        WHERE o.account_id = i.account_id AND o.job_id = i.job_id AND o.state IN ('QUEUED', 'RUNNING', 'RETRYING')
          AND NOT (o.subject_id = ANY (:subjects) AND o.subject_kind = :kind)
      )
    ORDER BY i.job_id
""")


async def cancel_work_on(session: AsyncSession, subjects: Sequence[Subject]) -> None:
    """Cancel the jobs that have nothing else left to do than these, which are of one kind and about to go.

    A job that has goes on: its items that are about these fail by themselves.
    """
    if not subjects:
        return
    values = {"kind": subjects[0].kind, "subjects": [subject.id for subject in subjects]}
    jobs = await session.execute(_ABOUT, {"account": changes.actor_of(session).account_id, **values})
    for job_id in jobs.scalars().all():
        with suppress(NotAllowedNow):  # it has just ended
            await request_cancel(session, job_id)
