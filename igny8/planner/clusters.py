"""Clusters by hand: made, changed, put away and deleted."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs, limits
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import AlreadyExists, DomainError, NotFound
from igny8.inputs import KEEP, Check, Keep
from igny8.jobs import cancel_work_on
from igny8.limits import PlanLimit
from igny8.planner import dependants, membership, places, states
from igny8.planner.tables import Cluster, ClusterStatus, Keyword

_CHECKS: Final[dict[str, Check]] = {"name": inputs.name, "description": inputs.text}


async def create(
    session: AsyncSession,
    account_id: UUID,
    *,
    sector_id: UUID,
    name: str,
    description: str | None = None,
    keyword_ids: Sequence[UUID] = (),
) -> UUID:
    """A new cluster of these keywords. Raises ValidationFailed, NotFound, AlreadyExists (name), LimitReached."""
    values = inputs.checked(_CHECKS, {"name": name, "description": description})
    place = await places.of_sector(session, account_id, sector_id, ("input", "sectorId"))
    await places.hold(session, [sector_id])
    await places.all_in(session, account_id, Keyword, keyword_ids, place, ("input", "keywordIds"))
    cluster_id = new_id()
    owned = {"account_id": account_id, "site_id": place.site_id, "sector_id": sector_id, "id": cluster_id}
    async with constraints.told(session, _refusals(values)):
        await session.execute(sa.insert(Cluster).values(**owned, **values))
    await limits.check(session, account_id, PlanLimit.CLUSTERS)
    changes.record(session, ChangeKind.CREATED, "Cluster", [cluster_id], site_id=place.site_id)
    await membership.link(session, account_id, place, cluster_id, keyword_ids)
    return cluster_id


async def update(
    session: AsyncSession,
    account_id: UUID,
    cluster_id: UUID,
    *,
    name: str | Keep | None = KEEP,
    description: str | Keep | None = KEEP,
    status: ClusterStatus | Keep | None = KEEP,
    locked: bool | Keep | None = KEEP,
) -> None:
    """Change what is given. Raises ValidationFailed, NotFound, AlreadyExists (name), NotAllowedNow (status)."""
    values = inputs.checked(_CHECKS, {"name": name, "description": description})
    if locked is not KEEP:
        values["locked"] = inputs.required(locked, ("input", "locked"))
    place = await places.of_row(session, account_id, Cluster, cluster_id, ("input", "id"))
    moved: list[UUID] = []
    if status is not KEEP:
        wanted = inputs.required(status, ("input", "status"))
        moved = await states.move(session, account_id, Cluster, [cluster_id], wanted, ("input", "status"))
    if values:
        changed = sa.update(Cluster).where(Cluster.account_id == account_id, Cluster.id == cluster_id).values(values)
        async with constraints.told(session, _refusals(values)):
            if (await session.execute(changed.returning(Cluster.id))).first() is None:
                raise NotFound("No cluster with this id.", field=("input", "id"))
    if values or moved:
        changes.record(session, ChangeKind.UPDATED, "Cluster", [cluster_id], site_id=place.site_id)


async def set_status(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], status: ClusterStatus) -> None:
    """Put clusters of one site into the archive or back. Raises ValidationFailed, NotFound, NotAllowedNow."""
    found = await places.of_rows(session, account_id, Cluster, ids, ("ids",))
    moved = await states.move(session, account_id, Cluster, ids, status, ("status",))
    if moved:
        site_id = found[ids[0]].site_id
        changes.record(session, ChangeKind.UPDATED, "Cluster", moved, site_id=site_id)


async def delete(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], *, force: bool = False) -> None:
    """Delete clusters of one site; their keywords stay. With `force` what was made of them stays, too, without them.

    Work on them is cancelled. Raises ValidationFailed, NotFound, and Conflict with the counts of what was made.
    """
    found = await places.of_rows(session, account_id, Cluster, ids, ("ids",))
    await places.hold(session, {place.sector_id for place in found.values()})
    await places.of_rows(session, account_id, Cluster, ids, ("ids",))  # some may have gone while we waited
    keywords = await membership.lock(session, account_id, ids)
    made = await dependants.find(session, account_id, dependants.OF_CLUSTER, "cluster_id", ids)
    if not force:
        dependants.refuse(made, "this cluster" if len(ids) == 1 else "these clusters", ("ids",))
    await cancel_work_on(session, ids)
    await session.execute(sa.delete(Cluster).where(Cluster.account_id == account_id, Cluster.id.in_(ids)))
    site_id = found[ids[0]].site_id
    changes.record(session, ChangeKind.DELETED, "Cluster", ids, site_id=site_id)
    membership.record(session, keywords, site_id)
    dependants.record(session, made, site_id)


def _refusals(values: Mapping[str, object]) -> dict[str, DomainError]:
    return {
        "uq_cluster_name": AlreadyExists(
            f"Another cluster of this sector is called {values.get('name')}. Choose another name.",
            field=("input", "name"),
        )
    }
