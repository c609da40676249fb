"""A new account, complete: with its slug, its subscription and its empty wallet."""

import secrets
from uuid import UUID

from sqlalchemy import func, insert
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs
from igny8.auth import tables as t
from igny8.auth.accounts import SHORTEST_SLUG
from igny8.auth.tables import AccountStatus
from igny8.changes import ChangeKind
from igny8.credits import Wallet
from igny8.db import new_id
from igny8.limits import Plan, Subscription


async def open_account(session: AsyncSession, account_id: UUID, name: str, plan: Plan) -> None:
    """Open a customer's account; on the default plan it is a trial."""
    status, subscribed = (AccountStatus.TRIAL, "TRIALING") if plan.is_default else (AccountStatus.ACTIVE, "ACTIVE")
    await _insert_account(session, account_id, name, status=status)
    await _subscribe(session, account_id, plan, subscribed)


async def open_system_account(session: AsyncSession, account_id: UUID, name: str, plan: Plan) -> None:
    """Open the account that operators belong to."""
    await _insert_account(session, account_id, name, status=AccountStatus.ACTIVE, is_system=True)
    await _subscribe(session, account_id, plan, "ACTIVE")


async def _insert_account(
    session: AsyncSession, account_id: UUID, name: str, *, status: AccountStatus, is_system: bool = False
) -> None:
    """With a slug after the name, lengthened at random while others have it."""
    wish = inputs.slug_of(name) or "account"
    slug = wish if len(wish) >= SHORTEST_SLUG else _longer(wish)
    row = postgresql.insert(t.Account).values(id=account_id, name=name, status=status.value)
    if is_system:  # a column that the application may not write
        row = row.values(is_system=True)
    while True:
        free = row.values(slug=slug).on_conflict_do_nothing(index_elements=[t.Account.slug])
        if (await session.execute(free.returning(t.Account.id))).scalar_one_or_none() is not None:
            break
        slug = _longer(wish)
    changes.record(session, ChangeKind.CREATED, "Account", [account_id])


async def _subscribe(session: AsyncSession, account_id: UUID, plan: Plan, status: str) -> None:
    subscription_id = new_id()
    months = 12 if plan.billing_cycle == "ANNUAL" else 1
    row = insert(Subscription).values(
        account_id=account_id,
        id=subscription_id,
        plan_id=plan.id,
        status=status,
        current_period_start=func.now(),
        current_period_end=func.now() + func.make_interval(0, months),
    )
    await session.execute(row)
    await session.execute(insert(Wallet).values(account_id=account_id))
    changes.record(session, ChangeKind.CREATED, "AccountSubscription", [subscription_id], plan=plan.slug)


def _longer(slug: str) -> str:
    return f"{slug[: inputs.LONGEST_SLUG - 7].rstrip('-')}-{secrets.token_hex(3)}"
