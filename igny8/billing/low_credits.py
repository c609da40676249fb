"""Tells owners, once a period, that their credits run low."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, transactions
from igny8.access import Role
from igny8.auth import mail
from igny8.auth import tables as t
from igny8.auth.outbox import Outbox
from igny8.auth.tables import AccountStatus, UserStatus
from igny8.changes import Actor, ChangeKind
from igny8.credits import Wallet
from igny8.db import Database, LoginRole
from igny8.limits import Plan, Subscription

#: Low is less than one part in so many of what the plan includes.
_PART: Final = 10
_AT_ONCE: Final = 100


async def tell_due(db: Database, outbox: Outbox) -> int:
    """Mail every owner who has not been told in the present period; how many. May run at any time, and twice.

    What running jobs hold counts as there: most of it may come back. Nobody is told who never had credits.
    """
    told = 0
    while True:
        async with db.session(LoginRole.SYSTEM) as session:
            now = await _tell(session, outbox)
        told += now
        if now < _AT_ONCE:
            return told


async def _tell(session: AsyncSession, outbox: Outbox) -> int:
    low = (
        sa.select(Subscription, Wallet.balance, Plan.included_credits, t.Account.name, t.User.email)
        .join(Plan, Plan.id == Subscription.plan_id)
        .join(Wallet, Wallet.account_id == Subscription.account_id)
        .join(t.Account, t.Account.id == Subscription.account_id)
        .join(t.User, sa.and_(t.User.account_id == Subscription.account_id, t.User.role == Role.OWNER.value))
        .where(
            Wallet.balance * _PART < Plan.included_credits,
            Wallet.entries > 0,
            Subscription.low_credits_told_for.is_distinct_from(Subscription.current_period_start),
            t.Account.status.in_((AccountStatus.TRIAL.value, AccountStatus.ACTIVE.value)),
            t.User.status == UserStatus.ACTIVE.value,
        )
        .order_by(Subscription.account_id)
        .limit(_AT_ONCE)
        .with_for_update(of=Subscription, skip_locked=True)
    )
    rows = (await session.execute(low)).all()
    for subscription, balance, included, account_name, email in rows:
        subscription.low_credits_told_for = subscription.current_period_start
        actor = Actor(subscription.account_id, None, "schedule", None, action="tell of low credits")
        async with transactions.logged(session, actor):
            message = mail.low_credits(email, account_name=account_name, balance=balance, included=included)
            await outbox.enqueue(session, subscription.account_id, message)
            changes.record(
                session, ChangeKind.UPDATED, "Account", [subscription.account_id], credits_low=True, balance=balance
            )
    return len(rows)
