"""Cancel a job: at once while it waits, and soon while it runs."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, column, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.changes import ChangeKind
from igny8.errors import NotAllowedNow
from igny8.jobs.ending import Claim, Verdict, While, finish
from igny8.jobs.progress import Subject
from igny8.jobs.starting import found
from igny8.jobs.tables import UNFINISHED, WAITING, Job, JobItem, JobState

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


async def cancel_work_on(session: AsyncSession, gone: Sequence[Subject]) -> None:
    """Cancel the jobs that have nothing else left to do than what is gone; all of it is of one kind.

    Call it when the rows are deleted. A job that has more to do goes on: its items that are about these fail by
    themselves.
    """
    if not gone:
        return
    account_id = changes.actor_of(session).account_id
    there = table(gone[0].kind, column("account_id", Uuid()), column("id", Uuid()))
    left = (
        select(JobItem.id)
        .join(there, (there.c.account_id == JobItem.account_id) & (there.c.id == JobItem.subject_id))
        .where(JobItem.account_id == Job.account_id, JobItem.job_id == Job.id, JobItem.state.in_(UNFINISHED))
    )
    about = select(JobItem.job_id).where(
        JobItem.account_id == account_id,
        JobItem.subject_id.in_([subject.id for subject in gone]),
        JobItem.state.in_(UNFINISHED),
    )
    wanted = select(Job.id).where(Job.account_id == account_id, Job.id.in_(about), ~left.exists()).order_by(Job.id)
    for job_id in (await session.execute(wanted)).scalars().all():
        with suppress(NotAllowedNow):  # it has just ended
            await request_cancel(session, job_id)
