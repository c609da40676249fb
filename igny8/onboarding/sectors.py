"""Sectors made from templates: the sector is auth's, its seed keywords are the planner's."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth import sectors
from igny8.errors import ValidationFailed
from igny8.planner import keywords


async def create(
    session: AsyncSession,
    account_id: UUID,
    *,
    site_id: UUID,
    name: str,
    slug: str | None,
    description: str | None,
    industry_sector_id: UUID | None,
    copy_seed_keywords: bool,
) -> UUID:
    """A new sector, with its template's seed keywords if that is wished.

    Raises what `sectors.create` raises; ValidationFailed for seeds without a template, LimitReached for keywords.
    """
    if copy_seed_keywords and industry_sector_id is None:
        raise ValidationFailed(
            "Seed keywords come from an industry sector: give industrySectorId.", field=("input", "copySeedKeywords")
        )
    sector_id = await sectors.create(
        session,
        account_id,
        site_id=site_id,
        name=name,
        slug=slug,
        description=description,
        industry_sector_id=industry_sector_id,
    )
    if copy_seed_keywords and industry_sector_id is not None:
        await keywords.copy_seeds(
            session, account_id, site_id=site_id, sector_id=sector_id, industry_sector_id=industry_sector_id
        )
    return sector_id
