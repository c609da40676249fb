"""Plans: which one an account is on, and what operators offer (`igny8 plan`)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, credits
from igny8.access import Role, Viewer
from igny8.auth import starter
from igny8.auth import tables as t
from igny8.auth.catalog import PlanTemplate
from igny8.auth.tables import AccountStatus
from igny8.billing import grants
from igny8.changes import ChangeKind
from igny8.credits import TransactionType
from igny8.errors import AlreadyExists, LimitReached, NotAllowedNow, NotFound, ValidationFailed
from igny8.inputs import KEEP, Keep
from igny8.limits import LimitUsage, Plan, PlanLimit, Subscription

BillingMode = Literal["none", "manual"]

_NO_PAYMENT: Final = (
    "Payment is not connected yet, so a plan with a price cannot be chosen here. Ask the operator of this server."
)


async def choose(session: AsyncSession, viewer: Viewer, plan_id: UUID, *, billing_mode: BillingMode) -> None:
    """Put the viewer's account on another plan, within its present period.

    The plan's credits are granted once a period, whatever plans follow. The default plan grants none here: its
    credits come once, when an account signs up. Raises NotFound, NotAllowedNow, LimitReached (present use).
    """
    offered = sa.select(Plan).where(Plan.id == plan_id, Plan.is_active)
    plan = (await session.execute(offered)).scalar_one_or_none()
    if plan is None:
        raise NotFound("No plan with this id.", field=("planId",))
    if plan.price > 0 and not (billing_mode == "manual" and viewer.role is Role.DEVELOPER):
        raise NotAllowedNow(_NO_PAYMENT, field=("planId",))
    present = sa.select(Subscription).where(Subscription.account_id == viewer.account_id).with_for_update()
    subscription = (await session.execute(present)).scalar_one()
    if subscription.plan_id == plan.id:
        return
    await _refuse_below_use(session, viewer.account_id, plan)
    subscription.plan_id = plan.id
    if plan.price > 0:
        await _leave_trial(session, viewer.account_id)
    if plan.price > 0 or subscription.status != "TRIALING":
        subscription.status = "ACTIVE"
    if plan.included_credits > 0 and not plan.is_default:
        await credits.grant(
            session,
            viewer.account_id,
            plan.included_credits,
            key=grants.key(subscription),
            transaction_type=TransactionType.SUBSCRIPTION,
            description=f"Credits of the plan {plan.name}",
        )
    changes.record(session, ChangeKind.UPDATED, "AccountSubscription", [subscription.id], plan=plan.slug)
    changes.record(session, ChangeKind.UPDATED, "Account", [viewer.account_id], plan=plan.slug)


async def _refuse_below_use(session: AsyncSession, account_id: UUID, plan: Plan) -> None:
    """Raise LimitReached for the first limit that the account has passed already.

    The counters stay locked, so that a writer who waits for one is checked against the new plan.
    """
    counters = sa.select(LimitUsage).where(LimitUsage.account_id == account_id).order_by(LimitUsage.limit)
    allowed = {entry["limit"]: entry["max"] for entry in plan.limits}
    for counter in (await session.execute(counters.with_for_update())).scalars():
        most = allowed.get(counter.limit)
        if most is not None and counter.used > most:
            raise LimitReached(
                f"The plan {plan.name} allows {most} of {counter.limit}, and this account has {counter.used}."
                " Remove some first.",
                field=("planId",),
                details={"limit": counter.limit, "used": counter.used, "max": most},
            )


async def _leave_trial(session: AsyncSession, account_id: UUID) -> None:
    on_trial = sa.and_(t.Account.id == account_id, t.Account.status == AccountStatus.TRIAL)
    await session.execute(sa.update(t.Account).where(on_trial).values(status=AccountStatus.ACTIVE.value))


async def listed(session: AsyncSession) -> Sequence[Plan]:
    """All plans, those that are no longer offered included; the cheapest first."""
    return (await session.execute(sa.select(Plan).order_by(Plan.price, Plan.slug))).scalars().all()


async def add(session: AsyncSession, plan: PlanTemplate) -> UUID:
    """Offer a new plan; `session` is one of the system role. It becomes the default by `change` alone.

    Raises AlreadyExists.
    """
    if not await starter.add_plan(session, plan.model_copy(update={"is_default": False})):
        raise AlreadyExists(f"There is a plan with the slug {plan.slug} already.", field=("slug",))
    return starter.template_id("plan", plan.slug)


async def change(
    session: AsyncSession,
    slug: str,
    *,
    name: str | Keep = KEEP,
    price: Decimal | Keep = KEEP,
    included_credits: int | Keep = KEEP,
    limits: Mapping[PlanLimit, int | None] | None = None,
    is_active: bool | Keep = KEEP,
    is_default: Literal[True] | Keep = KEEP,
) -> None:
    """Change a plan for all accounts on it; `session` is one of the system role. `limits` names those that change.

    What accounts have above a lowered limit stays; they can add nothing. Raises NotFound, ValidationFailed,
    NotAllowedNow (the default plan must be active).
    """
    plan = (await session.execute(sa.select(Plan).where(Plan.slug == slug).with_for_update())).scalar_one_or_none()
    if plan is None:
        raise NotFound(f"No plan with the slug {slug}.", field=("slug",))
    given = {"name": name, "price": price, "included_credits": included_credits}
    changed = _checked(plan, {column: value for column, value in given.items() if value is not KEEP}, limits or {})
    active = plan.is_active if is_active is KEEP else is_active
    if not active and (plan.is_default or is_default is True):
        raise NotAllowedNow("The default plan must be active. Make another plan the default first.")
    if is_default is True and not plan.is_default:
        await session.execute(sa.update(Plan).where(Plan.is_default).values(is_default=False))
        plan.is_default = True
    plan.name, plan.price, plan.included_credits = changed.name, changed.price, changed.included_credits
    plan.limits = starter.limit_rows(changed)
    plan.is_active = active
    await session.flush()


def _checked(plan: Plan, given: Mapping[str, object], limits: Mapping[PlanLimit, int | None]) -> PlanTemplate:
    """The plan as it would be. Raises ValidationFailed."""
    present = {PlanLimit(entry["limit"]): entry["max"] for entry in plan.limits}
    columns = {name: getattr(plan, name) for name in PlanTemplate.model_fields if name not in ("limits", "features")}
    try:
        return PlanTemplate.model_validate(
            {**columns, **given, "limits": {**present, **limits}, "features": tuple(plan.features)}
        )
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise ValidationFailed(f"{fault['msg']}.", field=tuple(str(part) for part in fault["loc"])) from None
