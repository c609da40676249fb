"""Starting to generate ideas: for which clusters, at what price."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth.tables import Sector, SectorStatus, Site, SiteStatus
from igny8.billing import estimates
from igny8.billing.estimates import Estimate
from igny8.billing.prices import Prices
from igny8.credits import OperationType
from igny8.errors import NotAllowedNow, ValidationFailed
from igny8.jobs import Subject, enqueue
from igny8.planner import places
from igny8.planner.idea_job import GenerateIdeas, generate_ideas
from igny8.planner.tables import Cluster, ClusterStatus
from igny8.system import prompts, strategies
from igny8.system.tables import PromptType

PER_CLUSTER: Final = 5
MOST_PER_CLUSTER: Final = 20


async def estimate(
    session: AsyncSession, account_id: UUID, cluster_ids: Sequence[UUID], per_cluster: int | None, prices: Prices
) -> Estimate:
    """What it would cost; clusters have one price, however many ideas they get. Raises ValidationFailed, NotFound."""
    await places.of_rows(session, account_id, Cluster, cluster_ids, ("input", "ids"))
    _number(per_cluster)
    return estimates.ideas(prices, len(cluster_ids))


async def start(
    session: AsyncSession,
    account_id: UUID,
    cluster_ids: Sequence[UUID],
    prices: Prices,
    *,
    per_cluster: int | None = None,
    strategy_id: UUID | None = None,
    prompt_override: str | None = None,
    started_by: UUID | None,
) -> UUID:
    """Start the job; its id.

    Raises ValidationFailed, NotFound, NotAllowedNow (archived, or a place that is not active), InsufficientCredits.
    """
    field = ("input", "clusterIds")
    found = await places.of_rows(session, account_id, Cluster, cluster_ids, field)
    sector_ids = {place.sector_id for place in found.values()}
    wanted = _number(per_cluster)
    if prompt_override is not None:
        await prompts.chosen(session, account_id, PromptType.IDEAS, override=prompt_override)
    if strategy_id is not None:
        await strategies.require_for(session, account_id, strategy_id, PromptType.IDEAS, sector_ids=sector_ids)
    await _refuse_at_rest(session, account_id, cluster_ids)
    arguments = GenerateIdeas(
        site_id=found[cluster_ids[0]].site_id,
        per_cluster=wanted,
        strategy_id=strategy_id,
        prompt_override=prompt_override,
        credits_per_cluster=prices[OperationType.IDEA_GENERATION].of(1),
    )
    return await enqueue(
        session,
        generate_ideas,
        arguments,
        site_id=arguments.site_id,
        items=[Subject("cluster", cluster_id) for cluster_id in cluster_ids],
        credits=estimates.ideas(prices, len(cluster_ids)).credits,
        started_by=started_by,
    )


def _number(per_cluster: int | None) -> int:
    number = PER_CLUSTER if per_cluster is None else per_cluster
    if not 1 <= number <= MOST_PER_CLUSTER:
        raise ValidationFailed(
            f"Each cluster gets 1 to {MOST_PER_CLUSTER} ideas at a time.", field=("input", "perCluster")
        )
    return number


async def _refuse_at_rest(session: AsyncSession, account_id: UUID, cluster_ids: Sequence[UUID]) -> None:
    """Nothing is started for what is in the archive, nor where a site or sector is not active."""
    wanted = (
        select(
            func.bool_or(Cluster.status == ClusterStatus.ARCHIVED.value),
            func.bool_or(or_(Site.status != SiteStatus.ACTIVE.value, Sector.status != SectorStatus.ACTIVE.value)),
        )
        .join(Site, (Site.account_id == Cluster.account_id) & (Site.id == Cluster.site_id))
        .join(Sector, (Sector.account_id == Cluster.account_id) & (Sector.id == Cluster.sector_id))
        .where(Cluster.account_id == account_id, Cluster.id.in_(cluster_ids))
    )
    archived, inactive = (await session.execute(wanted)).one()
    if archived:
        raise NotAllowedNow("A cluster of these is in the archive. Take it out first.", field=("input", "clusterIds"))
    if inactive:
        raise NotAllowedNow("The site or the sector is not active: nothing can be started there.")
