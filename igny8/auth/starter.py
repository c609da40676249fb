"""The starter data: templates of industries and the first plans, from the catalog into the global tables.

Templates follow the catalog at every load; a plan is only made when there is none of its slug, because operators
change plans. Ids follow from the slugs, so that every installation knows a template by the same id.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth import catalog
from igny8.auth import tables as t
from igny8.auth.catalog import IndustryTemplate, PlanTemplate
from igny8.db import Base, Database, LoginRole
from igny8.limits import Plan
from igny8.settings import DatabaseSettings

_NAMES: Final = UUID("5a4c6f0e-7d0b-4b7e-9c51-0f2f6b0d8c3a")


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many rows were made or changed; nothing is written when all is as the catalog says."""

    industries: int
    sectors: int
    seed_keywords: int
    plans: int


async def load(session: AsyncSession) -> Loaded:
    """Bring the starter data up to date; `session` is one of the system role. May run at any time, and twice."""
    industries = catalog.industries()
    return Loaded(
        industries=await _follow(session, t.Industry, [_industry(industry) for industry in industries]),
        sectors=await _follow(session, t.IndustrySector, [row for each in industries for row in _sectors(each)]),
        seed_keywords=await _follow(session, t.SeedKeyword, [row for each in industries for row in _keywords(each)]),
        plans=sum([await add_plan(session, plan) for plan in catalog.plans()]),
    )


def template_id(*path: str) -> UUID:
    """The id of a template by its slugs, for example ("industry", "pets", "dogs")."""
    return uuid5(_NAMES, "/".join(path))


async def add_plan(session: AsyncSession, plan: PlanTemplate) -> bool:
    """Insert a plan; False when there is one of its slug. It is the default only when no other plan is."""
    taken = (await session.execute(sa.select(sa.exists().where(Plan.is_default)))).scalar_one()
    row = insert(Plan).values(
        id=template_id("plan", plan.slug),
        name=plan.name,
        slug=plan.slug,
        price=plan.price,
        currency=plan.currency,
        billing_cycle=plan.billing_cycle,
        included_credits=plan.included_credits,
        limits=limit_rows(plan),
        features=list(plan.features),
        is_default=plan.is_default and not taken,
    )
    made = await session.execute(row.on_conflict_do_nothing(index_elements=[Plan.slug]).returning(Plan.id))
    return made.scalar_one_or_none() is not None


def limit_rows(plan: PlanTemplate) -> list[dict[str, Any]]:
    """A plan's limits as its row holds them."""
    return [{"limit": limit.value, "max": most} for limit, most in plan.limits.items()]


async def _follow(session: AsyncSession, table: type[Base], rows: list[dict[str, Any]]) -> int:
    """Insert the rows, or change those that differ; how many that were."""
    columns = [name for name in rows[0] if name != "id"]
    upsert = insert(table).values(rows)
    mine, given = table.__table__.c, upsert.excluded
    upsert = upsert.on_conflict_do_update(
        index_elements=["id"],
        set_={name: given[name] for name in columns},
        where=sa.or_(*(mine[name].is_distinct_from(given[name]) for name in columns)),
    )
    return len((await session.execute(upsert.returning(mine.id))).all())


def _industry(industry: IndustryTemplate) -> dict[str, Any]:
    return {
        "id": template_id("industry", industry.slug),
        "name": industry.name,
        "slug": industry.slug,
        "description": industry.description,
    }


def _sectors(industry: IndustryTemplate) -> Iterator[dict[str, Any]]:
    for sector in industry.sectors:
        yield {
            "id": template_id("industry", industry.slug, sector.slug),
            "industry_id": template_id("industry", industry.slug),
            "name": sector.name,
            "slug": sector.slug,
            "description": sector.description,
        }


def _keywords(industry: IndustryTemplate) -> Iterator[dict[str, Any]]:
    for sector in industry.sectors:
        for seed in sector.seed_keywords:
            yield {
                "id": template_id("industry", industry.slug, sector.slug, seed.keyword),
                "industry_sector_id": template_id("industry", industry.slug, sector.slug),
                "keyword": seed.keyword,
                "volume": seed.volume,
                "difficulty": seed.difficulty,
                "intent": seed.intent.value,
            }


async def load_into(settings: DatabaseSettings) -> None:
    """Load all of it in a transaction of its own, as the system role."""
    db = Database(settings)
    await db.open()
    try:
        async with db.session(LoginRole.SYSTEM) as session:
            await load(session)
    finally:
        await db.close()
