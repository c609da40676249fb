"""Take a job to run: one worker gets it, however often and to however many it was offered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from igny8.db import fetch_rows
from igny8.jobs import progress
from igny8.jobs.ending import Claim
from igny8.jobs.progress import Subject
from igny8.jobs.tables import JobKind

#: How long a worker may be silent before its jobs are given to another one.
LEASE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Item:
    """One of the job's inputs that is still to be done. `draft` is what an earlier attempt had written of it.

    `part` is what `Running.divide` gave it, in an earlier attempt or in the job that is run again.
    """

    id: UUID
    position: int
    subject: Subject
    draft: str | None
    part: dict[str, Any] | None = None


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
    account_id: UUID
    id: UUID
    fence: int
    credits_held: int
    kind: str
    scope_id: UUID
    started_by_id: UUID | None
    attempt: int
    max_attempts: int
    items_total: int
    arguments: dict[str, Any]


#: Rows are locked in one order, so that two who claim the same jobs do not wait for each other.
_CLAIM: Final = f"""
    WITH given AS (
        SELECT account_id, id FROM job
        JOIN unnest(CAST(%(accounts)s AS uuid[]), CAST(%(jobs)s AS uuid[])) AS wanted (account_id, id)
            USING (account_id, id)
        WHERE state IN ('QUEUED', 'RETRYING') AND due_at <= clock_timestamp() AND kind = ANY (%(kinds)s)
        ORDER BY account_id, id FOR NO KEY UPDATE OF job
    ),
    claimed AS (
        UPDATE job SET state = 'RUNNING', attempt = attempt + 1, fence = fence + 1, message = 'Started.',
            error_code = NULL, error_message = NULL, error_retryable = NULL,
            lease_until = clock_timestamp() + %(lease)s, started_at = coalesce(started_at, clock_timestamp()),
            hinted_at = coalesce(hinted_at, clock_timestamp())
        FROM given WHERE job.account_id = given.account_id AND job.id = given.id
        RETURNING job.*
    ),
    {progress.events_of("claimed")}
    SELECT {", ".join(_Row._fields)} FROM claimed
"""  # noqa: S608  # columns of ours
_OPEN_ITEMS: Final = """
    SELECT account_id, job_id, id, position, subject_kind, subject_id, draft, part FROM job_item
    JOIN unnest(CAST(%(accounts)s AS uuid[]), CAST(%(jobs)s AS uuid[])) AS wanted (account_id, job_id)
        USING (account_id, job_id)
    WHERE state NOT IN ('SUCCEEDED', 'FAILED') ORDER BY position
"""


async def claim(
    session: AsyncSession, wanted: Sequence[tuple[UUID, UUID]], kinds: Collection[JobKind]
) -> list[Claimed | None]:
    """The jobs, which are this worker's from now on; None where there is nothing (more) to run.

    `wanted` are accounts and jobs. The session is one of the system's role, or acts in the jobs' account.
    """
    asked = list(dict.fromkeys(wanted))
    kind_names = [kind.value for kind in kinds]
    rows = await fetch_rows(session, _CLAIM, {**_keys(asked), "lease": LEASE, "kinds": kind_names})
    jobs = {(row.account_id, row.id): row for row in map(_Row._make, rows)}
    items = await _open_items(session, [key for key, job in jobs.items() if job.items_total])
    claimed = {key: _claimed(job, tuple(items.get(key, ()))) for key, job in jobs.items()}
    progress.news_of(session).scopes |= {job.scope_id for job in jobs.values()}
    return [claimed.pop(key, None) for key in wanted]


def _claimed(job: _Row, items: tuple[Item, ...]) -> Claimed:
    return Claimed(
        claim=Claim(job.account_id, job.id, job.fence, job.credits_held),
        kind=JobKind(job.kind),
        scope_id=job.scope_id,
        started_by_id=job.started_by_id,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        items_total=job.items_total,
        items=items,
        arguments=job.arguments,
    )


async def _open_items(
    session: AsyncSession, jobs: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[Item]]:
    found: dict[tuple[UUID, UUID], list[Item]] = {}
    for account_id, job_id, id_, position, kind, subject_id, draft, part in (
        await fetch_rows(session, _OPEN_ITEMS, _keys(jobs)) if jobs else ()
    ):
        item = Item(id_, position, Subject(kind, subject_id), draft, part)
        found.setdefault((account_id, job_id), []).append(item)
    return found


def _keys(jobs: Sequence[tuple[UUID, UUID]]) -> dict[str, object]:
    return {"accounts": [account_id for account_id, _ in jobs], "jobs": [job_id for _, job_id in jobs]}
