"""Keywords of a sector."""

import unicodedata
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, limits
from igny8.auth.tables import SeedKeyword
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.limits import PlanLimit
from igny8.planner.tables import Keyword, KeywordSource


def folded(text: str) -> str:
    """A keyword as it is compared: NFKC, trimmed, single spaces, without regard to case."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


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
