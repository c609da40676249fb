"""Which keywords are in which cluster, changed by hand. Counts and sums follow by triggers."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.changes import ChangeKind
from igny8.errors import ValidationFailed
from igny8.inputs import Field
from igny8.jobs import cancel_work_on
from igny8.planner import dependants, places
from igny8.planner.places import Place
from igny8.planner.tables import Cluster, Keyword, KeywordCluster


async def add(session: AsyncSession, account_id: UUID, cluster_id: UUID, keyword_ids: Sequence[UUID]) -> None:
    """Put keywords of its sector into a cluster; those that are in it stay. Raises ValidationFailed, NotFound."""
    place = await _held_with(session, account_id, cluster_id, keyword_ids)
    await link(session, account_id, place, cluster_id, keyword_ids)


async def remove(session: AsyncSession, account_id: UUID, cluster_id: UUID, keyword_ids: Sequence[UUID]) -> None:
    """Take keywords out of a cluster; those that are not in it do not matter. Raises ValidationFailed, NotFound."""
    place = await _held_with(session, account_id, cluster_id, keyword_ids)
    mine = (KeywordCluster.account_id == account_id, KeywordCluster.cluster_id == cluster_id)
    gone = sa.delete(KeywordCluster).where(*mine, KeywordCluster.keyword_id.in_(keyword_ids))
    taken = (await session.execute(gone.returning(KeywordCluster.keyword_id))).scalars().all()
    _record_both(session, cluster_id, taken, place.site_id)


async def merge(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], into: UUID) -> None:
    """Let one cluster take over the keywords of others, and what was made of them; then those are deleted.

    All are of one sector. Work on those that go is cancelled. Raises ValidationFailed, NotFound.
    """
    sources = [id_ for id_ in ids if id_ != into]
    if not sources:
        raise ValidationFailed("Name at least one cluster besides the one that stays.", field=("ids",))
    place = await _held(session, account_id, into, ("into",))
    await places.all_in(session, account_id, Cluster, sources, place, ("ids",))
    keywords = await lock(session, account_id, [*sources, into])
    made = await dependants.find(session, account_id, dependants.OF_CLUSTER, "cluster_id", sources)
    moved = await _kept_by(session, account_id, sources)
    await link(session, account_id, place, into, moved)
    await dependants.give(session, account_id, made, "cluster_id", into)
    await cancel_work_on(session, sources)
    await session.execute(sa.delete(Cluster).where(Cluster.account_id == account_id, Cluster.id.in_(sources)))
    changes.record(session, ChangeKind.DELETED, "Cluster", sources, site_id=place.site_id)
    record(session, sorted(set(keywords) & set(moved)), place.site_id)
    dependants.record(session, made, place.site_id)


async def link(
    session: AsyncSession, account_id: UUID, place: Place, cluster_id: UUID, keyword_ids: Sequence[UUID]
) -> None:
    """Put keywords into a cluster of their sector, and log what changed; twice is once."""
    if not keyword_ids:
        return
    owned = {"account_id": account_id, "site_id": place.site_id, "cluster_id": cluster_id}
    rows = [{**owned, "keyword_id": keyword_id} for keyword_id in sorted(keyword_ids)]
    made = insert(KeywordCluster).values(rows).on_conflict_do_nothing().returning(KeywordCluster.keyword_id)
    _record_both(session, cluster_id, (await session.execute(made)).scalars().all(), place.site_id)


async def lock(session: AsyncSession, account_id: UUID, cluster_ids: Sequence[UUID]) -> list[UUID]:
    """Lock clusters and all that is in them, in the order in which everybody does; the keywords."""
    linked = sa.select(KeywordCluster.keyword_id).where(
        KeywordCluster.account_id == account_id, KeywordCluster.cluster_id.in_(cluster_ids)
    )
    inside = sa.select(Keyword.id).where(Keyword.account_id == account_id, Keyword.id.in_(linked))
    found = await session.execute(inside.order_by(Keyword.id).with_for_update(key_share=True))
    clusters = sa.select(Cluster.id).where(Cluster.account_id == account_id, Cluster.id.in_(cluster_ids))
    await session.execute(clusters.order_by(Cluster.id).with_for_update())
    return list(found.scalars())


def record(session: AsyncSession, keyword_ids: Sequence[UUID], site_id: UUID) -> None:
    """Log that keywords changed, because their clusters did."""
    if keyword_ids:
        changes.record(session, ChangeKind.UPDATED, "Keyword", keyword_ids, site_id=site_id)


async def _held(session: AsyncSession, account_id: UUID, cluster_id: UUID, field: Field) -> Place:
    """Where the cluster is; nobody else changes clusters there for now. Raises NotFound."""
    place = await places.of_row(session, account_id, Cluster, cluster_id, field)
    await places.hold(session, [place.sector_id])
    return await places.of_row(session, account_id, Cluster, cluster_id, field)  # it may have gone while we waited


async def _held_with(session: AsyncSession, account_id: UUID, cluster_id: UUID, keyword_ids: Sequence[UUID]) -> Place:
    """The same, and all of these keywords are there, too."""
    if not keyword_ids:
        raise ValidationFailed(f"Give 1 to {places.MOST_IDS:,} keywords.", field=("keywordIds",))
    place = await _held(session, account_id, cluster_id, ("clusterId",))
    await places.all_in(session, account_id, Keyword, keyword_ids, place, ("keywordIds",))
    return place


async def _kept_by(session: AsyncSession, account_id: UUID, cluster_ids: Sequence[UUID]) -> list[UUID]:
    links = sa.select(KeywordCluster.keyword_id).where(
        KeywordCluster.account_id == account_id, KeywordCluster.cluster_id.in_(cluster_ids)
    )
    return list((await session.execute(links.distinct())).scalars())


def _record_both(session: AsyncSession, cluster_id: UUID, keyword_ids: Sequence[UUID], site_id: UUID) -> None:
    if keyword_ids:
        changes.record(session, ChangeKind.UPDATED, "Cluster", [cluster_id], site_id=site_id)
        record(session, keyword_ids, site_id)
