"""Plans, subscriptions, limits and the credit balance in the schema, and what they add to an account."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, Integer, case, column, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from strawberry import ID

from igny8 import limits as t
from igny8.access import Audience, Permission
from igny8.auth.graphql.types import Account
from igny8.auth.tables import Sector, SectorStatus
from igny8.billing import plans
from igny8.credits import Wallet
from igny8.gql import ids
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.gql.read.conditions import select_from
from igny8.gql.read.declare import Node, one, root_list, rows, sql
from igny8.limits import LimitUsage as Usage
from igny8.limits import PlanLimit

strawberry.enum(PlanLimit)


@strawberry.enum
class BillingCycle(StrEnum):
    MONTHLY = "MONTHLY"
    ANNUAL = "ANNUAL"


@strawberry.enum
class SubscriptionStatus(StrEnum):
    TRIALING = "TRIALING"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    CANCELLED = "CANCELLED"


@strawberry.type(description="How much of a thing a plan allows; null is unlimited.")
class PlanLimitValue:
    limit: PlanLimit
    max: int | None


@strawberry.type(description="How much of a thing the account has, and what its plan allows; null is unlimited.")
class LimitUsage:
    limit: PlanLimit
    used: int
    max: int | None


@rows(t.Plan, prefix="pln", need=Audience.PUBLIC)
class Plan(Node):
    """What an account can be on."""

    name: str
    slug: str
    price: Decimal
    currency: str
    billing_cycle: BillingCycle
    included_credits: int
    limits: list[PlanLimitValue]
    features: list[str]
    is_active: bool
    is_default: bool


@rows(t.Subscription, prefix="sub", need=Permission.CONTENT_READ)
class AccountSubscription(Node):
    """The plan an account is on, and its period."""

    plan: Plan = one()
    status: SubscriptionStatus
    current_period_start: datetime
    current_period_end: datetime
    cancel_at_period_end: bool


def _plan_of(account: Any, plan: Any) -> ColumnElement[bool]:
    subscribed = select_from(t.Subscription, t.Subscription.plan_id).where(t.Subscription.account_id == account.id)
    return plan.id == subscribed.scalar_subquery()  # type: ignore[no-any-return]  # a condition


def _usage(account: Any) -> ColumnElement[Any]:
    """`[{"limit", "used", "max"}]` for every limit of the plan, in the plan's order."""
    entry = (
        func.jsonb_array_elements(t.Plan.limits)
        .table_valued(column("value", JSONB), with_ordinality="at", name="entry")
        .render_derived()
    )
    name = entry.c.value.op("->>")(literal_column("'limit'"))
    counted = (
        select_from(Usage, Usage.used).where(Usage.account_id == account.id, Usage.limit == name).scalar_subquery()
    )
    per_site = (
        select_from(Sector, func.count().label("sectors"))
        .where(Sector.account_id == account.id, Sector.status == SectorStatus.ACTIVE.value)
        .group_by(Sector.site_id)
        .subquery()
    )
    busiest = select(func.max(per_site.c.sectors)).scalar_subquery()
    used = func.coalesce(
        case((name == literal_column("'SECTORS_PER_SITE'"), busiest), else_=counted), literal_column("0", Integer)
    )
    item = func.jsonb_build_object(
        literal_column("'limit'"), name, literal_column("'used'"), used,
        literal_column("'max'"), entry.c.value.op("->")(literal_column("'max'")),
    )  # fmt: skip
    listed = select(func.jsonb_agg(aggregate_order_by(item, entry.c.at)))
    plans = listed.select_from(t.Plan).join(t.Subscription, t.Subscription.plan_id == t.Plan.id).join(entry, true())
    mine = plans.where(t.Subscription.account_id == account.id)
    return mine.correlate_except(t.Plan, t.Subscription, entry).scalar_subquery()


def _credits(expression: ColumnElement[Any]) -> Any:
    def read(account: Any) -> ColumnElement[Any]:
        # Named, because SQLAlchemy gives one name to one expression however often it is read.
        return (
            select_from(Wallet, expression.label("credits")).where(Wallet.account_id == account.id).scalar_subquery()
        )

    return sql(read, need=Permission.BILLING_READ)


@strawberry.type
class AccountBilling:
    """What this domain adds to `Account`."""

    plan: Plan = one(_plan_of)
    subscription: AccountSubscription = one(lambda account, subscription: subscription.account_id == account.id)
    credits_available: int | None = _credits(Wallet.balance - Wallet.held)
    credits_held: int | None = _credits(Wallet.held.expression)
    credits_balance: int | None = _credits(Wallet.balance.expression)
    limits: list[LimitUsage] | None = sql(_usage, need=Permission.BILLING_READ)


@strawberry.type
class BillingQuery:
    plans: list[Plan] = root_list(
        need=Audience.PUBLIC,
        anywhere=True,
        most=100,
        where=lambda plan: plan.is_active,
        default=(("PRICE", lambda plan: plan.price, False),),
        description="The plans on offer, cheapest first.",
    )


@strawberry.type
class ChangePlanPayload(MutationPayload):
    account: Account | None = None


@strawberry.type
class BillingMutation:
    @mutation(
        need=Permission.BILLING_MANAGE,
        description="Put the account on another plan. Refused below present use, and for priced plans until payment"
        " is connected.",
    )
    async def change_plan(self, info: Info, plan_id: ID) -> ChangePlanPayload:
        chosen = ids.given("pln", plan_id, "planId")
        async with info.context.writing() as write:
            mode = info.context.services.settings.billing_mode
            await plans.choose(write.session, write.viewer, chosen, billing_mode=mode)
            return write.answered(ChangePlanPayload(account=row(write.viewer.account_id)))
