"""Estimates of credits in the schema."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.billing import prices
from igny8.billing.estimates import Estimate
from igny8.billing.prices import Prices
from igny8.credits import Wallet
from igny8.errors import BadRequest
from igny8.gql import ids
from igny8.gql.arguments import optional
from igny8.gql.context import Info
from igny8.gql.mutations import query
from igny8.gql.read.declarations import Gate
from igny8.jobs import JobKind
from igny8.planner import clustering, idea_generation
from igny8.planner.clustering import Wanted
from igny8.planner.clustering_job import ClusteringMethod
from igny8.writer import writing

_GATE: Final = Gate(Permission.CONTENT_WRITE)


@strawberry.input(description="The job to be, as the mutation that starts it would say it.")
class EstimateInput:
    kind: JobKind
    ids: list[ID] | None = strawberry.field(default=UNSET, description="What the job is to work on.")
    sector_id: ID | None = strawberry.field(default=UNSET, description="All that there is to do in a sector.")
    per_cluster: int | None = strawberry.field(
        default=UNSET, description="Ideas for each cluster; their number does not change the price."
    )
    word_count: int | None = strawberry.field(
        default=UNSET, description="Words of each text, in place of what the tasks ask for."
    )
    method: ClusteringMethod | None = strawberry.field(default=UNSET, description="AI unless it is said.")


@strawberry.type(description="What a job would cost.")
class CreditEstimate:
    credits: int = strawberry.field(description="Held when the job starts; it never costs more.")
    min_credits: int = strawberry.field(description="Charged when everything turns out as asked.")
    available: int | None = strawberry.field(description="Null for those who may not see the balance.")
    sufficient: bool
    items: int


async def _clustering(session: AsyncSession, account_id: UUID, input: EstimateInput, costs: Prices) -> Estimate:
    texts, sector_id = optional(input.ids), optional(input.sector_id)
    wanted = Wanted(
        [_given("key", text, "ids") for text in texts] if texts is not None else None,
        _given("sec", sector_id, "sectorId") if sector_id is not None else None,
        optional(input.method) or ClusteringMethod.AI,
    )
    return await clustering.estimate(session, account_id, wanted, costs)


async def _ideas(session: AsyncSession, account_id: UUID, input: EstimateInput, costs: Prices) -> Estimate:
    clusters = list(dict.fromkeys(_given("clu", text, "ids") for text in optional(input.ids) or ()))
    return await idea_generation.estimate(session, account_id, clusters, optional(input.per_cluster), costs)


async def _writing(session: AsyncSession, account_id: UUID, input: EstimateInput, costs: Prices) -> Estimate:
    task_ids = list(dict.fromkeys(_given("tsk", text, "ids") for text in optional(input.ids) or ()))
    return await writing.estimate(session, account_id, task_ids, costs, words=optional(input.word_count))


def _given(kind: str, text: str, argument: str) -> UUID:
    try:
        return ids.parse(kind, text)
    except ids.WrongId as error:
        raise BadRequest(f"'{argument}': {error}.") from None


_BY_KIND: Final[Mapping[JobKind, Callable[[AsyncSession, UUID, EstimateInput, Prices], Awaitable[Estimate]]]] = {
    JobKind.CLUSTER_KEYWORDS: _clustering,
    JobKind.GENERATE_IDEAS: _ideas,
    JobKind.GENERATE_CONTENT: _writing,
}


@strawberry.type
class EstimatingQuery:
    @query(_GATE, description="What a job would cost, and whether there are credits for it. Nothing is held.")
    async def estimate_credits(self, info: Info, input: EstimateInput) -> CreditEstimate:
        async with info.context.reading(_GATE) as read:
            if (estimate := _BY_KIND.get(input.kind)) is None:
                known = ", ".join(kind.value for kind in _BY_KIND)
                raise BadRequest(f"There is no estimate of {input.kind.value}; there is one of: {known}.")
            account_id = read.viewer.account_id
            costs = await prices.current(read.session, info.context.services.settings)
            found = await estimate(read.session, account_id, input, costs)
            left = select(Wallet.balance - Wallet.held).where(Wallet.account_id == account_id)
            available = (await read.session.execute(left)).scalar_one()
            return CreditEstimate(
                credits=found.credits,
                min_credits=found.least,
                available=available if read.viewer.may(Permission.BILLING_READ) else None,
                sufficient=found.credits <= available,
                items=found.items,
            )
