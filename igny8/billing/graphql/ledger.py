"""Transactions, usage and prices of credits in the schema, and what operators do to a balance."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, Text, Uuid, cast, literal_column
from strawberry import ID, UNSET

from igny8 import credits as t
from igny8.access import Audience, Permission
from igny8.auth.graphql.types import Account, Site, User
from igny8.billing import adjusting, prices, usage
from igny8.billing.tables import CreditUnit
from igny8.credits import OperationType, TransactionType
from igny8.gql import ids
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation, query
from igny8.gql.payloads import MutationPayload, row
from igny8.gql.read.conditions import equal, id_setting
from igny8.gql.read.declarations import Gate, Reference
from igny8.gql.read.declare import Connection, Node, one, root_document, roots, rows, sql
from igny8.gql.scalars import DateTimeFilter

for _enum in (TransactionType, OperationType, CreditUnit):
    strawberry.enum(_enum)

READ = Permission.BILLING_READ

NEWEST = (("NUMBER", lambda entry: entry.number, True),)


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class CreditTransactionFilter:
    transaction_type: list[TransactionType] | None = UNSET
    created_at: DateTimeFilter | None = UNSET


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class CreditUsageFilter:
    operation_type: list[OperationType] | None = UNSET
    site_id: Annotated[ID | None, Reference("sit", "site_id")] = UNSET
    created_at: DateTimeFilter | None = UNSET


@rows(t.CreditEntry, prefix="ctr", need=READ)
class CreditTransaction(Node):
    """One change of an account's balance."""

    transaction_type: TransactionType
    amount: int = sql(lambda entry: entry.amount, never_null=True, description="Below zero when credits were spent.")
    balance_after: int = sql(lambda entry: entry.balance_after, never_null=True)
    description: str
    job: Job | None = one(description="Null when it is not there any more.")
    user: User | None = one(description="Null for what the server or an operator did, and for users who are gone.")
    created_at: datetime


@rows(t.CreditUsage, prefix="cus", need=READ)
class CreditUsageLog(Node):
    """One operation: what it was charged, and what it cost whoever owns the provider's key."""

    operation_type: OperationType
    credits_used: int
    cost_usd: Decimal | None = strawberry.field(description="Null when the price of the model is not known.")
    provider: str | None
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    job: Job | None = one(description="Null when it is not there any more.")
    site: Site | None = one(description="Null when the site is gone.")
    user: User | None = one(description="Null when the user is gone.")
    created_at: datetime


@strawberry.type(description="What an operation costs; a started hundred (or two hundred) of words counts as whole.")
class CreditCost:
    operation_type: OperationType
    credits: int
    unit: CreditUnit


@strawberry.type
class UsageByOperation:
    operation_type: OperationType
    credits_used: int
    cost_usd: Decimal
    count: int


@strawberry.type(description="A day of UTC on which there was any usage.")
class UsageByDay:
    day: date
    credits_used: int
    cost_usd: Decimal


def _site_of(spent: Any, site: Any) -> ColumnElement[bool]:
    return equal(site.id, cast(spent["siteId"].op("#>>", return_type=Text())(literal_column("'{}'")), Uuid()))


@strawberry.type
class UsageBySite:
    site: Site = one(_site_of)
    credits_used: int
    cost_usd: Decimal


@strawberry.type(description="What credits were spent on, from `from` on, up to but without `to`.")
class UsageSummary:
    from_: datetime = strawberry.field(name="from")
    to: datetime
    credits_used: int
    cost_usd: Decimal
    cost_incomplete: bool = strawberry.field(description="Whether some of it used models whose price is not known.")
    by_operation: list[UsageByOperation]
    by_day: list[UsageByDay]
    by_site: list[UsageBySite] = strawberry.field(
        description="Sites that are gone, and work without a site, left out."
    )


def _summary(from_: Annotated[datetime, strawberry.argument(name="from")], to: datetime) -> ColumnElement[Any]:
    return usage.summary(id_setting("account_id"), from_, to)  # type: ignore[arg-type]  # bound by the compiler


@strawberry.type
class LedgerQuery:
    credit_transactions: Connection[CreditTransaction] = roots(
        need=READ, filter=CreditTransactionFilter, default=NEWEST, description="Every change of the balance."
    )
    credit_usage_logs: Connection[CreditUsageLog] = roots(
        need=READ, filter=CreditUsageFilter, description="Every operation that credits were spent on."
    )
    usage_summary: UsageSummary = root_document(
        _summary, need=READ, check=usage.check, description="Sums over at most 366 days."
    )

    @query(Gate(Audience.SIGNED_IN, anywhere=True), description="What every operation costs in credits.")
    async def credit_costs(self, info: Info) -> list[CreditCost]:
        async with info.context.reading(Gate(Audience.SIGNED_IN, anywhere=True)) as read:
            current = await prices.current(read.session, info.context.services.settings)
        return [
            CreditCost(operation_type=operation, credits=price.credits, unit=price.unit)
            for operation, price in current.items()
        ]


@strawberry.type
class AdjustCreditsPayload(MutationPayload):
    transaction: CreditTransaction | None = None
    account: Account | None = None


@strawberry.type
class LedgerMutation:
    @mutation(
        need=Permission.SYSTEM_ADMIN,
        anywhere=True,
        description="Add credits to an account, or with an ADJUSTMENT below zero take some that are not held.",
    )
    async def adjust_credits(
        self, info: Info, account_id: ID, amount: int, transaction_type: TransactionType, description: str
    ) -> AdjustCreditsPayload:
        target = ids.given("acc", account_id, "accountId")
        async with info.context.writing(in_account=target) as write:
            entry_id = await adjusting.adjust(
                write.session,
                target,
                amount,
                transaction_type=transaction_type,
                description=description,
                user_id=write.viewer.user_id,
            )
            return write.answered(AdjustCreditsPayload(transaction=row(entry_id), account=row(target)))
