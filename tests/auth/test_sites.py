"""Sites: what their inputs may hold, how many there may be, and what goes with them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igny8.auth import sites, starter
from igny8.auth import tables as t
from igny8.auth.site_inputs import domain, language, timezone, web_address
from igny8.auth.tables import SiteStatus
from igny8.db import Database, new_id
from igny8.errors import AlreadyExists, Conflict, LimitReached, NotFound, ValidationFailed
from tests.support.tenants import KEYRING, both, changes_of, new_owner, new_sector, new_site, rows_of, writing

FIELD = ("input", "x")


async def site(db: Database, account_id: object, site_id: object) -> t.Site:
    (found,) = await rows_of(db, t.Site, account_id, id=site_id)  # type: ignore[arg-type]  # ids
    return found


@pytest.mark.anyio
async def test_a_name_is_enough_for_a_site(db: Database) -> None:
    owner = await new_owner(db)
    async with writing(db, owner) as session:
        site_id = await sites.create(session, owner.account_id, keyring=KEYRING, name="  Ada's   Café  ")
    made = await site(db, owner.account_id, site_id)
    assert (made.name, made.slug, made.status) == ("Ada's Café", "ada-s-cafe", "ACTIVE")
    assert (made.language, made.timezone, made.domain, made.industry_id) == ("en", "UTC", None, None)
    assert not made.has_wp_app_password
    assert await changes_of(db, owner.account_id) == [("CREATED", "Site", [site_id], site_id)]


@pytest.mark.anyio
async def test_a_site_keeps_all_that_is_given(db: Database) -> None:
    owner = await new_owner(db)
    pets = starter.template_id("industry", "pets")
    async with writing(db, owner) as session:
        site_id = await sites.create(
            session,
            owner.account_id,
            keyring=KEYRING,
            name="Shop",
            slug="my-shop",
            domain="https://Shop.Example.COM/start",
            industry_id=pets,
            language="PT-br",
            timezone="Europe/Berlin",
            wp_url="https://Shop.example.com/wp/",
            wp_username="ada",
            wp_app_password="abcd efgh ijkl",
        )
    made = await site(db, owner.account_id, site_id)
    assert (made.slug, made.domain, made.industry_id) == ("my-shop", "shop.example.com", pets)
    assert (made.language, made.timezone, made.wp_username) == ("pt-BR", "Europe/Berlin", "ada")
    assert made.wp_url == "https://shop.example.com/wp"
    place = f"site:{owner.account_id}:{site_id}:wp_app_password"
    assert made.wp_app_password is not None
    assert b"abcd" not in made.wp_app_password
    assert KEYRING.open(made.wp_app_password, bound_to=place) == "abcd efgh ijkl"


@pytest.mark.anyio
async def test_a_name_without_latin_letters_gets_a_slug_too(db: Database) -> None:
    owner = await new_owner(db)
    async with writing(db, owner) as session:
        site_id = await sites.create(session, owner.account_id, keyring=KEYRING, name="日本語")
    assert (await site(db, owner.account_id, site_id)).slug == f"site-{site_id.hex[-8:]}"


@pytest.mark.anyio
async def test_a_slug_is_unique_in_its_account_only(db: Database) -> None:
    owner, stranger = await new_owner(db), await new_owner(db)
    await new_site(db, stranger.account_id, slug="shop")
    async with writing(db, owner) as session:
        await sites.create(session, owner.account_id, keyring=KEYRING, name="Shop")
    other = await new_site(db, owner.account_id)
    for act in (
        lambda session: sites.create(session, owner.account_id, keyring=KEYRING, name="Shop"),
        lambda session: sites.update(session, owner.account_id, other, keyring=KEYRING, slug="shop"),
    ):
        with pytest.raises(AlreadyExists, match="has the slug shop") as refused:
            async with writing(db, owner) as session:
                await act(session)
        assert refused.value.field == ("input", "slug")


@pytest.mark.anyio
async def test_an_update_changes_what_is_given_and_nothing_else(db: Database) -> None:
    owner = await new_owner(db)
    async with writing(db, owner) as session:
        site_id = await sites.create(
            session, owner.account_id, keyring=KEYRING, name="Shop", domain="a.example", wp_username="ada"
        )
    async with writing(db, owner) as session:
        await sites.update(
            session, owner.account_id, site_id, keyring=KEYRING, domain=None, status=SiteStatus.INACTIVE
        )
    changed = await site(db, owner.account_id, site_id)
    assert (changed.name, changed.slug, changed.domain) == ("Shop", "shop", None)
    assert (changed.wp_username, changed.status) == ("ada", "INACTIVE")
    assert changed.updated_at > changed.created_at


@pytest.mark.anyio
async def test_an_update_of_nothing_records_nothing(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    async with writing(db, owner) as session:
        await sites.update(session, owner.account_id, site_id, keyring=KEYRING)
    assert await changes_of(db, owner.account_id) == []


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["name", "slug", "status", "language", "timezone"])
async def test_null_for_what_a_site_needs_is_refused(db: Database, name: str) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    with pytest.raises(ValidationFailed) as refused:
        async with writing(db, owner) as session:
            await sites.update(session, owner.account_id, site_id, keyring=KEYRING, **{name: None})
    assert refused.value.field == ("input", name)


@pytest.mark.anyio
async def test_a_password_does_not_follow_to_another_address(db: Database) -> None:
    owner = await new_owner(db)
    account_id = owner.account_id
    async with writing(db, owner) as session:
        site_id = await sites.create(session, account_id, keyring=KEYRING, name="Shop", wp_app_password="secret")

    async def has_password_after(**given: str | None) -> bool:
        async with writing(db, owner) as session:
            await sites.update(session, account_id, site_id, keyring=KEYRING, **given)  # type: ignore[arg-type]  # texts
        return (await site(db, account_id, site_id)).has_wp_app_password

    assert await has_password_after(wp_url="https://a.example")
    assert await has_password_after(wp_url="https://A.example/")
    assert await has_password_after(wp_username="ada")
    assert not await has_password_after(wp_url="https://b.example")
    assert await has_password_after(wp_url="https://c.example", wp_app_password="other")
    assert not await has_password_after(wp_url=None)
    assert await has_password_after(wp_app_password="third")
    assert not await has_password_after(wp_app_password=None)


@pytest.mark.anyio
async def test_an_industry_must_exist(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    for act in (
        lambda session: sites.create(session, owner.account_id, keyring=KEYRING, name="A", industry_id=new_id()),
        lambda session: sites.update(session, owner.account_id, site_id, keyring=KEYRING, industry_id=new_id()),
    ):
        with pytest.raises(NotFound, match="No industry with this id") as refused:
            async with writing(db, owner) as session:
                await act(session)
        assert refused.value.field == ("input", "industryId")
    assert len(await rows_of(db, t.Site, owner.account_id)) == 1


@pytest.mark.anyio
async def test_foreign_sites_and_those_that_do_not_exist_answer_alike(db: Database) -> None:
    owner, stranger = await new_owner(db), await new_owner(db)
    theirs = await new_site(db, stranger.account_id)
    for site_id in (theirs, new_id()):
        for field, act in (
            (("input", "id"), lambda s: sites.update(s, owner.account_id, site_id, keyring=KEYRING, name="Mine")),  # noqa: B023
            (("input", "id"), lambda s: sites.update(s, owner.account_id, site_id, keyring=KEYRING)),  # noqa: B023
            (("id",), lambda s: sites.delete(s, owner.account_id, site_id, force=True)),  # noqa: B023
        ):
            with pytest.raises(NotFound) as refused:
                async with writing(db, owner) as session:
                    await act(session)
            assert (refused.value.message, refused.value.field) == ("No site with this id.", field)
    assert (await site(db, stranger.account_id, theirs)).name == "Site"


@pytest.mark.anyio
async def test_the_plan_limits_the_sites(db: Database) -> None:
    owner = await new_owner(db)
    for _ in range(2):
        await new_site(db, owner.account_id)
    with pytest.raises(LimitReached) as refused:
        async with writing(db, owner) as session:
            await sites.create(session, owner.account_id, keyring=KEYRING, name="Third")
    assert refused.value.details == {"limit": "SITES", "used": 2, "max": 2}
    assert len(await rows_of(db, t.Site, owner.account_id)) == 2


@pytest.mark.anyio
async def test_two_who_take_the_last_place_at_once_get_one(db: Database) -> None:
    owner = await new_owner(db)
    await new_site(db, owner.account_id)
    lost = await both(
        db,
        (owner, lambda session: sites.create(session, owner.account_id, keyring=KEYRING, name="Second")),
        (owner, lambda session: sites.create(session, owner.account_id, keyring=KEYRING, name="Third")),
    )
    assert isinstance(lost, LimitReached)
    assert [row.slug for row in await rows_of(db, t.Site, owner.account_id)][1:] == ["second"]


@pytest.mark.anyio
async def test_a_site_with_sectors_is_deleted_by_force_alone(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    sector_ids = [await new_sector(db, owner.account_id, site_id) for _ in range(2)]
    with pytest.raises(Conflict, match="still has 2 sectors") as refused:
        async with writing(db, owner) as session:
            await sites.delete(session, owner.account_id, site_id)
    assert refused.value.details == {"sectors": 2}
    assert len(await rows_of(db, t.Sector, owner.account_id)) == 2
    async with writing(db, owner) as session:
        await sites.delete(session, owner.account_id, site_id, force=True)
    assert await rows_of(db, t.Site, owner.account_id) == []
    assert await rows_of(db, t.Sector, owner.account_id) == []
    assert await changes_of(db, owner.account_id) == [
        ("DELETED", "Sector", sector_ids, site_id),
        ("DELETED", "Site", [site_id], site_id),
    ]


@pytest.mark.anyio
async def test_deleting_a_site_frees_its_place(db: Database) -> None:
    owner = await new_owner(db)
    first, _ = await new_site(db, owner.account_id), await new_site(db, owner.account_id)
    async with writing(db, owner) as session:
        await sites.delete(session, owner.account_id, first)
    async with writing(db, owner) as session:
        await sites.create(session, owner.account_id, keyring=KEYRING, name="Next")
    assert len(await rows_of(db, t.Site, owner.account_id)) == 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("example.com", "example.com"),
        (" WWW.Example.com. ", "www.example.com"),
        ("https://example.com:8080/a?b#c", "example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("", None),
        (None, None),
    ],
)
def test_a_domain_is_cut_down_to_its_host(given: str | None, kept: str | None) -> None:
    assert domain(given, FIELD) == kept


@pytest.mark.parametrize(
    "given",
    [
        "localhost",
        "a b.com",
        "a..com",
        "-a.com",
        "a-.com",
        "https://",
        "me@example.com",
        "[::1]",
        "a\n.com",
        "x" * 501,
        "http://[",
        "a_b.com",
        f"{'a' * 64}.com",
    ],
)
def test_what_is_no_domain_is_refused(given: str) -> None:
    with pytest.raises(ValidationFailed):
        domain(given, FIELD)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Example.com", "https://example.com"),
        ("http://localhost:8081/", "http://localhost:8081"),
        ("HTTP://127.0.0.1/blog//", "http://127.0.0.1/blog"),
        ("", None),
    ],
)
def test_a_web_address_is_absolute(given: str, kept: str | None) -> None:
    assert web_address(given, FIELD) == kept


@pytest.mark.parametrize(
    "given",
    [
        "example.com",
        "//example.com",
        "ftp://example.com",
        "https://",
        "https://u:p@example.com",
        "https://u@a.example",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://a.exa mple",
        "https://a.example:99999",
        "mailto:a@b",
    ],
)
def test_what_is_no_plain_web_address_is_refused(given: str) -> None:
    with pytest.raises(ValidationFailed):
        web_address(given, FIELD)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("EN", "en"),
        ("de-at", "de-AT"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("ca-ES-Valencia", "ca-ES-valencia"),
    ],
)
def test_a_language_tag_gets_its_usual_case(given: str, kept: str) -> None:
    assert language(given, FIELD) == kept


@pytest.mark.parametrize("given", ["", "english", "e", "en_US", "en-", "en-USA", "12"])
def test_what_is_no_language_tag_is_refused(given: str) -> None:
    with pytest.raises(ValidationFailed):
        language(given, FIELD)


@pytest.mark.parametrize("given", ["", "Mars/Olympus", "europe/berlin", "../etc/passwd", "localtime", "UTC+1"])
def test_what_is_no_time_zone_is_refused(given: str) -> None:
    with pytest.raises(ValidationFailed):
        timezone(given, FIELD)


@given(st.text(max_size=60))
def test_any_text_is_refused_or_kept_in_one_form(given: str) -> None:
    for check in (domain, web_address, language, timezone):
        with suppress(ValidationFailed):
            kept = check(given, FIELD)
            assert check(kept, FIELD) == kept
