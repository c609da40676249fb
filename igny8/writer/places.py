"""Where rows of the writer lie, what they may refer to from there, and whether things may be started there."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth import tables as auth
from igny8.auth.tables import Sector, SiteStatus
from igny8.errors import NotAllowedNow, NotFound, ValidationFailed
from igny8.inputs import Field
from igny8.system.tables import Strategy
from igny8.writer.tables import Content, Image

MOST: Final = 1_000

_REFERENCES: Final = {
    "sector_id": ("sector", "sectorId"),
    "cluster_id": ("cluster", "clusterId"),
    "idea_id": ("idea", "ideaId"),
    "task_id": ("task", "taskId"),
}


async def one_site(
    session: AsyncSession,
    account_id: UUID,
    table: type[Content] | type[Image],
    ids: Sequence[UUID],
    *,
    noun: str,
    field: Field,
) -> UUID:
    """The site of all these rows. Raises ValidationFailed, NotFound."""
    if not 1 <= len(ids) <= MOST:
        raise ValidationFailed(f"Give 1 to {MOST:,} {noun}s.", field=field)
    mine = (table.account_id == account_id, table.id == func.any(list(ids)))
    rows = await session.execute(select(table.id, table.site_id).where(*mine))
    found: dict[UUID, UUID] = {row.id: row.site_id for row in rows}
    for number, id_ in enumerate(ids):
        if id_ not in found:
            raise NotFound(f"No {noun} with this id.", field=(*field, str(number)))
    if len(set(found.values())) > 1:
        raise ValidationFailed(f"All {noun}s of one call belong to one site.", field=field)
    site_id: UUID = found[ids[0]]
    return site_id


async def refuse_inactive(session: AsyncSession, account_id: UUID, site_id: UUID) -> None:
    """Raises NotAllowedNow where nothing can be started."""
    wanted = select(auth.Site.status).where(auth.Site.account_id == account_id, auth.Site.id == site_id)
    if (await session.execute(wanted)).scalar_one() != SiteStatus.ACTIVE:
        raise NotAllowedNow("The site is not active: nothing can be started there.")


async def site_of_sector(session: AsyncSession, account_id: UUID, sector_id: UUID) -> UUID:
    """Raises NotFound."""
    wanted = select(Sector.site_id).where(Sector.account_id == account_id, Sector.id == sector_id)
    site_id = (await session.execute(wanted)).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No sector with this id.", field=("input", "sectorId"))
    return site_id


def missing(table: str) -> dict[str, NotFound]:
    """What a reference of a task or content to something that is not in its site or account is told as."""
    errors = {
        f"fk_{table}_account_id_site_id_{column}": NotFound(f"No {noun} with this id.", field=("input", public))
        for column, (noun, public) in _REFERENCES.items()
    }
    profile = NotFound("No author profile with this id.", field=("input", "authorProfileId"))
    return {**errors, f"fk_{table}_account_id_author_profile_id": profile}


async def require_strategy(session: AsyncSession, account_id: UUID, strategy_id: UUID, sector_id: UUID) -> None:
    """Raises NotFound for a strategy that is neither of the whole account nor of this sector."""
    wanted = select(Strategy.id).where(
        Strategy.account_id == account_id,
        Strategy.id == strategy_id,
        or_(Strategy.sector_id.is_(None), Strategy.sector_id == sector_id),
    )
    if (await session.execute(wanted)).first() is None:
        raise NotFound("No strategy with this id for this sector.", field=("input", "strategyId"))
