"""Ideas by hand: made, changed, put away and deleted."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs, limits
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotFound
from igny8.inputs import KEEP, Keep
from igny8.limits import PlanLimit
from igny8.planner import dependants, places, states
from igny8.planner.idea_inputs import IdeaFields
from igny8.planner.places import Place
from igny8.planner.tables import Cluster, Idea, IdeaKeyword, IdeaStatus, Keyword


async def create(
    session: AsyncSession,
    account_id: UUID,
    fields: IdeaFields,
    *,
    sector_id: UUID,
    cluster_id: UUID | None = None,
    keyword_ids: Sequence[UUID] = (),
) -> UUID:
    """A new idea; cluster and keywords are of its sector. Raises ValidationFailed, NotFound, LimitReached."""
    values = fields.checked()
    place = await places.of_sector(session, account_id, sector_id, ("input", "sectorId"))
    values |= await _in_cluster(session, account_id, place, cluster_id)
    await places.all_in(session, account_id, Keyword, keyword_ids, place, ("input", "keywordIds"))
    idea_id = new_id()
    owned = {"account_id": account_id, "site_id": place.site_id, "sector_id": sector_id, "id": idea_id}
    await session.execute(sa.insert(Idea).values(**owned, **values))
    await limits.check(session, account_id, PlanLimit.IDEAS)
    changes.record(session, ChangeKind.CREATED, "ContentIdea", [idea_id], site_id=place.site_id)
    if cluster_id is not None:
        changes.record(session, ChangeKind.UPDATED, "Cluster", [cluster_id], site_id=place.site_id)
    await _link(session, account_id, place, idea_id, keyword_ids)
    return idea_id


async def update(
    session: AsyncSession,
    account_id: UUID,
    idea_id: UUID,
    fields: IdeaFields,
    *,
    cluster_id: UUID | Keep | None = KEEP,
    keyword_ids: Sequence[UUID] | Keep = KEEP,
    status: IdeaStatus | Keep | None = KEEP,
) -> None:
    """Change what is given. Raises ValidationFailed, NotFound, NotAllowedNow (status)."""
    values = fields.checked()
    place = await places.of_row(session, account_id, Idea, idea_id, ("input", "id"))
    moved: list[UUID] = []
    if status is not KEEP:
        wanted = inputs.required(status, ("input", "status"))
        moved = await states.move(session, account_id, Idea, [idea_id], wanted, ("input", "status"))
    if cluster_id is not KEEP:
        values |= await _in_cluster(session, account_id, place, cluster_id)
    if values or keyword_ids is not KEEP:
        mine = sa.and_(Idea.account_id == account_id, Idea.id == idea_id)
        changed = sa.update(Idea).where(mine).values({**values, "updated_at": sa.func.now()}).returning(Idea.id)
        if (await session.execute(changed)).first() is None:
            raise NotFound("No idea with this id.", field=("input", "id"))
    if keyword_ids is not KEEP:
        await places.all_in(session, account_id, Keyword, keyword_ids, place, ("input", "keywordIds"))
        linked = sa.and_(IdeaKeyword.account_id == account_id, IdeaKeyword.idea_id == idea_id)
        await session.execute(sa.delete(IdeaKeyword).where(linked))
        await _link(session, account_id, place, idea_id, keyword_ids)
    if values or moved or keyword_ids is not KEEP:
        changes.record(session, ChangeKind.UPDATED, "ContentIdea", [idea_id], site_id=place.site_id)


async def set_status(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], status: IdeaStatus) -> None:
    """Put ideas of one site into the archive or back. Raises ValidationFailed, NotFound, NotAllowedNow."""
    found = await places.of_rows(session, account_id, Idea, ids, ("ids",))
    moved = await states.move(session, account_id, Idea, ids, status, ("status",))
    if moved:
        changes.record(session, ChangeKind.UPDATED, "ContentIdea", moved, site_id=found[ids[0]].site_id)


async def delete(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], *, force: bool = False) -> None:
    """Delete ideas of one site. With `force` their tasks stay, without them.

    Raises ValidationFailed, NotFound, and Conflict with the count of tasks.
    """
    found = await places.of_rows(session, account_id, Idea, ids, ("ids",))
    locked = sa.select(Idea.id).where(Idea.account_id == account_id, Idea.id.in_(ids)).order_by(Idea.id)
    await session.execute(locked.with_for_update())
    made = await dependants.find(session, account_id, dependants.OF_IDEA, "idea_id", ids)
    if not force:
        dependants.refuse(made, "this idea" if len(ids) == 1 else "these ideas", ("ids",))
    gone = sa.delete(Idea).where(Idea.account_id == account_id, Idea.id.in_(ids)).returning(Idea.id)
    deleted = (await session.execute(gone)).scalars().all()
    site_id = found[ids[0]].site_id
    changes.record(session, ChangeKind.DELETED, "ContentIdea", deleted, site_id=site_id)
    dependants.record(session, made, site_id)


async def _in_cluster(
    session: AsyncSession, account_id: UUID, place: Place, cluster_id: UUID | None
) -> dict[str, UUID | None]:
    """The column that says so. Raises NotFound, ValidationFailed."""
    if cluster_id is not None:
        await places.one_in(session, account_id, Cluster, cluster_id, place, ("input", "clusterId"))
    return {"cluster_id": cluster_id}


async def _link(
    session: AsyncSession, account_id: UUID, place: Place, idea_id: UUID, keyword_ids: Sequence[UUID]
) -> None:
    owned = {"account_id": account_id, "site_id": place.site_id, "idea_id": idea_id}
    if keyword_ids:
        await session.execute(sa.insert(IdeaKeyword), [{**owned, "keyword_id": id_} for id_ in keyword_ids])
