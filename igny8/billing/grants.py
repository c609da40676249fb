"""The periods of subscriptions, each of which begins with its plan's credits."""

import calendar
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, credits, transactions
from igny8.auth import tables as t
from igny8.auth.tables import AccountStatus
from igny8.changes import Actor, ChangeKind
from igny8.credits import TransactionType
from igny8.db import Database, LoginRole
from igny8.limits import Plan, Subscription

_MONTHS: Final = {"MONTHLY": 1, "ANNUAL": 12}


async def grant_due(db: Database) -> int:
    """Begin the next period of every subscription whose period has ended; how many periods began.

    May run at any time, twice, and in several processes. Periods that passed while nothing ran begin one after the
    other, each with its credits.
    """
    begun = 0
    while await _begin_next(db):
        begun += 1
    return begun


def key(subscription: Subscription) -> str:
    """The key of the one grant of the present period."""
    return f"plan:{subscription.current_period_start.date()}"


def end_of_period(start: datetime, months: int, billing_day: int) -> datetime:
    """So many months after `start`, on the billing day or, where the month has none, on its last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(billing_day, last))


async def _begin_next(db: Database) -> bool:
    """One subscription, the one that has waited longest and that nobody else is at; False when there is none."""
    due = (
        sa.select(Subscription, Plan, t.Account.status)
        .join(Plan, Plan.id == Subscription.plan_id)
        .join(t.Account, t.Account.id == Subscription.account_id)
        .where(Subscription.status.in_(("TRIALING", "ACTIVE")), Subscription.current_period_end <= sa.func.now())
        .order_by(Subscription.current_period_end)
        .limit(1)
        .with_for_update(of=Subscription, skip_locked=True)
    )
    async with db.session(LoginRole.SYSTEM) as session:
        found = (await session.execute(due)).one_or_none()
        if found is None:
            return False
        subscription, plan, status = found
        actor = Actor(subscription.account_id, None, "schedule", None, action="begin period")
        async with transactions.logged(session, actor):
            await _begin(session, subscription, plan, AccountStatus(status))
    return True


async def _begin(session: AsyncSession, subscription: Subscription, plan: Plan, status: AccountStatus) -> None:
    """Move on to the next period, or end a subscription that was to end.

    Accounts that are suspended or cancelled when a period begins get nothing for it. The default plan's credits come
    once, when an account signs up.
    """
    noted = [subscription.id]
    if subscription.cancel_at_period_end:
        subscription.status = "CANCELLED"
        changes.record(session, ChangeKind.UPDATED, "AccountSubscription", noted, status="CANCELLED")
        return
    start = subscription.current_period_end
    subscription.current_period_start = start
    subscription.current_period_end = end_of_period(start, _MONTHS[plan.billing_cycle], subscription.billing_day)
    changes.record(session, ChangeKind.UPDATED, "AccountSubscription", noted, period=start.isoformat())
    if plan.is_default or plan.included_credits == 0 or status not in (AccountStatus.TRIAL, AccountStatus.ACTIVE):
        return
    granted = await credits.grant(
        session,
        subscription.account_id,
        plan.included_credits,
        key=key(subscription),
        transaction_type=TransactionType.SUBSCRIPTION,
        description=f"Credits of the plan {plan.name}",
    )
    if granted is not None:
        changes.record(
            session, ChangeKind.UPDATED, "Account", [subscription.account_id], credits=plan.included_credits
        )
