"""Proposed ideas become rows: those that do not repeat what is there, as many as the plan has room for."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, limits
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotFound
from igny8.limits import PlanLimit
from igny8.planner.idea_answers import Usable
from igny8.planner.keyword_rows import folded
from igny8.planner.places import Place
from igny8.planner.tables import Cluster, Idea, IdeaKeyword, Keyword, KeywordCluster
from igny8.planner.titles import Titles


async def without_near_duplicates(
    session: AsyncSession, account_id: UUID, place: Place, found: Sequence[Usable]
) -> list[Usable]:
    """Those whose titles say something that no idea of the sector says, nor one before them.

    Runs in one sector wait for each other here until their transactions end.
    """
    key = func.hashtextextended(f"ideas of sector {place.sector_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    there = select(Idea.title).where(Idea.account_id == account_id, Idea.sector_id == place.sector_id)
    titles = Titles((await session.execute(there)).scalars())
    new: list[Usable] = []
    for idea in found:
        if not titles.near(idea.title):
            titles.add(idea.title)
            new.append(idea)
    return new


async def keep(
    session: AsyncSession, account_id: UUID, place: Place, cluster_id: UUID, ideas: Sequence[Usable]
) -> list[UUID]:
    """Make ideas of a cluster, as many as the plan allows; each is meant for its target keyword if that is there.

    Raises NotFound when the cluster has gone, LimitReached when there is room for none.
    """
    if not ideas:
        return []
    mine = select(Cluster.id).where(Cluster.account_id == account_id, Cluster.id == cluster_id)
    if (await session.execute(mine.with_for_update(read=True, key_share=True))).first() is None:
        raise NotFound("The cluster is not there any more.")
    room = await limits.room(session, account_id, PlanLimit.IDEAS)
    if room == 0:
        await limits.refuse_more(session, account_id, PlanLimit.IDEAS)
    rows = [_row(account_id, place, cluster_id, idea) for idea in ideas[:room]]
    await session.execute(insert(Idea), rows)
    made: list[UUID] = [row["id"] for row in rows]
    changes.record(session, ChangeKind.CREATED, "ContentIdea", made, site_id=place.site_id)
    changes.record(session, ChangeKind.UPDATED, "Cluster", [cluster_id], site_id=place.site_id)
    await _link(session, account_id, place, cluster_id, rows)
    return made


def _row(account_id: UUID, place: Place, cluster_id: UUID, idea: Usable) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "site_id": place.site_id,
        "sector_id": place.sector_id,
        "id": new_id(),
        "cluster_id": cluster_id,
        "title": idea.title,
        "description": idea.description,
        "target_keyword": idea.target_keyword,
        "content_type": idea.content_type.value,
        "content_structure": idea.content_structure.value,
        "estimated_word_count": idea.estimated_word_count,
        "outline": idea.outline,
    }


async def _link(
    session: AsyncSession, account_id: UUID, place: Place, cluster_id: UUID, rows: Sequence[dict[str, Any]]
) -> None:
    """Connect the ideas with their target keywords, as far as these are in the cluster."""
    wanted = {folded(row["target_keyword"]) for row in rows if row["target_keyword"]}
    linked = (KeywordCluster.account_id == Keyword.account_id) & (KeywordCluster.keyword_id == Keyword.id)
    inside = (
        select(Keyword.keyword_key, Keyword.id)
        .join(KeywordCluster, linked)
        .where(KeywordCluster.account_id == account_id, KeywordCluster.cluster_id == cluster_id)
        .where(Keyword.keyword_key.in_(wanted))
        .order_by(Keyword.id)
        .with_for_update(read=True, key_share=True, of=Keyword)
    )
    keywords: dict[str, UUID] = {row.keyword_key: row.id for row in await session.execute(inside)}
    owned = {"account_id": account_id, "site_id": place.site_id}
    pairs = [
        {**owned, "idea_id": row["id"], "keyword_id": keywords[key]}
        for row in rows
        if (key := folded(row["target_keyword"] or "")) in keywords
    ]
    if pairs:
        await session.execute(insert(IdeaKeyword), pairs)
