"""Jobs, their items and their events: each type over its table."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    Uuid,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    select,
)
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.credits import CreditUsage
from igny8.gql.read.conditions import select_from
from igny8.gql.read.declarations import Reference
from igny8.gql.read.declare import (
    Connection,
    Node,
    links,
    listed,
    many,
    one,
    ordering,
    poly,
    poly_id,
    root,
    roots,
    rows,
    sql,
    where,
)
from igny8.gql.scalars import DateTimeFilter
from igny8.jobs import tables as t

READ = Permission.CONTENT_READ
EVENTS_LISTED = 100

for _enum in (t.JobKind, t.JobState, t.JobPhase, t.JobErrorCode):
    strawberry.enum(_enum)


@strawberry.type(description="Why a job or one of its items failed, and whether trying again may help.")
class JobError:
    code: t.JobErrorCode
    message: str
    retryable: bool


def error_of(row: Any) -> ColumnElement[Any]:
    pairs: list[ColumnElement[Any]] = []
    for name in ("code", "message", "retryable"):
        pairs += (literal_column(f"'{name}'"), row[f"error_{name}"])
    return case((row.error_code.is_(None), null()), else_=func.jsonb_build_object(*pairs))


def _credits(name: str) -> Any:
    # Sums of credits are kept as 64 bits; those of one job fit into 32.
    return sql(lambda row: cast(row[name], Integer), never_null=True)


def _cost(job: Any) -> ColumnElement[Any]:
    usage = CreditUsage
    total = select_from(usage, func.sum(usage.cost_usd).label("cost"))
    return total.where(usage.account_id == job.account_id, usage.job_id == job.id).scalar_subquery()


def _cost_is_incomplete(job: Any) -> ColumnElement[bool]:
    usage = CreditUsage
    unpriced = select_from(usage, usage.id).where(
        usage.account_id == job.account_id, usage.job_id == job.id, usage.cost_usd.is_(None)
    )
    return unpriced.exists()


@rows(t.JobEvent, need=READ)
class JobEvent:
    """One step of progress: the job as it was then.

    A client that lost its connection asks `after` the last cursor it saw; a cursor is opaque and valid in the stream
    that gave it. Cursors rise in commit order; nothing between two received cursors is missing.
    """

    cursor: str = sql(lambda event: cast(event.cursor, Text), never_null=True)
    job: Annotated["Job", strawberry.lazy("igny8.gql.jobs.types")] = one()
    state: t.JobState
    phase: t.JobPhase
    percent: int
    message: str
    items_done: int
    items_failed: int
    items_total: int
    subject_id: ID | None = poly_id(
        "subject_kind", "subject_id", description="The input that the step was about, when it was one."
    )
    text_delta: str | None = sql(
        lambda event: cast(null(), Text),
        description="Text as it is written, in `jobEvents` alone: it goes where `textOffset` characters come before"
        " it. Live text is told once and never again; a client that sees a gap reads the item's `draft`.",
    )
    text_offset: int | None = sql(lambda event: cast(null(), Integer))
    at: datetime


def _events_after(job: Any, event: Any, after: str | None = None) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = event.job_id == job.id
    return mine if after is None else and_(mine, event.cursor > cast(after, BigInteger))


@rows(t.JobItem, prefix="jit", need=READ)
class JobItem(Node):
    """One of a job's inputs, done or failed by itself.

    `draft` is the text written so far; live text (`textDelta` from `textOffset`) is not replayed, a client that sees
    a gap reads the draft.
    """

    job: Annotated["Job", strawberry.lazy("igny8.gql.jobs.types")] = one()
    subject: Node | None = poly("subject_kind", "subject_id", description="Null when it is not there any more.")
    draft: str | None
    # Never PARTIAL, as the table's check says and the enum does not.
    state: t.JobState = sql(lambda item: item.state, never_null=True)
    message: str | None
    error: JobError | None = sql(error_of)
    credits_used: int = _credits("credits_used")


BY_POSITION = (("POSITION", lambda row: row.position, False),)
NEWEST = (("QUEUED_AT", lambda job: job.queued_at, True),)


@rows(t.Job, prefix="job", need=READ)
class Job(Node):
    """A long step of work in the background."""

    kind: t.JobKind
    state: t.JobState
    phase: t.JobPhase
    percent: int
    message: str
    items_done: int
    items_failed: int
    items_total: int
    attempt: int
    max_attempts: int
    error: JobError | None = sql(error_of)
    credits_held: int = _credits("credits_held")
    credits_used: int = _credits("credits_used")
    cost_usd: Decimal | None = sql(
        _cost, need=Permission.BILLING_READ, description="What the providers' calls cost, as far as prices are known."
    )
    cost_incomplete: bool = sql(
        _cost_is_incomplete,
        never_null=True,
        need=Permission.BILLING_READ,
        otherwise=false(),
        description="Whether the price of a call is not known, so that `costUsd` is too low.",
    )
    cancel_requested: bool
    retry_of: Annotated["Job", strawberry.lazy("igny8.gql.jobs.types")] | None = one(
        lambda job, other: other.id == job.retry_of_id, description="The job whose failed items this one runs again."
    )
    items: Connection[JobItem] = many(lambda job, item: item.job_id == job.id, default=BY_POSITION)
    events: list[JobEvent] = listed(
        _events_after,
        most=EVENTS_LISTED,
        sized=True,
        default=(("CURSOR", lambda event: event.cursor, False),),
        description="At most the first 100 after a cursor. They are kept for 90 days after the job's end.",
    )
    results: Connection[Node] = links(
        t.JobResult,
        lambda job, result: result.job_id == job.id,
        kind="result_kind",
        id="result_id",
        default=BY_POSITION,
        description="What the job made or changed, as far as it is still there.",
    )
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def _is_about(job: Any, subject_ids: Any) -> ColumnElement[bool]:
    item, given = t.JobItem, func.unnest(subject_ids).table_valued("id").render_derived()
    wanted = select(cast(func.substr(given.c.id, 5), Uuid())).select_from(given).correlate_except(given)
    about = select_from(item, item.id).where(item.account_id == job.account_id, item.job_id == job.id)
    return about.where(item.subject_id.in_(wanted)).exists()


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class JobFilter:
    ids: Annotated[list[ID] | None, Reference("job", "id")] = UNSET
    kind: list[t.JobKind] | None = UNSET
    state: list[t.JobState] | None = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "scope_id")] = UNSET
    subject_id: list[ID] | None = where(_is_about, description="Jobs that have one of these among their inputs.")
    started_by_id: Annotated[list[ID] | None, Reference("usr", "started_by_id")] = UNSET
    queued_at: DateTimeFilter | None = UNSET


JobOrder = ordering("JobOrder", queued_at=lambda job: job.queued_at, finished_at=lambda job: job.finished_at)


def _this(job: Any, id: Annotated[ID, Reference("job", "id")]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = job.id == id
    return found


@strawberry.type
class JobQuery:
    job: Job | None = root(_this, need=READ)
    jobs: Connection[Job] = roots(need=READ, filter=JobFilter, order=JobOrder, default=NEWEST)
