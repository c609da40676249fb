"""Calls to providers that were begun, and the answers of those that were paid for."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, func, text
from sqlalchemy.orm import Mapped, mapped_column

from igny8.ai.calls import Provider
from igny8.db import Base, new_id, one_of


class CallState(StrEnum):
    """STARTED calls of a worker that died become ABANDONED: perhaps paid for, and their answer is lost."""

    STARTED = "STARTED"
    STORED = "STORED"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"


class AiCall(Base):
    """One call for one step of a job. A step has at most one stored answer, which is never paid for again."""

    __tablename__ = "ai_call"
    __table_args__ = (
        one_of("state", CallState),
        one_of("provider", Provider),
        CheckConstraint("key_owner IN ('ACCOUNT', 'SERVER')", name="key_owner"),
        CheckConstraint("state <> 'STORED' OR ended_at IS NOT NULL", name="ended"),
        Index(
            "uq_ai_call_stored", "account_id", "job_id", "step_key", unique=True, postgresql_where="state = 'STORED'"
        ),
        Index("ix_ai_call_step", "account_id", "job_id", "step_key"),
        # The day's spending with the server's keys, over all accounts: read by the system's role.
        Index("ix_ai_call_server_spending", "begun_at", postgresql_where="key_owner = 'SERVER'"),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID]
    step_key: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="STARTED")
    provider: Mapped[str]
    model: Mapped[str]
    key_owner: Mapped[str]
    repairs: Mapped[bool] = mapped_column(server_default=text("false"))
    tokens_input: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    tokens_output: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    images: Mapped[int] = mapped_column(server_default=text("0"))
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(12, 6))
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
