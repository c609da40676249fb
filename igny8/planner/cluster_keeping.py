"""Proposals become clusters: new ones, or existing ones of the same name that grow."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, limits
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.limits import PlanLimit
from igny8.planner import places
from igny8.planner.keyword_rows import folded
from igny8.planner.proposals import Proposal, free_name
from igny8.planner.tables import Cluster, ClusterStatus, Keyword, KeywordCluster


async def keep(
    session: AsyncSession, account_id: UUID, *, site_id: UUID, sector_id: UUID, wanted: Sequence[Proposal]
) -> list[UUID]:
    """Make or extend a cluster for each proposal; the clusters, in the proposals' order.

    Locked and archived clusters are left alone: a proposal of their name gets a number. Keywords that have gone from
    the sector since are left out, and so are new clusters beyond the plan. Raises LimitReached when none fits.
    """
    here = await _clusters_of(session, account_id, sector_id)
    present = await _present(session, account_id, sector_id, wanted)
    room = await limits.room(session, account_id, PlanLimit.CLUSTERS)
    kept: list[UUID] = []
    rows: list[dict[str, object]] = []
    links: list[tuple[UUID, UUID]] = []
    for proposal in wanted:
        members = [keyword for keyword in map(_uuid, proposal.keyword_ids) if keyword in present]
        same = here.get(folded(proposal.name))
        grows = same is not None and same.open
        if not members or (not grows and room is not None and len(rows) >= room):
            continue
        if grows and same is not None:
            cluster_id = same.id
        else:
            cluster_id, name = new_id(), free_name(proposal.name, [cluster.name for cluster in here.values()])
            here[folded(name)] = _Here(cluster_id, name, open=True)
            rows.append({"id": cluster_id, "name": name, "description": proposal.description, "sector_id": sector_id})
        kept.append(cluster_id)
        links += [(keyword, cluster_id) for keyword in members]
    if not kept and room == 0 and wanted:
        await limits.refuse_more(session, account_id, PlanLimit.CLUSTERS)
    place = {"account_id": account_id, "site_id": site_id}
    if rows:
        await session.execute(insert(Cluster), [{**place, **row} for row in rows])
        made = [cluster_id for cluster_id in kept if cluster_id in {row["id"] for row in rows}]
        changes.record(session, ChangeKind.CREATED, "Cluster", made, site_id=site_id)
    if links:
        pairs = [{**place, "keyword_id": keyword, "cluster_id": cluster} for keyword, cluster in sorted(links)]
        await session.execute(insert(KeywordCluster).on_conflict_do_nothing(), pairs)
        touched = sorted({keyword for keyword, _ in links})
        changes.record(session, ChangeKind.UPDATED, "Keyword", touched, site_id=site_id)
    return kept


@dataclass(frozen=True, slots=True)
class _Here:
    id: UUID
    name: str
    open: bool


async def _clusters_of(session: AsyncSession, account_id: UUID, sector_id: UUID) -> dict[str, _Here]:
    """The sector's clusters by their folded names; whoever changes them at once waits here."""
    await places.hold(session, [sector_id])
    wanted = (
        select(Cluster.id, Cluster.name, Cluster.locked, Cluster.status)
        .where(Cluster.account_id == account_id, Cluster.sector_id == sector_id)
        .order_by(Cluster.id)
    )
    return {
        folded(row.name): _Here(row.id, row.name, open=not row.locked and row.status != ClusterStatus.ARCHIVED)
        for row in await session.execute(wanted)
    }


async def _present(
    session: AsyncSession, account_id: UUID, sector_id: UUID, wanted: Sequence[Proposal]
) -> frozenset[UUID]:
    """Which of the proposed keywords are in the sector; they stay there until the transaction ends."""
    given = [_uuid(keyword_id) for proposal in wanted for keyword_id in proposal.keyword_ids]
    rows = await session.execute(
        select(Keyword.id)
        .where(Keyword.account_id == account_id, Keyword.sector_id == sector_id, Keyword.id.in_(given))
        .order_by(Keyword.id)
        .with_for_update(key_share=True, read=True)
    )
    return frozenset(rows.scalars())


def _uuid(keyword_id: str) -> UUID:
    return UUID(hex=keyword_id.removeprefix("key_"))
