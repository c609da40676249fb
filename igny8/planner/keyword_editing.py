"""Keywords of a sector, changed by hand."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs
from igny8.auth.tables import SearchIntent
from igny8.changes import ChangeKind
from igny8.errors import AlreadyExists, ValidationFailed
from igny8.inputs import KEEP, Keep
from igny8.planner import places, states
from igny8.planner.keyword_report import Rejection
from igny8.planner.keyword_rows import GivenKeyword, checked
from igny8.planner.tables import Keyword, KeywordCluster, KeywordStatus

_REQUIRED = ("keyword", "intent", "serp_urls", "status", "sector_id")


async def update(
    session: AsyncSession,
    account_id: UUID,
    keyword_id: UUID,
    *,
    keyword: str | Keep | None = KEEP,
    volume: int | Keep | None = KEEP,
    difficulty: int | Keep | None = KEEP,
    cpc: Decimal | Keep | None = KEEP,
    intent: SearchIntent | Keep | None = KEEP,
    serp_urls: Sequence[str] | Keep | None = KEEP,
    status: KeywordStatus | Keep | None = KEEP,
    sector_id: UUID | Keep | None = KEEP,
) -> None:
    """Change what is given; in another sector of the site a keyword is in no cluster.

    Raises ValidationFailed, NotFound, AlreadyExists, NotAllowedNow (what the status can be follows from clusters).
    """
    given = {"keyword": keyword, "volume": volume, "difficulty": difficulty, "cpc": cpc, "intent": intent,
             "serp_urls": serp_urls}  # fmt: skip
    given = {name: value for name, value in given.items() if value is not KEEP}
    for name, value in {**given, "status": status, "sector_id": sector_id}.items():
        if name in _REQUIRED and value is not KEEP:
            inputs.required(value, ("input", inputs.camel(name)))
    values = _checked(given)
    place = await places.of_row(session, account_id, Keyword, keyword_id, ("input", "id"))
    mine = sa.and_(Keyword.account_id == account_id, Keyword.id == keyword_id)
    if not isinstance(sector_id, Keep) and sector_id is not None and sector_id != place.sector_id:
        target = await places.of_sector(session, account_id, sector_id, ("input", "sectorId"))
        if target.site_id != place.site_id:
            raise ValidationFailed("A keyword moves between sectors of its site.", field=("input", "sectorId"))
        links = (KeywordCluster.account_id == account_id, KeywordCluster.keyword_id == keyword_id)
        await session.execute(sa.delete(KeywordCluster).where(*links))
        values["sector_id"] = sector_id
    if values:
        async with constraints.told(session, {"uq_keyword_key": _ALREADY}):
            await session.execute(sa.update(Keyword).where(mine).values(values))
    moved: list[UUID] = []
    if not isinstance(status, Keep) and status is not None:
        moved = await states.move(session, account_id, Keyword, [keyword_id], status, ("input", "status"))
    if values or moved:
        changes.record(session, ChangeKind.UPDATED, "Keyword", [keyword_id], site_id=place.site_id)


_ALREADY = AlreadyExists("This keyword is in the sector already.", field=("input", "keyword"))


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """The columns that change. Raises ValidationFailed."""
    row = checked(1, GivenKeyword(**{"keyword": "any", **given, "serp_urls": given.get("serp_urls") or ()}))
    if isinstance(row, Rejection):
        raise ValidationFailed(row.reason, field=("input", row.column or "keyword"))
    columns = {*given, *(["keyword_key"] if "keyword" in given else [])}
    return {name: value for name, value in row.items() if name in columns}


async def set_status(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], status: KeywordStatus) -> None:
    """Put keywords of one site into the archive or back. Raises ValidationFailed, NotFound, NotAllowedNow."""
    found = await places.of_rows(session, account_id, Keyword, ids, ("ids",))
    if moved := await states.move(session, account_id, Keyword, ids, status, ("status",)):
        changes.record(session, ChangeKind.UPDATED, "Keyword", moved, site_id=found[ids[0]].site_id)


async def delete(session: AsyncSession, account_id: UUID, ids: Sequence[UUID]) -> None:
    """Delete keywords of one site; clusters, ideas and tasks stay. Raises ValidationFailed, NotFound."""
    found = await places.of_rows(session, account_id, Keyword, ids, ("ids",))
    await session.execute(sa.delete(Keyword).where(Keyword.account_id == account_id, Keyword.id.in_(ids)))
    changes.record(session, ChangeKind.DELETED, "Keyword", ids, site_id=found[ids[0]].site_id)
