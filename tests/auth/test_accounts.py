"""An account's settings, and what an operator decides on it."""

import pytest

from igny8.auth import accounts
from igny8.auth import tables as t
from igny8.auth.tables import AccountStatus
from igny8.changes import Actor
from igny8.db import Database, LoginRole, new_id
from igny8.errors import AlreadyExists, NotAllowedNow, NotFound, ValidationFailed
from igny8.transactions import logged
from tests.support.tenants import changes_of, new_account, new_developer, new_owner, writing

pytestmark = pytest.mark.anyio


async def account(db: Database, account_id: object) -> t.Account:
    async with db.session(LoginRole.SYSTEM) as session:
        return await session.get_one(t.Account, account_id)


async def test_an_account_is_renamed(db: Database) -> None:
    owner = await new_owner(db)
    slug = f"ada-{owner.account_id.hex[-12:]}"
    async with writing(db, owner) as session:
        await accounts.update(session, owner.account_id, name=" Ada  & Co ", slug=slug)
    renamed = await account(db, owner.account_id)
    assert (renamed.name, renamed.slug) == ("Ada & Co", slug)
    assert await changes_of(db, owner.account_id) == [("UPDATED", "Account", [owner.account_id], None)]


async def test_what_is_not_given_stays(db: Database) -> None:
    owner = await new_owner(db)
    before = await account(db, owner.account_id)
    async with writing(db, owner) as session:
        await accounts.update(session, owner.account_id)
        await accounts.update(session, owner.account_id, name="Ada")
    after = await account(db, owner.account_id)
    assert (after.name, after.slug) == ("Ada", before.slug)
    assert len(await changes_of(db, owner.account_id)) == 1


@pytest.mark.parametrize("slug", [None, "", "ab", "a" * 41, "Ada", "-ada", "ada-", "a--b", "a b", "ädä", "ada\n"])
async def test_a_slug_has_3_to_40_plain_characters(db: Database, slug: str | None) -> None:
    owner = await new_owner(db)
    with pytest.raises(ValidationFailed) as refused:
        async with writing(db, owner) as session:
            await accounts.update(session, owner.account_id, slug=slug)
    assert refused.value.field == ("input", "slug")
    assert await changes_of(db, owner.account_id) == []


@pytest.mark.parametrize("name", [None, "", "  ", "a" * 101, "a\x00b", "a\ud800b"])
async def test_a_name_is_1_to_100_characters_that_can_be_shown(db: Database, name: str | None) -> None:
    owner = await new_owner(db)
    with pytest.raises(ValidationFailed) as refused:
        async with writing(db, owner) as session:
            await accounts.update(session, owner.account_id, name=name)
    assert refused.value.field == ("input", "name")


async def test_a_slug_belongs_to_one_account(db: Database) -> None:
    owner, other = await new_owner(db), await new_owner(db)
    taken = (await account(db, other.account_id)).slug
    with pytest.raises(AlreadyExists, match="This slug is taken") as refused:
        async with writing(db, owner) as session:
            await accounts.update(session, owner.account_id, slug=taken)
    assert refused.value.field == ("input", "slug")
    assert (await account(db, owner.account_id)).slug != taken


async def test_an_operator_sets_the_status(db: Database) -> None:
    owner = await new_owner(db)
    developer = await new_developer(db, acting_on=owner.account_id)
    for status in (AccountStatus.SUSPENDED, AccountStatus.SUSPENDED, AccountStatus.ACTIVE):
        async with writing(db, developer) as session:
            await accounts.set_status(session, owner.account_id, status)
    assert (await account(db, owner.account_id)).status == "ACTIVE"
    assert len(await changes_of(db, owner.account_id)) == 2


async def test_the_system_account_cannot_be_suspended(db: Database) -> None:
    system = await new_account(db, is_system=True)
    before = (await account(db, system)).status
    for account_id, error in ((system, NotAllowedNow), (new_id(), NotFound)):
        with pytest.raises(error) as refused:
            async with (
                db.session(LoginRole.SYSTEM) as session,
                logged(session, Actor(system, None, "test", None)),
            ):
                await accounts.set_status(session, account_id, AccountStatus.SUSPENDED)
        assert refused.value.field == ("accountId",)
    assert (await account(db, system)).status == before
