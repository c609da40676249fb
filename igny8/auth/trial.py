"""The plan that new accounts begin with, and its credits, granted once."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, credits
from igny8.changes import ChangeKind
from igny8.credits import TransactionType
from igny8.limits import Plan
from igny8.settings import Settings

_KEY = "trial"


async def plan_of_new_accounts(session: AsyncSession, settings: Settings) -> Plan | None:
    """The active plan that `sign_up_plan` names, else the default one."""
    named = Plan.slug == settings.sign_up_plan if settings.sign_up_plan else Plan.is_default
    return (await session.execute(select(Plan).where(Plan.is_active, named))).scalar_one_or_none()


async def grant(session: AsyncSession, settings: Settings, account_id: UUID) -> None:
    """Give the account the credits it signed up for, unless it has had them."""
    plan = await plan_of_new_accounts(session, settings)
    if plan is None or plan.included_credits == 0:
        return
    granted = await credits.grant(
        session,
        account_id,
        plan.included_credits,
        key=_KEY,
        transaction_type=TransactionType.SUBSCRIPTION,
        description=f"Credits to begin with ({plan.name})",
    )
    if granted:
        changes.record(session, ChangeKind.UPDATED, "Account", [account_id], credits=plan.included_credits)
