"""Sectors: five active ones in a site, made from a template or not."""

import pytest

from igny8.auth import sectors, sites, starter
from igny8.auth import tables as t
from igny8.auth.tables import SectorStatus
from igny8.db import Database, new_id
from igny8.errors import AlreadyExists, LimitReached, NotAllowedNow, NotFound, ValidationFailed
from tests.support.tenants import both, changes_of, new_owner, new_sector, new_site, rows_of, writing

pytestmark = pytest.mark.anyio


async def test_a_name_is_enough_for_a_sector(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    async with writing(db, owner) as session:
        sector_id = await sectors.create(session, owner.account_id, site_id=site_id, name="Dog food")
    (made,) = await rows_of(db, t.Sector, owner.account_id)
    assert (made.id, made.site_id, made.name, made.slug) == (sector_id, site_id, "Dog food", "dog-food")
    assert (made.status, made.description, made.industry_sector_id) == ("ACTIVE", None, None)
    assert await changes_of(db, owner.account_id) == [("CREATED", "Sector", [sector_id], site_id)]


async def test_a_template_describes_the_sector_unless_a_description_is_given(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    dogs = starter.template_id("industry", "pets", "dogs")
    async with writing(db, owner) as session:
        for name, description in (("First", None), ("Second", "Only puppies.\nNothing else."), ("Third", "")):
            await sectors.create(
                session,
                owner.account_id,
                site_id=site_id,
                name=name,
                description=description,
                industry_sector_id=dogs,
            )
    made = await rows_of(db, t.Sector, owner.account_id)
    template = "Puppies, training and life with a dog."
    assert [row.description for row in made] == [template, "Only puppies.\nNothing else.", None]
    assert {row.industry_sector_id for row in made} == {dogs}


async def test_an_industry_sector_must_exist(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    with pytest.raises(NotFound, match="No industry sector with this id") as refused:
        async with writing(db, owner) as session:
            await sectors.create(session, owner.account_id, site_id=site_id, name="Dogs", industry_sector_id=new_id())
    assert refused.value.field == ("input", "industrySectorId")
    assert await rows_of(db, t.Sector, owner.account_id) == []


@pytest.mark.parametrize("status", ["INACTIVE", "SUSPENDED"])
async def test_nothing_starts_in_a_site_that_is_not_active(db: Database, status: str) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id, status=status)
    sector_id = await new_sector(db, owner.account_id, site_id)
    with pytest.raises(NotAllowedNow, match=f"This site is {status}"):
        async with writing(db, owner) as session:
            await sectors.create(session, owner.account_id, site_id=site_id, name="Dogs")
    async with writing(db, owner) as session:
        await sectors.update(session, owner.account_id, sector_id, name="Renamed")
    assert [row.name for row in await rows_of(db, t.Sector, owner.account_id)] == ["Renamed"]


async def test_a_sixth_active_sector_is_refused_and_inactive_ones_do_not_count(db: Database) -> None:
    owner = await new_owner(db, plan="scale")
    site_id = await new_site(db, owner.account_id)
    for _ in range(5):
        await new_sector(db, owner.account_id, site_id)
    idle = await new_sector(db, owner.account_id, site_id, status="INACTIVE")
    for act in (
        lambda session: sectors.create(session, owner.account_id, site_id=site_id, name="Sixth"),
        lambda session: sectors.update(session, owner.account_id, idle, status=SectorStatus.ACTIVE),
    ):
        with pytest.raises(LimitReached, match="at most 5 active sectors") as refused:
            async with writing(db, owner) as session:
                await act(session)
        assert refused.value.details == {"limit": "SECTORS_PER_SITE", "used": 5, "max": 5}
    states = [row.status for row in await rows_of(db, t.Sector, owner.account_id)]
    assert states == ["ACTIVE"] * 5 + ["INACTIVE"]


async def test_setting_one_inactive_makes_room_for_another(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    first, *_ = [await new_sector(db, owner.account_id, site_id) for _ in range(5)]
    async with writing(db, owner) as session:
        await sectors.update(session, owner.account_id, first, status=SectorStatus.INACTIVE)
    async with writing(db, owner) as session:
        await sectors.create(session, owner.account_id, site_id=site_id, name="Next")
    assert len(await rows_of(db, t.Sector, owner.account_id, status="ACTIVE")) == 5


async def test_of_two_fifth_sectors_at_once_one_is_made(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    for _ in range(4):
        await new_sector(db, owner.account_id, site_id)
    lost = await both(
        db,
        (owner, lambda session: sectors.create(session, owner.account_id, site_id=site_id, name="One")),
        (owner, lambda session: sectors.create(session, owner.account_id, site_id=site_id, name="Two")),
    )
    assert isinstance(lost, LimitReached)
    assert [row.name for row in await rows_of(db, t.Sector, owner.account_id)][4:] == ["One"]


async def test_no_sector_slips_into_a_site_that_is_being_deleted(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    lost = await both(
        db,
        (owner, lambda session: sites.delete(session, owner.account_id, site_id)),
        (owner, lambda session: sectors.create(session, owner.account_id, site_id=site_id, name="Late")),
    )
    assert isinstance(lost, NotFound)
    assert await rows_of(db, t.Sector, owner.account_id) == []


async def test_a_slug_is_unique_in_its_site_only(db: Database) -> None:
    owner = await new_owner(db)
    one, two = await new_site(db, owner.account_id), await new_site(db, owner.account_id)
    async with writing(db, owner) as session:
        await sectors.create(session, owner.account_id, site_id=one, name="Dogs")
        await sectors.create(session, owner.account_id, site_id=two, name="Dogs")
    other = await new_sector(db, owner.account_id, one)
    for act in (
        lambda session: sectors.create(session, owner.account_id, site_id=one, name="Dogs"),
        lambda session: sectors.update(session, owner.account_id, other, slug="dogs"),
    ):
        with pytest.raises(AlreadyExists, match="has the slug dogs") as refused:
            async with writing(db, owner) as session:
                await act(session)
        assert refused.value.field == ("input", "slug")


async def test_an_update_changes_what_is_given_and_null_clears(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    async with writing(db, owner) as session:
        sector_id = await sectors.create(
            session, owner.account_id, site_id=site_id, name="Dogs", description="All about them."
        )
    async with writing(db, owner) as session:
        await sectors.update(session, owner.account_id, sector_id, description=None)
        await sectors.update(session, owner.account_id, sector_id)
    (changed,) = await rows_of(db, t.Sector, owner.account_id)
    assert (changed.name, changed.slug, changed.description) == ("Dogs", "dogs", None)
    assert [kind for kind, *_ in await changes_of(db, owner.account_id)] == ["CREATED", "UPDATED"]
    for name in ("name", "slug", "status"):
        with pytest.raises(ValidationFailed) as refused:
            async with writing(db, owner) as session:
                await sectors.update(session, owner.account_id, sector_id, **{name: None})
        assert refused.value.field == ("input", name)


async def test_deleting_a_sector_is_recorded_in_its_site(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    sector_id = await new_sector(db, owner.account_id, site_id)
    async with writing(db, owner) as session:
        await sectors.delete(session, owner.account_id, sector_id)
    assert await rows_of(db, t.Sector, owner.account_id) == []
    assert await changes_of(db, owner.account_id) == [("DELETED", "Sector", [sector_id], site_id)]


async def test_foreign_ids_and_those_that_do_not_exist_answer_alike(db: Database) -> None:
    owner, stranger = await new_owner(db), await new_owner(db)
    their_site = await new_site(db, stranger.account_id)
    their_sector = await new_sector(db, stranger.account_id, their_site)
    for site_id, sector_id in ((their_site, their_sector), (new_id(), new_id())):
        for said, act in (
            ("No site with this id.", lambda s: sectors.create(s, owner.account_id, site_id=site_id, name="A")),  # noqa: B023
            ("No sector with this id.", lambda s: sectors.update(s, owner.account_id, sector_id, name="A")),  # noqa: B023
            ("No sector with this id.", lambda s: sectors.delete(s, owner.account_id, sector_id)),  # noqa: B023
        ):
            with pytest.raises(NotFound) as refused:
                async with writing(db, owner) as session:
                    await act(session)
            assert refused.value.message == said
    assert [row.name for row in await rows_of(db, t.Sector, stranger.account_id)] == ["Sector"]
