"""Sectors: the parts of a site's subject. A site has at most five active ones, whatever the plan."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs
from igny8.auth import tables as t
from igny8.auth.tables import SectorStatus, SiteStatus
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import AlreadyExists, DomainError, LimitReached, NotAllowedNow, NotFound
from igny8.inputs import KEEP, Check, Keep
from igny8.limits import PlanLimit

MOST_ACTIVE: Final = 5

_CHECKS: Final[dict[str, Check]] = {"name": inputs.name, "slug": inputs.slug, "description": inputs.text}


async def create(
    session: AsyncSession,
    account_id: UUID,
    *,
    site_id: UUID,
    name: str,
    slug: str | None = None,
    description: str | None = None,
    industry_sector_id: UUID | None = None,
) -> UUID:
    """A new active sector. Its slug comes from the name and its description from the industry sector, unless given.

    Raises ValidationFailed, NotFound (site, industry sector), NotAllowedNow (site not active), AlreadyExists (slug),
    LimitReached.
    """
    sector_id = new_id()
    await _lock_active_site(session, account_id, site_id)
    if industry_sector_id is not None:
        described = await _description_of(session, industry_sector_id)
        description = described if description is None else description
    values = inputs.checked(
        _CHECKS,
        {
            "name": name,
            "slug": slug if slug is not None else inputs.slug_of(name) or f"sector-{sector_id.hex[-8:]}",
            "description": description,
        },
    )
    values["industry_sector_id"] = industry_sector_id
    async with constraints.told(session, _refusals(values)):
        row = sa.insert(t.Sector).values(account_id=account_id, site_id=site_id, id=sector_id, **values)
        await session.execute(row)
    await _refuse_sixth(session, account_id, site_id)
    changes.record(session, ChangeKind.CREATED, "Sector", [sector_id], site_id=site_id)
    return sector_id


async def update(
    session: AsyncSession,
    account_id: UUID,
    sector_id: UUID,
    *,
    name: str | Keep | None = KEEP,
    slug: str | Keep | None = KEEP,
    description: str | Keep | None = KEEP,
    status: SectorStatus | Keep | None = KEEP,
) -> None:
    """Change what is given. Raises ValidationFailed, AlreadyExists (slug), NotFound, LimitReached (activated)."""
    values = inputs.checked(_CHECKS, {"name": name, "slug": slug, "description": description})
    if status is not KEEP:
        values["status"] = inputs.required(status, ("input", "status")).value
    own = sa.and_(t.Sector.account_id == account_id, t.Sector.id == sector_id)
    of_site = sa.and_(t.Site.account_id == t.Sector.account_id, t.Site.id == t.Sector.site_id)
    locked = sa.select(t.Site.id).join(t.Sector, of_site).where(own)
    locked = locked.with_for_update(of=[t.Site, t.Sector], key_share=True)
    site_id = (await session.execute(locked)).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No sector with this id.", field=("input", "id"))
    if not values:
        return
    async with constraints.told(session, _refusals(values)):
        await session.execute(sa.update(t.Sector).where(own).values(values))
    if status is SectorStatus.ACTIVE:
        await _refuse_sixth(session, account_id, site_id)
    changes.record(session, ChangeKind.UPDATED, "Sector", [sector_id], site_id=site_id)


async def delete(session: AsyncSession, account_id: UUID, sector_id: UUID) -> None:
    """Delete a sector. Raises NotFound."""
    own = sa.and_(t.Sector.account_id == account_id, t.Sector.id == sector_id)
    site_id = (await session.execute(sa.delete(t.Sector).where(own).returning(t.Sector.site_id))).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No sector with this id.", field=("id",))
    changes.record(session, ChangeKind.DELETED, "Sector", [sector_id], site_id=site_id)


async def _lock_active_site(session: AsyncSession, account_id: UUID, site_id: UUID) -> None:
    """Hold the site's row, so that two writers cannot both add its last sector."""
    site = sa.select(t.Site.status).where(t.Site.account_id == account_id, t.Site.id == site_id)
    status = (await session.execute(site.with_for_update(key_share=True))).scalar_one_or_none()
    if status is None:
        raise NotFound("No site with this id.", field=("input", "siteId"))
    if status != SiteStatus.ACTIVE:
        raise NotAllowedNow(
            f"This site is {status}, and nothing starts in it. Set it ACTIVE first.", field=("input", "siteId")
        )


async def _description_of(session: AsyncSession, industry_sector_id: UUID) -> str | None:
    template = await session.get(t.IndustrySector, industry_sector_id)
    if template is None:
        raise NotFound("No industry sector with this id.", field=("input", "industrySectorId"))
    return template.description


async def _refuse_sixth(session: AsyncSession, account_id: UUID, site_id: UUID) -> None:
    """Count what this transaction has written along; the lock on the site makes the count final."""
    active = sa.select(sa.func.count()).where(
        t.Sector.account_id == account_id, t.Sector.site_id == site_id, t.Sector.status == SectorStatus.ACTIVE
    )
    used = (await session.execute(active)).scalar_one()
    if used > MOST_ACTIVE:
        raise LimitReached(
            f"A site has at most {MOST_ACTIVE} active sectors. Set one INACTIVE or delete it first.",
            details={"limit": PlanLimit.SECTORS_PER_SITE.value, "used": used - 1, "max": MOST_ACTIVE},
        )


def _refusals(values: Mapping[str, object]) -> dict[str, DomainError]:
    return {
        "uq_sector_slug": AlreadyExists(
            f"Another sector of this site has the slug {values.get('slug')}. Choose another one.",
            field=("input", "slug"),
        )
    }
