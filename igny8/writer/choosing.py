"""Rows that a call names by their ids: all there, and all of one site."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.errors import NotFound, ValidationFailed
from igny8.inputs import Field
from igny8.writer.tables import Content, Task

#: Ids of one call.
MOST_IDS: Final = 1_000

_NOUNS: Final = {Task: "task", Content: "content"}


async def site_of(
    session: AsyncSession,
    account_id: UUID,
    table: type[Task] | type[Content],
    ids: Sequence[UUID],
    field: Field,
    *,
    most: int = MOST_IDS,
) -> UUID:
    """The one site of these rows.

    Raises ValidationFailed (none, too many, of several sites) and NotFound, which names the first that is missing.
    """
    noun = _NOUNS[table]
    if not 1 <= len(ids) <= most:
        raise ValidationFailed(f"Give 1 to {most:,} ids of {noun}s.", field=field)
    wanted = select(table.id, table.site_id).where(table.account_id == account_id, table.id.in_(ids))
    found: dict[UUID, UUID] = {row.id: row.site_id for row in await session.execute(wanted)}
    for number, id_ in enumerate(ids):
        if id_ not in found:
            raise NotFound(f"No {noun} with this id.", field=(*field, str(number)))
    sites = set(found.values())
    if len(sites) > 1:
        raise ValidationFailed(f"All {noun}s of one call belong to one site.", field=field)
    return sites.pop()


async def hold(
    session: AsyncSession, account_id: UUID, table: type[Task] | type[Content], ids: Sequence[UUID]
) -> None:
    """Let nobody else change these rows, or refer to them, until the transaction ends."""
    wanted = select(table.id).where(table.account_id == account_id, table.id.in_(ids))
    # In one order, so that two calls with the same rows wait for each other instead of locking up.
    await session.execute(wanted.order_by(table.id).with_for_update())
