"""The end of a job, or of one of its attempts: state, report and settled credits in one transaction."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, credits
from igny8.changes import ChangeKind
from igny8.jobs import progress
from igny8.jobs.failures import CANCELLED, LEFT_OUT, NO_ERROR, Error
from igny8.jobs.progress import Line
from igny8.jobs.tables import UNFINISHED, Job, JobErrorCode, JobItem, JobPhase, JobState, Queue


@dataclass(frozen=True, slots=True)
class Claim:
    """One holder's right to a job: worth something while the job's fence is this one."""

    account_id: UUID
    job_id: UUID
    fence: int
    credits_held: int

    def is_worth(self) -> ColumnElement[bool]:
        return and_(Job.account_id == self.account_id, Job.id == self.job_id, Job.fence == self.fence)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job has to report: the name of the report's type, and the report."""

    type: str
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a job ends. Items that are still open share its fate."""

    error: Error | None = None
    cancelled: bool = False
    outcome: Outcome | None = None


#: Whoever held the job may write no more, and its place in the line is free.
_LET_GO: Final[dict[str, Any]] = {"fence": Job.fence + 1, "lease_until": None, "hinted_at": None}


async def finish(session: AsyncSession, claim: Claim, verdict: Verdict, *only: ColumnElement[bool]) -> bool:
    """End the job for good; False, and nothing changed, when the claim is worth nothing or the job not `only` so.

    Whatever the end, the hold is settled for the sum of the items that succeeded.
    """
    if claim.credits_held:
        await credits.lock(session, claim.account_id)  # wallets are locked before jobs, always
    held = select(Job).where(claim.is_worth(), Job.state.in_(UNFINISHED), *only).with_for_update(key_share=True)
    job = (await session.execute(held.execution_options(populate_existing=True))).scalar_one_or_none()
    if job is None:
        return False
    failed = job.items_failed + await _close_items(session, claim, verdict)
    state = _state(job, failed, verdict)
    if job.credits_held:
        await _settle(session, job)
    error = CANCELLED if verdict.cancelled else verdict.error
    if error is None and failed:
        error = await _first_error(session, claim)
    values = _last_values(job, state, failed, error)
    if verdict.outcome is not None:
        values |= {"outcome_type": verdict.outcome.type, "outcome": verdict.outcome.report}
    await session.execute(update(Job).where(claim.is_worth()).values(values))
    changes.record(session, ChangeKind.UPDATED, "Job", [job.id], site_id=job.site_id, state=state.value)
    progress.note(session, job.id, job.scope_id)
    progress.news_of(session).lines.add(Line(job.account_id, Queue(job.queue)))
    return True


async def put_back(
    session: AsyncSession,
    claim: Claim,
    *only: ColumnElement[bool],
    pause: float,
    message: str,
    error: Error | None = None,
    counted: bool = True,
) -> bool:
    """Let the job wait for another attempt; False, and nothing changed, when the claim is worth nothing.

    False, too, when the job is not `only` so or somebody asked for its end. `counted` False takes the attempt back:
    it was not the job's fault.
    """
    values = {
        **_LET_GO,
        "state": JobState.RETRYING.value,
        "due_at": func.now() + timedelta(seconds=pause),
        "attempt": Job.attempt if counted else Job.attempt - 1,
        "message": message,
        **(error.columns if error else NO_ERROR),
    }
    waits = (
        update(Job)
        .where(claim.is_worth(), Job.state == JobState.RUNNING, ~Job.cancel_requested, *only)
        .values(values)
        .returning(Job.scope_id, Job.queue)
    )
    job = (await session.execute(waits)).one_or_none()
    if job is None:
        return False
    begun = update(JobItem).where(_of(claim), JobItem.state == JobState.RUNNING)
    await session.execute(begun.values(state=JobState.RETRYING.value, message=None))
    progress.note(session, claim.job_id, job.scope_id)
    progress.news_of(session).lines.add(Line(claim.account_id, Queue(job.queue)))
    return True


def _of(claim: Claim) -> ColumnElement[bool]:
    return and_(JobItem.account_id == claim.account_id, JobItem.job_id == claim.job_id)


async def _close_items(session: AsyncSession, claim: Claim, verdict: Verdict) -> int:
    """No item of an ended job stays open; how many failed now. One that had failed before keeps its own error."""
    left = update(JobItem).where(_of(claim), JobItem.state.in_(UNFINISHED))
    if verdict.cancelled:
        await session.execute(left.values(state=JobState.CANCELLED.value, message=None, **CANCELLED.columns))
        return 0
    error = verdict.error or LEFT_OUT
    kept = {name: func.coalesce(getattr(JobItem, name), value) for name, value in error.columns.items()}
    closed = await session.execute(
        left.values(state=JobState.FAILED.value, message=None, **kept).returning(JobItem.id)
    )
    return len(closed.all())


def _state(job: Job, failed: int, verdict: Verdict) -> JobState:
    if verdict.cancelled:
        return JobState.CANCELLED
    if failed == 0 and verdict.error is None:
        return JobState.SUCCEEDED
    return JobState.PARTIAL if job.items_done else JobState.FAILED


async def _settle(session: AsyncSession, job: Job) -> None:
    await credits.settle(
        session,
        job.account_id,
        job.id,
        job.credits_used,
        description=job.kind.replace("_", " ").capitalize(),
        user_id=job.started_by_id,
    )


async def _first_error(session: AsyncSession, claim: Claim) -> Error:
    """The job's error when its items alone failed."""
    failed = select(JobItem).where(_of(claim), JobItem.state == JobState.FAILED).order_by(JobItem.position).limit(1)
    item = (await session.execute(failed.execution_options(populate_existing=True))).scalar_one()
    return Error(JobErrorCode(item.error_code or ""), item.error_message or "", bool(item.error_retryable))


def _last_values(job: Job, state: JobState, failed: int, error: Error | None) -> dict[str, Any]:
    values = {
        **_LET_GO,
        "state": state.value,
        "items_failed": failed,
        "finished_at": func.now(),
        "message": _told(job, state, failed, error),
        **(error.columns if error else NO_ERROR),
    }
    if state in (JobState.SUCCEEDED, JobState.PARTIAL):
        values |= {"phase": JobPhase.DONE.value, "percent": 100}
    return values


def _told(job: Job, state: JobState, failed: int, error: Error | None) -> str:
    done = f"{job.items_done} of {job.items_total} done"
    match state:
        case JobState.SUCCEEDED:
            return f"{done}." if job.items_total else "Done."
        case JobState.PARTIAL:
            return f"{done}, {failed} failed."
        case JobState.CANCELLED if job.items_total:
            return f"Cancelled; {done}."
    return error.message if error else ""
