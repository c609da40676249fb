"""Take a job to run: one worker gets it, however often and to however many it was offered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.db import fetch_row
from igny8.jobs import progress
from igny8.jobs.ending import Claim
from igny8.jobs.progress import Subject
from igny8.jobs.tables import JobKind

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


class _Row(NamedTuple):
    fence: int
    credits_held: int
    kind: str
    scope_id: UUID
    started_by_id: UUID | None
    attempt: int
    max_attempts: int
    items_total: int
    arguments: dict[str, Any]


_CLAIM: Final = f"""
    UPDATE job SET state = 'RUNNING', attempt = attempt + 1, fence = fence + 1, message = 'Started.',
        error_code = NULL, error_message = NULL, error_retryable = NULL,
        lease_until = clock_timestamp() + %(lease)s, started_at = coalesce(started_at, clock_timestamp()),
        hinted_at = coalesce(hinted_at, clock_timestamp())
    WHERE account_id = %(account)s AND id = %(job)s AND state IN ('QUEUED', 'RETRYING')
        AND due_at <= clock_timestamp() AND kind = ANY (%(kinds)s)
    RETURNING {", ".join(_Row._fields)}
"""  # noqa: S608  # columns of ours
_OPEN_ITEMS: Final = text("""
    SELECT id, position, subject_kind, subject_id, draft FROM job_item
    WHERE account_id = :account AND job_id = :job AND state NOT IN ('SUCCEEDED', 'FAILED') ORDER BY position
""")


async def claim(session: AsyncSession, account_id: UUID, job_id: UUID, kinds: Collection[JobKind]) -> Claimed | None:
    """The job, which is this worker's from now on; None when there is nothing (more) to run."""
    values = {"account": account_id, "job": job_id, "lease": LEASE, "kinds": [kind.value for kind in kinds]}
    row = await fetch_row(session, _CLAIM, values)
    if row is None:
        return None
    job = _Row(*row)
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
    rows = await session.execute(_OPEN_ITEMS, {"account": account_id, "job": job_id})
    return tuple(Item(row.id, row.position, Subject(row.subject_kind, row.subject_id), row.draft) for row in rows)
