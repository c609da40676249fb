"""Take a job to run: one worker gets it, however often and to however many it was offered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.jobs import progress
from igny8.jobs.ending import Claim
from igny8.jobs.failures import NO_ERROR
from igny8.jobs.progress import Subject
from igny8.jobs.tables import WAITING, Job, JobItem, JobKind, JobState

#: How long a worker may be silent before its jobs are given to another one.
LEASE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Item:
    """One of the job's inputs that is still to be done. `draft` is what an earlier attempt had written of it."""

    id: UUID
    position: int
    subject: Subject
    draft: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job as it was claimed."""

    claim: Claim
    kind: JobKind
    scope_id: UUID
    started_by_id: UUID | None
    attempt: int
    max_attempts: int
    items_total: int
    items: tuple[Item, ...]
    arguments: dict[str, Any]


async def claim(session: AsyncSession, account_id: UUID, job_id: UUID, kinds: Collection[JobKind]) -> Claimed | None:
    """The job, which is this worker's from now on; None when there is nothing (more) to run."""
    taken = (
        update(Job)
        .where(
            Job.account_id == account_id,
            Job.id == job_id,
            Job.state.in_(WAITING),
            Job.due_at <= func.now(),
            Job.kind.in_(kinds),
        )
        .values(
            **NO_ERROR,
            state=JobState.RUNNING.value,
            message="Started.",
            attempt=Job.attempt + 1,
            fence=Job.fence + 1,
            lease_until=func.clock_timestamp() + LEASE,
            started_at=func.coalesce(Job.started_at, func.clock_timestamp()),
            # A hint that was believed lost may have come first.
            hinted_at=func.coalesce(Job.hinted_at, func.now()),
        )
        .returning(
            Job.fence,
            Job.credits_held,
            Job.kind,
            Job.scope_id,
            Job.started_by_id,
            Job.attempt,
            Job.max_attempts,
            Job.items_total,
            Job.arguments,
        )
    )
    job = (await session.execute(taken)).one_or_none()
    if job is None:
        return None
    progress.note(session, job_id, job.scope_id)
    return Claimed(
        claim=Claim(account_id, job_id, job.fence, job.credits_held),
        kind=JobKind(job.kind),
        scope_id=job.scope_id,
        started_by_id=job.started_by_id,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        items_total=job.items_total,
        items=await _open_items(session, account_id, job_id) if job.items_total else (),
        arguments=job.arguments,
    )


async def _open_items(session: AsyncSession, account_id: UUID, job_id: UUID) -> tuple[Item, ...]:
    wanted = (
        select(JobItem.id, JobItem.position, JobItem.subject_kind, JobItem.subject_id, JobItem.draft)
        .where(
            JobItem.account_id == account_id,
            JobItem.job_id == job_id,
            JobItem.state.not_in((JobState.SUCCEEDED, JobState.FAILED)),
        )
        .order_by(JobItem.position)
    )
    rows = await session.execute(wanted)
    return tuple(Item(row.id, row.position, Subject(row.subject_kind, row.subject_id), row.draft) for row in rows)
