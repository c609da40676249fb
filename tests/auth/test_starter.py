"""Loading the starter data."""

import pytest
from sqlalchemy import func, select, update

from igny8.auth import catalog, starter
from igny8.auth import tables as t
from igny8.auth.starter import Loaded
from igny8.db import Database, LoginRole
from igny8.limits import Plan

pytestmark = pytest.mark.anyio


async def test_what_is_loaded_is_the_catalog(db: Database) -> None:
    async with db.session(LoginRole.APP) as session:
        industries = (await session.execute(select(t.Industry.slug).order_by(t.Industry.slug))).scalars().all()
        sectors = (await session.execute(select(func.count()).select_from(t.IndustrySector))).scalar_one()
        seeds = (await session.execute(select(func.count()).select_from(t.SeedKeyword))).scalar_one()
        plan = (await session.execute(select(Plan).where(Plan.slug == "free-trial"))).scalar_one()
    templates = catalog.industries()
    assert industries == sorted(template.slug for template in templates)
    assert sectors == sum(len(template.sectors) for template in templates)
    assert seeds == sum(len(sector.seed_keywords) for template in templates for sector in template.sectors)
    assert (plan.is_default, plan.included_credits) == (True, 2_000)
    assert {"limit": "SITES", "max": 2} in plan.limits


async def test_loading_again_writes_nothing(db: Database) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        assert await starter.load(session) == Loaded(0, 0, 0, 0)


async def test_templates_follow_the_catalog_and_plans_stay_as_operators_made_them(db: Database) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        pets = starter.template_id("industry", "pets")
        await session.execute(update(t.Industry).where(t.Industry.id == pets).values(name="Animals"))
        await session.execute(update(Plan).where(Plan.slug == "starter").values(price=59))
        assert await starter.load(session) == Loaded(1, 0, 0, 0)
        assert (await session.execute(select(t.Industry.name).where(t.Industry.id == pets))).scalar_one() == "Pets"
        price = (await session.execute(select(Plan.price).where(Plan.slug == "starter"))).scalar_one()
        assert price == 59
        await session.rollback()


async def test_a_default_of_the_catalog_does_not_replace_the_present_one(db: Database) -> None:
    trial, *_ = catalog.plans()
    assert trial.is_default
    async with db.session(LoginRole.SYSTEM) as session:
        assert await starter.add_plan(session, trial.model_copy(update={"slug": "another-trial"}))
        defaults = await session.execute(select(Plan.slug).where(Plan.is_default))
        assert defaults.scalars().all() == ["free-trial"]
        await session.rollback()


def test_ids_follow_from_the_slugs() -> None:
    assert str(starter.template_id("plan", "starter")) == "d0d9cf32-f9ed-5578-9547-75426eb13e31"
    assert starter.template_id("industry", "pets") != starter.template_id("plan", "pets")
