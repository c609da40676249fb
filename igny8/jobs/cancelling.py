"""Cancel a job: at once while it waits, and soon while it runs."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.changes import ChangeKind
from igny8.errors import NotAllowedNow
from igny8.jobs.ending import Claim, Verdict, While, finish
from igny8.jobs.starting import found
from igny8.jobs.tables import WAITING, JobState

_ASK: Final = text("""
    UPDATE job SET cancel_requested = true
    WHERE account_id = :account AND id = :job AND fence = :fence AND state = 'RUNNING' RETURNING id
""")
_ONLY_ABOUT: Final = text("""
    SELECT DISTINCT j.id FROM job_item i
    JOIN job j ON j.account_id = i.account_id AND j.id = i.job_id AND j.finished_at IS NULL
    WHERE i.account_id = :account AND i.subject_id = ANY (:subjects) AND i.state IN ('QUEUED', 'RETRYING', 'RUNNING')
      AND NOT EXISTS (
        SELECT FROM job_item o WHERE o.account_id = j.account_id AND o.job_id = j.id
          AND o.state IN ('QUEUED', 'RETRYING', 'RUNNING') AND o.subject_id <> ALL (:subjects)
      )
    ORDER BY j.id
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


async def cancel_work_on(session: AsyncSession, subject_ids: Sequence[UUID]) -> None:
    """With the rows that are deleted: end the jobs that have nothing else left to do.

    A job with other inputs goes on with those; what it finds missing fails by itself and costs nothing.
    """
    values = {"account": changes.actor_of(session).account_id, "subjects": list(subject_ids)}
    for job_id in (await session.execute(_ONLY_ABOUT, values)).scalars().all():
        try:
            await request_cancel(session, job_id)
        except NotAllowedNow:
            continue  # it has ended meanwhile
