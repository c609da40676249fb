"""Where tasks and contents lie, and what they may refer to from there."""

from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth.tables import Sector
from igny8.errors import NotFound
from igny8.system.tables import Strategy

_REFERENCES: Final = {
    "sector_id": ("sector", "sectorId"),
    "cluster_id": ("cluster", "clusterId"),
    "idea_id": ("idea", "ideaId"),
    "task_id": ("task", "taskId"),
}


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
