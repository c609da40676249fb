"""Starting to cluster keywords: which ones, at what price."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth import tables as auth
from igny8.auth.tables import SectorStatus, SiteStatus
from igny8.billing import estimates
from igny8.billing.estimates import Estimate, requests_for
from igny8.billing.prices import Prices
from igny8.errors import NotAllowedNow, NotFound, ValidationFailed
from igny8.jobs import Subject, enqueue
from igny8.planner.clustering_job import ClusteringMethod, ClusterKeywords, cluster_keywords
from igny8.planner.proposals import SHARED_PAGES
from igny8.planner.tables import Keyword, KeywordStatus
from igny8.system import prompts
from igny8.system.tables import PromptType

#: Keywords given by their ids, and keywords of a whole sector.
MOST_IDS: Final = 1_000
MOST_OF_SECTOR: Final = 20_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to cluster: keywords of one sector by their ids, or all NEW ones of a sector, the most searched first."""

    keyword_ids: Sequence[UUID] | None
    sector_id: UUID | None
    method: ClusteringMethod = ClusteringMethod.AI


async def estimate(session: AsyncSession, account_id: UUID, wanted: Wanted, prices: Prices) -> Estimate:
    """What it would cost. Raises what `start` raises, but for want of credits and of keywords."""
    _, _, ids = await _chosen(session, account_id, wanted)
    return _estimate(prices, wanted.method, len(ids))


async def start(
    session: AsyncSession,
    account_id: UUID,
    wanted: Wanted,
    prices: Prices,
    *,
    preview: bool = False,
    prompt_override: str | None = None,
    started_by: UUID | None,
) -> UUID:
    """Start the job; its id.

    Raises ValidationFailed, NotFound, NotAllowedNow (nothing to cluster, place not active), InsufficientCredits.
    """
    if prompt_override is not None:
        await prompts.chosen(session, account_id, PromptType.CLUSTERING, override=prompt_override)
    site_id, sector_id, ids = await _chosen(session, account_id, wanted)
    if not ids:
        raise NotAllowedNow("The sector has no NEW keywords to cluster. Add some, or name keywords by their ids.")
    if wanted.method is ClusteringMethod.SERP_OVERLAP:
        await _refuse_without_pages(session, account_id, ids)
    by_model = wanted.method is ClusteringMethod.AI
    cost = _estimate(prices, wanted.method, len(ids)).credits
    parts = requests_for(len(ids)) if by_model else 1
    arguments = ClusterKeywords(
        site_id=site_id,
        sector_id=sector_id,
        keyword_ids=ids,
        method=wanted.method,
        preview=preview,
        prompt_override=prompt_override,
        credits_per_part=cost // parts,
    )
    return await enqueue(
        session,
        cluster_keywords,
        arguments,
        site_id=site_id,
        items=[Subject("sector", sector_id)] * parts,
        credits=cost,
        started_by=started_by,
    )


def _estimate(prices: Prices, method: ClusteringMethod, keywords: int) -> Estimate:
    return estimates.clustering(prices, keywords) if method is ClusteringMethod.AI else estimates.free(keywords)


async def _chosen(session: AsyncSession, account_id: UUID, wanted: Wanted) -> tuple[UUID, UUID, list[UUID]]:
    """The site and the sector, and the keywords there."""
    given, sector_id = wanted.keyword_ids, wanted.sector_id
    if given is not None and sector_id is None:
        ids = list(dict.fromkeys(given))
        sector_id = await _sector_of(session, account_id, ids)
    elif sector_id is not None and given is None:
        ids = await _new_of(session, account_id, sector_id)
    else:
        raise ValidationFailed("Give either keywordIds or sectorId.", field=("input",))
    return await _active_site_of(session, account_id, sector_id, by_ids=given is not None), sector_id, ids


async def _sector_of(session: AsyncSession, account_id: UUID, ids: list[UUID]) -> UUID:
    """The one sector of all these keywords."""
    field = ("input", "keywordIds")
    if not ids or len(ids) > MOST_IDS:
        raise ValidationFailed(f"Give 1 to {MOST_IDS:,} keywords, or a whole sector by sectorId.", field=field)
    wanted = select(Keyword.sector_id, func.count()).where(Keyword.account_id == account_id, Keyword.id.in_(ids))
    sectors = (await session.execute(wanted.group_by(Keyword.sector_id))).all()
    if sum(count for _, count in sectors) != len(ids):
        here = set((await session.execute(select(Keyword.id).where(Keyword.id.in_(ids)))).scalars())
        missing = next(number for number, id_ in enumerate(ids) if id_ not in here)
        raise NotFound("No keyword with this id.", field=(*field, str(missing)))
    if len(sectors) > 1:
        raise ValidationFailed("All keywords of one call belong to one sector.", field=field)
    found: UUID = sectors[0][0]
    return found


async def _new_of(session: AsyncSession, account_id: UUID, sector_id: UUID) -> list[UUID]:
    wanted = (
        select(Keyword.id)
        .where(
            Keyword.account_id == account_id,
            Keyword.sector_id == sector_id,
            Keyword.status == KeywordStatus.NEW.value,
        )
        .order_by(Keyword.volume.desc().nulls_last(), Keyword.id)
        .limit(MOST_OF_SECTOR)
    )
    return list((await session.execute(wanted)).scalars())


async def _refuse_without_pages(session: AsyncSession, account_id: UUID, ids: Sequence[UUID]) -> None:
    enough = func.cardinality(Keyword.serp_urls) >= SHARED_PAGES
    wanted = select(func.count()).where(Keyword.account_id == account_id, Keyword.id == func.any(ids), enough)
    if (await session.execute(wanted)).scalar_one() < 2:
        raise NotAllowedNow(
            f"SERP_OVERLAP compares result pages, and fewer than two of these keywords have {SHARED_PAGES} of them."
            " Import serpUrls with the keywords first."
        )


async def _active_site_of(session: AsyncSession, account_id: UUID, sector_id: UUID, *, by_ids: bool) -> UUID:
    """The sector's site; nothing starts where one of them is not active."""
    site, sector = auth.Site, auth.Sector
    wanted = (
        select(site.id, site.status, sector.status)
        .join(sector, (sector.account_id == site.account_id) & (sector.site_id == site.id))
        .where(sector.account_id == account_id, sector.id == sector_id)
    )
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        raise NotFound("No sector with this id.", field=() if by_ids else ("input", "sectorId"))
    site_id, site_status, sector_status = found
    if site_status != SiteStatus.ACTIVE or sector_status != SectorStatus.ACTIVE:
        raise NotAllowedNow("The site or the sector is not active: nothing can be started there.")
    return UUID(str(site_id))
