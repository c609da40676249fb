"""Rows of jobs. The job row is outbox, progress and retry ledger in one; Redis only ever repeats what it says."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base, new_id, one_of


class JobKind(StrEnum):
    """What is done."""

    IMPORT_KEYWORDS = "IMPORT_KEYWORDS"
    CLUSTER_KEYWORDS = "CLUSTER_KEYWORDS"
    GENERATE_IDEAS = "GENERATE_IDEAS"
    GENERATE_CONTENT = "GENERATE_CONTENT"
    GENERATE_IMAGE_PROMPTS = "GENERATE_IMAGE_PROMPTS"
    GENERATE_IMAGES = "GENERATE_IMAGES"
    SUGGEST_LINKS = "SUGGEST_LINKS"
    PROCESS_LINKS = "PROCESS_LINKS"
    CHECK_LINKS = "CHECK_LINKS"
    OPTIMIZE_CONTENT = "OPTIMIZE_CONTENT"
    ANALYZE_CONTENT = "ANALYZE_CONTENT"
    GENERATE_SITE_STRUCTURE = "GENERATE_SITE_STRUCTURE"
    GENERATE_PAGE_CONTENT = "GENERATE_PAGE_CONTENT"
    PUBLISH_CONTENT = "PUBLISH_CONTENT"
    RETRACT_PUBLICATION = "RETRACT_PUBLICATION"
    DEPLOY_SITE = "DEPLOY_SITE"
    SYNC_SITE = "SYNC_SITE"
    RUN_AUTOMATION = "RUN_AUTOMATION"
    EXPORT_RECORDS = "EXPORT_RECORDS"
    DELIVER_WEBHOOK = "DELIVER_WEBHOOK"
    SEND_EMAIL = "SEND_EMAIL"


class JobState(StrEnum):
    """How far a job or an item is. RETRYING waits for another attempt; items are never PARTIAL."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        return self not in UNFINISHED


WAITING: Final = (JobState.QUEUED, JobState.RETRYING)
UNFINISHED: Final = (*WAITING, JobState.RUNNING)


class JobPhase(StrEnum):
    INIT = "INIT"
    PREP = "PREP"
    AI_CALL = "AI_CALL"
    PARSE = "PARSE"
    SAVE = "SAVE"
    DONE = "DONE"


class JobErrorCode(StrEnum):
    """Why a job or an item failed."""

    AI_OUTPUT_INVALID = "AI_OUTPUT_INVALID"
    AI_REFUSED = "AI_REFUSED"
    PROVIDER_AUTH = "PROVIDER_AUTH"
    PROVIDER_LIMIT = "PROVIDER_LIMIT"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    EXTERNAL_SERVICE = "EXTERNAL_SERVICE"
    TIMEOUT = "TIMEOUT"
    LIMIT_REACHED = "LIMIT_REACHED"
    CONFLICT = "CONFLICT"
    NOT_FOUND = "NOT_FOUND"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    INTERNAL = "INTERNAL"


class Queue(StrEnum):
    """What a job mostly waits for. An account's turns are counted for each queue by itself."""

    AI = "ai"
    WORK = "work"


def _listed(states: tuple[JobState, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


_IS_WAITING: Final = f"state IN ({_listed(WAITING)})"
_IS_UNFINISHED: Final = f"state IN ({_listed(UNFINISHED)})"


class Failing:
    """Why it failed; all three or none."""

    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    error_retryable: Mapped[bool | None]


def _error() -> tuple[CheckConstraint, CheckConstraint]:
    return (
        one_of("error_code", JobErrorCode),
        CheckConstraint("num_nulls(error_code, error_message, error_retryable) IN (0, 3)", name="error"),
    )


class Job(Failing, Base):
    """A long step of work.

    `scope_id` is the site, or the account for jobs of no site; it is no reference, because the job outlives its site:
    what it holds is settled, and the ledger points to it. `hinted_at` marks the
    jobs that take one of the account's places in their queue: their hint was sent, and they have not ended. `fence`
    is raised by every claim and whenever a claim is taken away: whoever holds an older one may write nothing.
    `arguments` are dropped by pruning.
    """

    __tablename__ = "job"
    __table_args__ = (
        one_of("kind", JobKind),
        one_of("queue", Queue),
        one_of("state", JobState),
        one_of("phase", JobPhase),
        *_error(),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("items_done >= 0 AND items_failed >= 0", name="items"),
        CheckConstraint("items_done + items_failed <= items_total", name="items_total"),
        CheckConstraint("0 <= credits_used AND credits_used <= credits_held", name="credits"),
        CheckConstraint(f"({_IS_UNFINISHED}) = (finished_at IS NULL)", name="finished_at"),
        CheckConstraint("(state = 'RUNNING') = (lease_until IS NOT NULL)", name="lease_until"),
        ForeignKeyConstraint(
            ["account_id", "started_by_id"],
            ["app_user.account_id", "app_user.id"],
            ondelete="SET NULL (started_by_id)",
        ),
        ForeignKeyConstraint(
            ["account_id", "retry_of_id"], ["job.account_id", "job.id"], ondelete="SET NULL (retry_of_id)"
        ),
        Index("ix_job_queued_at", "account_id", text("queued_at DESC"), text("id DESC")),
        Index("ix_job_finished_at", "account_id", text("finished_at DESC NULLS LAST"), text("id DESC")),
        Index("ix_job_scope_id", "account_id", "scope_id", text("queued_at DESC"), text("id DESC")),
        Index("ix_job_started_by_id", "account_id", "started_by_id", text("queued_at DESC"), text("id DESC")),
        # A job is run again once; that one may be run again in its turn.
        Index("uq_job_retry_of_id", "account_id", "retry_of_id", unique=True),
        Index(
            "ix_job_unhinted",
            "account_id",
            "queue",
            "due_at",
            "id",
            postgresql_where=text(f"{_IS_WAITING} AND hinted_at IS NULL"),
        ),
        Index("ix_job_hinted", "account_id", "queue", postgresql_where=text("hinted_at IS NOT NULL")),
        # The reaper and pruning work across accounts: named exceptions to account-led indexes.
        Index("ix_job_lease_until", "lease_until", postgresql_where=text("state = 'RUNNING'")),
        Index("ix_job_prunable", "finished_at", postgresql_where=text("arguments IS NOT NULL")),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scope_id: Mapped[UUID]
    kind: Mapped[str]
    queue: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=JobState.QUEUED.value)
    phase: Mapped[str] = mapped_column(server_default=JobPhase.INIT.value)
    percent: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    message: Mapped[str] = mapped_column(server_default="")
    items_total: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    items_done: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    items_failed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    max_attempts: Mapped[int] = mapped_column(Integer)
    fence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    credits_held: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    credits_used: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    arguments: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    outcome_type: Mapped[str | None]
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    retry_of_id: Mapped[UUID | None]
    started_by_id: Mapped[UUID | None]
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    hinted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def site_id(self) -> UUID | None:
        """The site, which may be gone; None for a job of the account."""
        return None if self.scope_id == self.account_id else self.scope_id


class OfJob:
    """A row of a job, seen by whoever sees the job."""

    account_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-3)
    job_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    scope_id: Mapped[UUID] = mapped_column(sort_order=-1)


def of_job() -> ForeignKeyConstraint:
    """The composite reference to the job."""
    return ForeignKeyConstraint(["account_id", "job_id"], ["job.account_id", "job.id"], ondelete="CASCADE")


def of_account() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE")


class JobItem(Failing, Base):
    """One of a job's inputs, done or failed by itself. `subject_id` is no reference: what it names may go.

    `draft` is the text that was written so far. `part` is the item's share of what the job was given, where its
    subject does not tell; `finding` is what it adds to the job's report. Credits are charged for
    what succeeded alone.
    """

    __tablename__ = "job_item"
    __table_args__ = (
        of_account(),
        of_job(),
        CheckConstraint(
            "state IN ('QUEUED', 'RUNNING', 'RETRYING', 'SUCCEEDED', 'FAILED', 'CANCELLED')", name="state"
        ),
        *_error(),
        CheckConstraint("credits_used >= 0", name="credits_used"),
        Index("uq_job_item_position", "account_id", "job_id", "position", unique=True),
        Index("ix_job_item_subject_id", "account_id", "subject_id", text("id DESC")),
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID]
    scope_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default=JobState.QUEUED.value)
    message: Mapped[str | None]
    draft: Mapped[str | None]
    part: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    finding: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    credits_used: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class JobEvent(OfJob, Base):
    """One step of progress: the job as it was after a transaction, in the order in which they committed."""

    __tablename__ = "job_event"
    __table_args__ = (
        of_account(),
        of_job(),
        one_of("state", JobState),
        one_of("phase", JobPhase),
        Index("ix_job_event_scope_id", "account_id", "scope_id", "cursor"),
    )
    cursor: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    state: Mapped[str]
    phase: Mapped[str]
    percent: Mapped[int] = mapped_column(Integer)
    message: Mapped[str]
    items_done: Mapped[int] = mapped_column(Integer)
    items_failed: Mapped[int] = mapped_column(Integer)
    items_total: Mapped[int] = mapped_column(Integer)
    subject_kind: Mapped[str | None]
    subject_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class JobResult(OfJob, Base):
    """Something that the job made or changed. `result_id` is no reference: what it names may go."""

    __tablename__ = "job_result"
    __table_args__ = (
        of_account(),
        of_job(),
        Index("ix_job_result_position", "account_id", "job_id", "position"),
        Index("ix_job_result_result_id", "account_id", "result_id"),
    )
    result_kind: Mapped[str] = mapped_column(primary_key=True)
    result_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: A UUIDv7: results in the order in which they came.
    position: Mapped[UUID] = mapped_column(default=new_id)
