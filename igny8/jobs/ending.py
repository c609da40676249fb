"""The end of a job, or of one of its attempts: state, report and settled credits in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, credits
from igny8.changes import ChangeKind
from igny8.db import fetch_row, fetch_rows, new_id
from igny8.jobs import progress
from igny8.jobs.admission import SOMEBODY_WAITS
from igny8.jobs.failures import CANCELLED, LEFT_OUT, NO_ERROR, Error
from igny8.jobs.progress import Line
from igny8.jobs.tables import JobErrorCode, JobState, Queue


@dataclass(frozen=True, slots=True)
class Claim:
    """One holder's right to a job: worth something while the job's fence is this one."""

    account_id: UUID
    job_id: UUID
    fence: int
    credits_held: int

    @property
    def key(self) -> dict[str, Any]:
        """What statements know it by."""
        return {"account": self.account_id, "job": self.job_id, "fence": self.fence}


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


class While(StrEnum):
    """What else than its fence a job must have for its claim to count."""

    UNFINISHED = "state IN ('QUEUED', 'RETRYING', 'RUNNING')"
    WAITING = "state IN ('QUEUED', 'RETRYING')"
    EXPIRED = "state = 'RUNNING' AND lease_until < clock_timestamp()"


class _Job(NamedTuple):
    scope_id: UUID
    kind: str
    queue: str
    items_total: int
    items_done: int
    items_failed: int
    credits_used: int
    started_by_id: UUID | None


# Whoever held the job may write no more, and its place in the line is free.
_LET_GO: Final = "fence = fence + 1, lease_until = NULL, hinted_at = NULL"
_ERROR: Final = (
    "error_code = %(error_code)s, error_message = %(error_message)s, error_retryable = %(error_retryable)s"
)
_KEY: Final = "account_id = %(account)s AND id = %(job)s AND fence = %(fence)s"
_ITEMS: Final = "account_id = %(account)s AND job_id = %(job)s"
_OPEN: Final = "state IN ('QUEUED', 'RETRYING', 'RUNNING')"

_CHANGE: Final = """
    changed AS (
        INSERT INTO change (account_id, id, scope_id, site_id, cursor, kind, node_type, node_ids, action, details,
            actor_id, request_id)
        SELECT account_id, change_id, scope_id, nullif(scope_id, account_id), cursor - 1, 'UPDATED', 'Job',
            ARRAY[id], kind, jsonb_build_object('state', state), started_by_id, 'job_' || replace(id::text, '-', '')
        FROM numbered
    ),
"""

_LOCK: Final = {
    only: f"SELECT {', '.join(_Job._fields)} FROM job WHERE {_KEY} AND {only} FOR NO KEY UPDATE"  # noqa: S608  # ours
    for only in While
}
_END: Final = f"""
    UPDATE job SET {_LET_GO}, {_ERROR}, state = %(state)s, message = %(message)s, items_failed = %(failed)s,
        phase = CASE WHEN %(reached)s THEN 'DONE' ELSE phase END,
        percent = CASE WHEN %(reached)s THEN 100 ELSE percent END,
        outcome_type = %(outcome_type)s, outcome = CAST(%(outcome)s AS jsonb), finished_at = clock_timestamp()
    WHERE {_KEY}
"""  # noqa: S608  # ours
# An item that had failed before, and was to be tried again, keeps its own error.
_FAIL_ITEMS: Final = f"""
    UPDATE job_item SET state = 'FAILED', message = NULL, error_code = coalesce(error_code, %(error_code)s),
        error_message = coalesce(error_message, %(error_message)s),
        error_retryable = coalesce(error_retryable, %(error_retryable)s)
    WHERE {_ITEMS} AND {_OPEN} RETURNING id
"""  # noqa: S608  # ours
_CANCEL_ITEMS: Final = f"UPDATE job_item SET state = 'CANCELLED', message = NULL, {_ERROR} WHERE {_ITEMS} AND {_OPEN}"  # noqa: S608  # ours
_FIRST_ERROR: Final = f"""
    SELECT error_code, error_message, error_retryable FROM job_item
    WHERE {_ITEMS} AND state = 'FAILED' ORDER BY position LIMIT 1
"""  # noqa: S608  # ours
_PUT_BACK: Final = {
    only: f"""
        UPDATE job SET {_LET_GO}, {_ERROR}, state = 'RETRYING', message = %(message)s,
            due_at = clock_timestamp() + make_interval(secs => %(pause)s), attempt = attempt - %(taken_back)s
        WHERE {_KEY} AND state = 'RUNNING' AND NOT cancel_requested AND {only}
        RETURNING scope_id, queue
    """  # noqa: S608  # ours
    for only in While
}
_PUT_BACK_ITEMS: Final = (
    f"UPDATE job_item SET state = 'RETRYING', message = NULL WHERE {_ITEMS} AND state = 'RUNNING'"  # noqa: S608  # ours
)


#: The end of jobs that have nothing to settle and no items; as `finish` would write it, change and event included.
_SUCCEED: Final = f"""
    WITH given AS (
        SELECT account_id, id, wanted.outcome_type, wanted.outcome, change_id FROM job
        JOIN unnest(
            CAST(%(accounts)s AS uuid[]), CAST(%(jobs)s AS uuid[]), CAST(%(fences)s AS bigint[]),
            CAST(%(outcome_types)s AS text[]), CAST(%(outcomes)s AS text[]), CAST(%(change_ids)s AS uuid[])
        ) AS wanted (account_id, id, fence, outcome_type, outcome, change_id) USING (account_id, id, fence)
        WHERE state = 'RUNNING' AND items_total = 0 AND credits_held = 0
        ORDER BY account_id, id FOR NO KEY UPDATE OF job
    ),
    ended AS (
        UPDATE job SET {_LET_GO}, error_code = NULL, error_message = NULL, error_retryable = NULL,
            state = 'SUCCEEDED', message = 'Done.', phase = 'DONE', percent = 100,
            outcome_type = given.outcome_type, outcome = CAST(given.outcome AS jsonb),
            finished_at = clock_timestamp()
        FROM given WHERE job.account_id = given.account_id AND job.id = given.id
        RETURNING job.*, change_id
    ),
    {progress.events_of("ended", change=_CHANGE)}
    SELECT account_id, id, scope_id, queue, {SOMEBODY_WAITS} FROM ended
"""  # noqa: S608  # ours


async def succeed(session: AsyncSession, claims: Sequence[tuple[Claim, Outcome | None]]) -> list[bool]:
    """End these jobs well, those that have no items and hold no credits; False, and nothing changed, for others.

    The session is one of the system's role.
    """
    values = {
        "accounts": [claim.account_id for claim, _ in claims],
        "jobs": [claim.job_id for claim, _ in claims],
        "fences": [claim.fence for claim, _ in claims],
        "outcome_types": [outcome and outcome.type for _, outcome in claims],
        "outcomes": [outcome and orjson.dumps(outcome.report).decode() for _, outcome in claims],
        "change_ids": [new_id() for _ in claims],
    }
    ended = await fetch_rows(session, _SUCCEED, values)
    news = progress.news_of(session)
    for account_id, _, scope_id, queue, somebody_waits in ended:
        news.scopes.add(scope_id)
        if somebody_waits:
            news.lines.add(Line(account_id, Queue(queue)))
    keys = {(account_id, job_id) for account_id, job_id, *_ in ended}
    return [(claim.account_id, claim.job_id) in keys for claim, _ in claims]


async def finish(session: AsyncSession, claim: Claim, verdict: Verdict, only: While = While.UNFINISHED) -> bool:
    """End the job for good; False, and nothing changed, when the claim is worth nothing or the job not `only` so.

    Whatever the end, the hold is settled for the sum of the items that succeeded.
    """
    if claim.credits_held:
        await credits.lock(session, claim.account_id)  # wallets are locked before jobs, always
    held = await fetch_row(session, _LOCK[only], claim.key)
    if held is None:
        return False
    job = _Job(*held)
    failed = job.items_failed
    if job.items_done + job.items_failed < job.items_total:
        failed += await _close_items(session, claim, verdict)
    state = _state(job, failed, verdict)
    if claim.credits_held:
        await _settle(session, claim, job)
    error = CANCELLED if verdict.cancelled else verdict.error
    if error is None and failed:
        error = await _first_error(session, claim)
    values = {
        **claim.key,
        **(error.columns if error else NO_ERROR),
        "state": state.value,
        "message": _told(job, state, failed, error),
        "failed": failed,
        "reached": state in (JobState.SUCCEEDED, JobState.PARTIAL),
        "outcome_type": verdict.outcome.type if verdict.outcome else None,
        "outcome": orjson.dumps(verdict.outcome.report).decode() if verdict.outcome else None,
    }
    await fetch_row(session, _END, values)
    site_id = None if job.scope_id == claim.account_id else job.scope_id
    changes.record(session, ChangeKind.UPDATED, "Job", [claim.job_id], site_id=site_id, state=state.value)
    _tell(session, claim, job.scope_id, job.queue)
    return True


async def put_back(
    session: AsyncSession,
    claim: Claim,
    only: While = While.UNFINISHED,
    *,
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
        **claim.key,
        **(error.columns if error else NO_ERROR),
        "message": message,
        "pause": pause,
        "taken_back": 0 if counted else 1,
    }
    job = await fetch_row(session, _PUT_BACK[only], values)
    if job is None:
        return False
    await fetch_row(session, _PUT_BACK_ITEMS, claim.key)
    _tell(session, claim, *job)
    return True


def _tell(session: AsyncSession, claim: Claim, scope_id: UUID, queue: str) -> None:
    progress.note(session, claim.job_id, scope_id)
    progress.news_of(session).lines.add(Line(claim.account_id, Queue(queue)))


async def _close_items(session: AsyncSession, claim: Claim, verdict: Verdict) -> int:
    """No item of an ended job stays open; how many failed now."""
    if verdict.cancelled:
        await fetch_row(session, _CANCEL_ITEMS, {**claim.key, **CANCELLED.columns})
        return 0
    error = verdict.error or LEFT_OUT
    return len(await fetch_rows(session, _FAIL_ITEMS, {**claim.key, **error.columns}))


def _state(job: _Job, failed: int, verdict: Verdict) -> JobState:
    if verdict.cancelled:
        return JobState.CANCELLED
    if failed == 0 and verdict.error is None:
        return JobState.SUCCEEDED
    return JobState.PARTIAL if job.items_done else JobState.FAILED


async def _settle(session: AsyncSession, claim: Claim, job: _Job) -> None:
    await credits.settle(
        session,
        claim.account_id,
        claim.job_id,
        job.credits_used,
        description=job.kind.replace("_", " ").capitalize(),
        user_id=job.started_by_id,
    )


async def _first_error(session: AsyncSession, claim: Claim) -> Error:
    """The job's error when its items alone failed."""
    ((code, message, retryable),) = await fetch_rows(session, _FIRST_ERROR, claim.key)
    return Error(JobErrorCode(code), message, retryable)


def _told(job: _Job, state: JobState, failed: int, error: Error | None) -> str:
    done = f"{job.items_done} of {job.items_total} done"
    match state:
        case JobState.SUCCEEDED:
            return f"{done}." if job.items_total else "Done."
        case JobState.PARTIAL:
            return f"{done}, {failed} failed."
        case JobState.CANCELLED if job.items_total:
            return f"Cancelled; {done}."
    return error.message if error else ""
