"""Keywords of a sector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, limits
from igny8.auth.tables import Sector, SeedKeyword
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotFound, ValidationFailed
from igny8.limits import PlanLimit
from igny8.planner.keyword_report import Rejection, Report
from igny8.planner.keyword_rows import GivenKeyword, checked, folded, keep
from igny8.planner.tables import Keyword, KeywordSource

#: Keywords of one call.
MOST_AT_ONCE: Final = 1_000
#: What the columns of a report are called where there is no file.
_COLUMNS: Final = {
    "keyword": "keyword",
    "volume": "volume",
    "difficulty": "difficulty",
    "cpc": "cpc",
    "intent": "intent",
    "serpUrls": "serpUrls",
}


@dataclass(frozen=True, slots=True)
class Added:
    """The keywords in the order in which they were given, each once, and what became of them."""

    ids: list[UUID]
    report: Report


async def add(session: AsyncSession, account_id: UUID, *, sector_id: UUID, given: Sequence[GivenKeyword]) -> Added:
    """Add keywords to a sector; one that is there takes the values that are given. The last of equal ones counts.

    Raises ValidationFailed (none, too many, or none that can be taken), NotFound, LimitReached.
    """
    field = ("input", "keywords")
    if not 1 <= len(given) <= MOST_AT_ONCE:
        raise ValidationFailed(
            f"Give 1 to {MOST_AT_ONCE:,} keywords at a time; importKeywords takes more.", field=field
        )
    site_id = await _site_of(session, account_id, sector_id)
    report, rows = Report(_COLUMNS, rows=len(given)), dict[str, dict[str, Any]]()
    for number, one in enumerate(given, start=1):
        row = checked(number, one)
        if isinstance(row, Rejection):
            report.reject(row)
        else:
            rows[row["keyword_key"]] = row
    if not rows:
        first = report.rejections[0]
        raise ValidationFailed(first.reason, field=(*field, str(first.row - 1), first.column or "keyword"))
    kept = await keep(
        session,
        account_id,
        list(rows.values()),
        site_id=site_id,
        sector_id=sector_id,
        source=KeywordSource.MANUAL,
    )
    await limits.check(session, account_id, PlanLimit.KEYWORDS)
    report.created, report.updated = len(kept.created), len(kept.updated)
    for kind, ids in ((ChangeKind.CREATED, kept.created), (ChangeKind.UPDATED, kept.updated)):
        if ids:
            changes.record(session, kind, "Keyword", list(ids.values()), site_id=site_id)
    stored = Keyword.account_id == account_id, Keyword.sector_id == sector_id, Keyword.keyword_key.in_(rows)
    found = await session.execute(select(Keyword.keyword_key, Keyword.id).where(*stored))
    ids_by_key: dict[str, UUID] = {row.keyword_key: row.id for row in found}
    return Added([ids_by_key[key] for key in rows], report)


async def _site_of(session: AsyncSession, account_id: UUID, sector_id: UUID) -> UUID:
    sector = select(Sector.site_id).where(Sector.account_id == account_id, Sector.id == sector_id)
    site_id = (await session.execute(sector)).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No sector with this id.", field=("input", "sectorId"))
    return site_id


async def copy_seeds(
    session: AsyncSession, account_id: UUID, *, site_id: UUID, sector_id: UUID, industry_sector_id: UUID
) -> list[UUID]:
    """Give a new sector the seed keywords of its template. Raises LimitReached."""
    wanted = select(SeedKeyword).where(SeedKeyword.industry_sector_id == industry_sector_id)
    seeds = (await session.execute(wanted.order_by(SeedKeyword.keyword))).scalars().all()
    if not seeds:
        return []
    rows = [
        {
            "account_id": account_id,
            "site_id": site_id,
            "sector_id": sector_id,
            "id": new_id(),
            "keyword": seed.keyword,
            "keyword_key": folded(seed.keyword),
            "volume": seed.volume,
            "difficulty": seed.difficulty,
            "intent": seed.intent,
            "source": KeywordSource.TEMPLATE.value,
        }
        for seed in seeds
    ]
    await session.execute(insert(Keyword), rows)
    await limits.check(session, account_id, PlanLimit.KEYWORDS)
    made = [UUID(str(row["id"])) for row in rows]
    changes.record(session, ChangeKind.CREATED, "Keyword", made, site_id=site_id)
    return made
