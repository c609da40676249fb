"""Plans and the limits they set: how much of each thing an account may have.

`limit_usage` is kept by triggers of the counted tables, in the writing transaction and under the row's lock, so
that two writers cannot both take the last place. A use case writes first and calls `check` after; when the limit
is passed, the error rolls the write back.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Numeric, Select, Text, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base, Timestamped, new_id
from igny8.errors import LimitReached


class PlanLimit(StrEnum):
    """What a plan limits."""

    USERS = "USERS"
    SITES = "SITES"
    SECTORS_PER_SITE = "SECTORS_PER_SITE"
    KEYWORDS = "KEYWORDS"
    CLUSTERS = "CLUSTERS"
    IDEAS = "IDEAS"
    TASKS = "TASKS"
    CONTENTS = "CONTENTS"
    IMAGES = "IMAGES"
    AUTHOR_PROFILES = "AUTHOR_PROFILES"
    AUTOMATION_RULES = "AUTOMATION_RULES"
    API_KEYS = "API_KEYS"
    STORAGE_MB = "STORAGE_MB"


class Plan(Timestamped, Base):
    """What accounts can buy. A global table: operators change it, the application reads it."""

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("billing_cycle IN ('MONTHLY', 'ANNUAL')", name="billing_cycle"),
        CheckConstraint("price >= 0", name="price"),
        Index("uq_plan_default", "is_default", unique=True, postgresql_where=text("is_default")),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    currency: Mapped[str]
    billing_cycle: Mapped[str]
    included_credits: Mapped[int] = mapped_column(Integer)
    limits: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    features: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))


class Subscription(Timestamped, Base):
    """Which plan an account is on; exactly one row an account.

    `billing_day` is the day of the month that periods begin on, where the month has it. `low_credits_told_for` is the
    beginning of the period in which the owner was last told that credits run low.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("status IN ('TRIALING', 'ACTIVE', 'PAST_DUE', 'CANCELLED')", name="status"),
        CheckConstraint("billing_day BETWEEN 1 AND 31", name="billing_day"),
        Index("uq_subscription_account_id", "account_id", unique=True),
        Index(
            "ix_subscription_due",
            "current_period_end",
            postgresql_where=text("status IN ('TRIALING', 'ACTIVE')"),
        ),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    status: Mapped[str]
    current_period_start: Mapped[datetime]
    current_period_end: Mapped[datetime]
    cancel_at_period_end: Mapped[bool] = mapped_column(server_default=text("false"))
    billing_day: Mapped[int] = mapped_column(Integer, server_default=text("EXTRACT(day FROM now())"))
    low_credits_told_for: Mapped[datetime | None]


class LimitUsage(Base):
    """How many of a thing an account has; written by the counted tables' triggers alone."""

    __tablename__ = "limit_usage"
    __table_args__ = (CheckConstraint("used >= 0", name="used"),)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    limit: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(Integer)


_NOUNS = {
    PlanLimit.USERS: "users",
    PlanLimit.SITES: "sites",
    PlanLimit.SECTORS_PER_SITE: "active sectors in one site",
    PlanLimit.KEYWORDS: "keywords",
    PlanLimit.CLUSTERS: "clusters",
    PlanLimit.IDEAS: "ideas",
    PlanLimit.TASKS: "tasks",
    PlanLimit.CONTENTS: "contents",
    PlanLimit.IMAGES: "images",
    PlanLimit.AUTHOR_PROFILES: "author profiles",
    PlanLimit.AUTOMATION_RULES: "automation rules",
    PlanLimit.API_KEYS: "API keys",
    PlanLimit.STORAGE_MB: "MB of storage",
}


async def maximum(session: AsyncSession, account_id: UUID, limit: PlanLimit) -> int | None:
    """What the account's plan allows; None is unlimited."""
    entry = func.jsonb_path_query_first(
        Plan.limits, text("'$[*] ? (@.limit == $limit)'::jsonpath"), func.jsonb_build_object("limit", limit.value)
    )
    statement = (
        select(entry.op("->>")("max").cast(Integer))
        .join(Subscription, Subscription.plan_id == Plan.id)
        .where(Subscription.account_id == account_id)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def check(session: AsyncSession, account_id: UUID, limit: PlanLimit) -> None:
    """Refuse what this transaction has just added when it passes the plan. Raises LimitReached."""
    await session.flush()
    used = (await session.execute(_used(account_id, limit))).scalar_one_or_none() or 0
    refuse_above(limit, used, await maximum(session, account_id, limit))


async def room(session: AsyncSession, account_id: UUID, limit: PlanLimit) -> int | None:
    """How many more there may be; None is unlimited. Nobody else takes of it until the transaction ends."""
    used = (await session.execute(_used(account_id, limit).with_for_update())).scalar_one_or_none() or 0
    most = await maximum(session, account_id, limit)
    return None if most is None else max(0, most - used)


async def refuse_more(session: AsyncSession, account_id: UUID, limit: PlanLimit) -> None:
    """Refuse one more than there is room for. Raises LimitReached."""
    used = (await session.execute(_used(account_id, limit))).scalar_one_or_none() or 0
    refuse_above(limit, used + 1, await maximum(session, account_id, limit))


def _used(account_id: UUID, limit: PlanLimit) -> Select[int]:
    return select(LimitUsage.used).where(LimitUsage.account_id == account_id, LimitUsage.limit == limit.value)


def refuse_above(limit: PlanLimit, used: int, most: int | None) -> None:
    """Raise LimitReached when `used`, the write included, is more than `most`."""
    if most is not None and used > most:
        raise LimitReached(
            f"The plan allows {most} {_NOUNS[limit]}. Remove some, or change to a larger plan.",
            details={"limit": limit.value, "used": used - 1, "max": most},
        )
