"""Where the rows of one call live: in one site, where things may be started."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth import tables as auth
from igny8.auth.tables import SiteStatus
from igny8.errors import NotAllowedNow, NotFound, ValidationFailed
from igny8.inputs import Field
from igny8.writer.tables import Content, Image

MOST: Final = 1_000


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
    return found[ids[0]]


async def refuse_inactive(session: AsyncSession, account_id: UUID, site_id: UUID) -> None:
    """Raises NotAllowedNow where nothing can be started."""
    wanted = select(auth.Site.status).where(auth.Site.account_id == account_id, auth.Site.id == site_id)
    if (await session.execute(wanted)).scalar_one() != SiteStatus.ACTIVE:
        raise NotAllowedNow("The site is not active: nothing can be started there.")
