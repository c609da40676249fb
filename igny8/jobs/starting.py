"""Start a job, in the transaction of whoever wants it: job, items and hold are there together or not at all."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.changes import ChangeKind
from igny8.credits import hold
from igny8.db import fetch_row, new_id
from igny8.errors import Conflict, NotAllowedNow, NotFound
from igny8.jobs import progress
from igny8.jobs.admission import HAS_PLACE, PLACES
from igny8.jobs.progress import Line, Subject
from igny8.jobs.tables import UNFINISHED, Job, JobItem, JobState, Queue
from igny8.jobs.tasks import A, Task

_COLUMNS: Final = (
    "account_id", "scope_id", "id", "kind", "queue", "max_attempts", "arguments", "started_by_id", "retry_of_id",
    "credits_held", "items_total",
)  # fmt: skip
_START: Final = f"""
    INSERT INTO job ({", ".join(_COLUMNS)}, hinted_at)
    SELECT {", ".join(f"%({column})s" for column in _COLUMNS)}, CASE WHEN {HAS_PLACE} THEN clock_timestamp() END
    ON CONFLICT (account_id, retry_of_id) DO NOTHING RETURNING hinted_at IS NOT NULL
"""  # columns of ours


class _Input(NamedTuple):
    """An item to be; it has a part already when the job is run again."""

    subject: Subject
    part: dict[str, Any] | None = None


async def enqueue(
    session: AsyncSession,
    task: Task[A],
    arguments: A,
    *,
    site_id: UUID | None,
    items: Sequence[Subject] = (),
    credits: int = 0,
    started_by: UUID | None = None,
) -> UUID:
    """Start a job in the account of the session's actor; its id. Raises InsufficientCredits.

    `credits` are held until the job ends; what its items are charged is captured then, at most these. `started_by`
    is a user of the account: None for a developer who acts on it from outside. Arguments must hold no secrets.
    """
    values = {
        "kind": task.kind.value,
        "queue": task.queue.value,
        "max_attempts": task.attempts,
        "arguments": arguments.model_dump(mode="json"),
        "started_by_id": started_by,
    }
    return await _start(session, values, site_id, [_Input(subject) for subject in items], credits)


async def retry(session: AsyncSession, job_id: UUID, *, started_by: UUID | None = None) -> UUID:
    """Start a new job for what the job did not get done; its id.

    It holds the same credits for each item. Raises NotFound, NotAllowedNow, Conflict, InsufficientCredits.
    """
    job = await found(session, job_id)
    left = await _left_over(session, job)
    if job.state in UNFINISHED:
        raise NotAllowedNow("The job has not ended yet. Cancel it first, or wait for its end.", field=("id",))
    if job.state == JobState.SUCCEEDED:
        raise NotAllowedNow("The job succeeded: there is nothing to run again.", field=("id",))
    if job.arguments is None:
        raise NotAllowedNow("The job ended too long ago to be run again. Start a new one.", field=("id",))
    values = {
        "kind": job.kind,
        "queue": job.queue,
        "max_attempts": job.max_attempts,
        "arguments": job.arguments,
        "started_by_id": started_by,
        "retry_of_id": job.id,
    }
    held = -(-job.credits_held * len(left) // job.items_total) if job.items_total else job.credits_held
    return await _start(session, values, job.site_id, left, held)


async def found(session: AsyncSession, job_id: UUID) -> Job:
    """The job as it is now, not locked. Raises NotFound, also for what the session may not see."""
    wanted = select(Job).where(Job.account_id == changes.actor_of(session).account_id, Job.id == job_id)
    job = (await session.execute(wanted.execution_options(populate_existing=True))).scalar_one_or_none()
    if job is None:
        raise NotFound("No job with this id.", field=("id",))
    return job


async def _left_over(session: AsyncSession, job: Job) -> list[_Input]:
    wanted = (
        select(JobItem.subject_kind, JobItem.subject_id, JobItem.part)
        .where(
            JobItem.account_id == job.account_id,
            JobItem.job_id == job.id,
            JobItem.state.in_((JobState.FAILED, JobState.CANCELLED)),
        )
        .order_by(JobItem.position)
    )
    return [_Input(Subject(kind, id_), part) for kind, id_, part in await session.execute(wanted)]


async def _start(
    session: AsyncSession, values: dict[str, Any], site_id: UUID | None, items: Sequence[_Input], held: int
) -> UUID:
    account_id, job_id = changes.actor_of(session).account_id, new_id()
    await hold(session, account_id, held, job_id=job_id)
    scope_id = site_id or account_id
    owned = {"account_id": account_id, "scope_id": scope_id}
    job = {**owned, **values, "id": job_id, "credits_held": held, "items_total": len(items)}
    started = await fetch_row(
        session, _START, {"retry_of_id": None, **job, "arguments": Jsonb(values["arguments"]), "places": PLACES}
    )
    if started is None:
        raise Conflict("The job was run again already. Retry that newer one.", field=("id",))
    if items:
        rows = [
            {
                **owned,
                "id": new_id(),
                "job_id": job_id,
                "position": position,
                "subject_kind": item.subject.kind,
                "subject_id": item.subject.id,
                "part": item.part,
            }
            for position, item in enumerate(items)
        ]
        await session.execute(insert(JobItem), rows)
    changes.record(session, ChangeKind.CREATED, "Job", [job_id], site_id=site_id)
    progress.note(session, job_id, scope_id)
    line, (admitted,) = Line(account_id, Queue(values["queue"])), started
    if admitted:
        progress.news_of(session).admitted.append((line, job_id))
    else:
        progress.news_of(session).lines.add(line)
    return job_id
