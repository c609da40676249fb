"""Where the rows of a call lie: all of them are there, and in one site or sector."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth.tables import Sector
from igny8.errors import NotFound, ValidationFailed
from igny8.inputs import Field
from igny8.planner.tables import Cluster, Idea, Keyword, SectorOwned

#: Rows that one call may name.
MOST_IDS: Final = 1_000
_NOUNS: Final[Mapping[type[SectorOwned], str]] = {Keyword: "keyword", Cluster: "cluster", Idea: "idea"}


@dataclass(frozen=True, slots=True)
class Place:
    """A sector and its site."""

    site_id: UUID
    sector_id: UUID


async def of_sector(session: AsyncSession, account_id: UUID, sector_id: UUID, field: Field) -> Place:
    """Raises NotFound."""
    wanted = select(Sector.site_id).where(Sector.account_id == account_id, Sector.id == sector_id)
    site_id = (await session.execute(wanted)).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No sector with this id.", field=field)
    return Place(site_id, sector_id)


async def of_row(
    session: AsyncSession, account_id: UUID, table: type[SectorOwned], row_id: UUID, field: Field
) -> Place:
    """Raises NotFound."""
    wanted = select(table.site_id, table.sector_id).where(table.account_id == account_id, table.id == row_id)
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        raise NotFound(f"No {_NOUNS[table]} with this id.", field=field)
    return Place(*found)


async def of_rows(
    session: AsyncSession, account_id: UUID, table: type[SectorOwned], ids: Sequence[UUID], field: Field
) -> dict[UUID, Place]:
    """Where each row lies; all are in one site. Raises ValidationFailed, NotFound (the first that is not there)."""
    noun = _NOUNS[table]
    if not 1 <= len(ids) <= MOST_IDS:
        raise ValidationFailed(f"Give 1 to {MOST_IDS:,} {noun}s.", field=field)
    wanted = select(table.id, table.site_id, table.sector_id)
    rows = await session.execute(wanted.where(table.account_id == account_id, table.id.in_(ids)))
    found = {row.id: Place(row.site_id, row.sector_id) for row in rows}
    for number, id_ in enumerate(ids):
        if id_ not in found:
            raise NotFound(f"No {noun} with this id.", field=(*field, str(number)))
    if len({place.site_id for place in found.values()}) > 1:
        raise ValidationFailed(f"All {noun}s of one call belong to one site.", field=field)
    return {id_: found[id_] for id_ in ids}


async def all_in(
    session: AsyncSession,
    account_id: UUID,
    table: type[SectorOwned],
    ids: Sequence[UUID],
    place: Place,
    field: Field,
) -> None:
    """That the rows are there and in this sector, where they stay until the transaction ends; none is fine.

    Raises ValidationFailed, NotFound.
    """
    if not ids:
        return
    kept = select(table.id).where(table.account_id == account_id, table.id.in_(ids)).order_by(table.id)
    await session.execute(kept.with_for_update(read=True, key_share=True))
    found = await of_rows(session, account_id, table, ids, field)
    for number, id_ in enumerate(ids):
        if found[id_] != place:
            raise ValidationFailed(f"This {_NOUNS[table]} belongs to another sector.", field=(*field, str(number)))


async def one_in(
    session: AsyncSession, account_id: UUID, table: type[SectorOwned], row_id: UUID, place: Place, field: Field
) -> None:
    """The same of one row. Raises ValidationFailed, NotFound."""
    kept = select(table.id).where(table.account_id == account_id, table.id == row_id)
    await session.execute(kept.with_for_update(read=True, key_share=True))
    if await of_row(session, account_id, table, row_id, field) != place:
        raise ValidationFailed(f"This {_NOUNS[table]} belongs to another sector.", field=field)


async def hold(session: AsyncSession, sector_ids: Collection[UUID]) -> None:
    """Wait until nobody else changes which keywords and clusters of these sectors belong together, and keep it so.

    Until the transaction ends. Whoever makes, fills, merges or deletes clusters calls this first, so that they never
    wait for each other in a circle.
    """
    for sector_id in sorted(sector_ids):
        key = func.hashtextextended(f"clusters of sector {sector_id}", 0)
        await session.execute(select(func.pg_advisory_xact_lock(key)))
