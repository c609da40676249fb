"""Cancel a job: at once while it waits, and soon while it runs."""

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
