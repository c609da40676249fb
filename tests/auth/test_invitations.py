"""Inviting people, and accepting."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from igny8.access import Role
from igny8.auth import invitations
from igny8.auth.sessions import SignedIn
from igny8.auth.sign_in import sign_in
from igny8.db import new_id
from igny8.errors import AlreadyExists, DomainError, LimitReached, NotAllowedNow, NotFound, ValidationFailed
from tests.auth.people import OTHER_PASSWORD, PASSWORD, House

pytestmark = pytest.mark.anyio


async def invite(house: House, who: SignedIn, **given: Any) -> UUID:
    wanted = {"email": "bob@example.com", "name": "Bob", "role": Role.EDITOR, "site_ids": []} | given
    async with house.writing(who) as (session, viewer):
        return await invitations.invite(session, house.desk.outbox, viewer, **wanted)


async def resend(house: House, who: SignedIn, user_id: UUID) -> None:
    async with house.writing(who) as (session, viewer):
        await invitations.resend(session, house.desk.outbox, viewer, user_id)


async def accept(house: House, token: str, password: str = PASSWORD, name: str | None = None) -> SignedIn:
    return await invitations.accept(house.desk, house.origin, token=token, password=password, name=name)


def site(house: House, who: SignedIn, slug: str) -> UUID:
    site_id = new_id()
    house.sql.execute(
        "INSERT INTO site (account_id, id, name, slug, language, timezone) VALUES (%s, %s, 'S', %s, 'en', 'UTC')",
        (who.member.account_id, site_id, slug),
    )
    return site_id


async def test_an_invitation_becomes_a_user_with_grants(house: House) -> None:
    owner = await house.sign_up()
    granted, other = site(house, owner, "granted"), site(house, owner, "other")
    user_id = await invite(house, owner, email="Bob@Example.com", site_ids=[granted])
    user = house.row("SELECT email, name, role, status, email_verified FROM app_user WHERE id = %s", user_id)
    assert user == {
        "email": "Bob@Example.com",
        "name": "Bob",
        "role": "EDITOR",
        "status": "INVITED",
        "email_verified": False,
    }
    (letter,) = house.mails("Bob@Example.com")
    assert letter.subject == "You are invited to Acme on IGNY8"
    assert "Ada invites you to work in the account Acme as an editor." in letter.text
    seen = await invitations.shown(house.desk.db, letter.token)
    assert seen is not None
    assert (seen.account_name, seen.email, seen.role, seen.invited_by) == (
        "Acme",
        "Bob@Example.com",
        Role.EDITOR,
        "Ada",
    )
    token = house.row("SELECT expires_at, expires_at - created_at AS d FROM mail_token WHERE purpose = 'INVITATION'")
    assert (seen.expires_at, token["d"]) == (token["expires_at"], timedelta(days=7))
    bob = await accept(house, letter.token, name="Robert")
    assert (bob.member.user_id, bob.member.role) == (user_id, Role.EDITOR)
    user = house.row("SELECT name, status, email_verified FROM app_user WHERE id = %s", user_id)
    assert user == {"name": "Robert", "status": "ACTIVE", "email_verified": True}
    async with house.writing(bob) as (session, _):
        visible = (await session.connection()).exec_driver_sql("SELECT id FROM site")
        assert [row[0] for row in await visible] == [granted]
    assert other != granted
    assert await invitations.shown(house.desk.db, letter.token) is None
    again = await sign_in(house.desk, house.origin, email="bob@example.com", password=PASSWORD)
    assert again.member.user_id == user_id
    assert house.row("SELECT balance FROM wallet") == {"balance": 0}


async def test_without_a_name_the_address_gives_one(house: House) -> None:
    owner = await house.sign_up()
    user_id = await invite(house, owner, name=None)
    assert house.row("SELECT name FROM app_user WHERE id = %s", user_id) == {"name": "bob"}
    await accept(house, house.mails("bob@example.com")[-1].token)
    assert house.row("SELECT name FROM app_user WHERE id = %s", user_id) == {"name": "bob"}


async def test_an_admin_invites_an_admin(house: House) -> None:
    admin = await house.join(await house.sign_up(), "admin@example.com", Role.ADMIN)
    bob = await house.join(admin, "bob@example.com", Role.ADMIN)
    assert bob.member.role == Role.ADMIN


@pytest.mark.parametrize(
    ("given", "error", "field"),
    [
        ({"role": Role.OWNER}, ValidationFailed, ("input", "role")),
        ({"role": Role.DEVELOPER}, ValidationFailed, ("input", "role")),
        ({"role": Role.SYSTEM_BOT}, ValidationFailed, ("input", "role")),
        ({"email": "bob"}, ValidationFailed, ("input", "email")),
        ({"email": "ADA@example.com"}, AlreadyExists, ("input", "email")),
        ({"name": "\0"}, ValidationFailed, ("input", "name")),
        ({"role": Role.ADMIN, "site_ids": [new_id()]}, ValidationFailed, ("input", "siteIds")),
        ({"site_ids": [new_id()]}, NotFound, ("input", "siteIds", "0")),
    ],
)
async def test_a_refused_invitation_changes_nothing(
    house: House, given: dict[str, Any], error: type[DomainError], field: tuple[str, ...]
) -> None:
    owner = await house.sign_up()
    before = house.everything()
    with pytest.raises(error) as refused:
        await invite(house, owner, **given)
    assert refused.value.field == field
    assert house.everything() == before


async def test_a_site_of_another_account_is_not_found(house: House) -> None:
    owner = await house.sign_up()
    stranger = await house.sign_up("eve@example.com", account="Evil")
    foreign = site(house, stranger, "foreign")
    with pytest.raises(NotFound):
        await invite(house, owner, site_ids=[foreign])
    assert house.rows("SELECT * FROM site_user_access") == []


async def test_the_plan_limits_the_invited_too(house: House) -> None:
    owner = await house.sign_up()
    await invite(house, owner, email="one@example.com")
    await invite(house, owner, email="two@example.com")
    with pytest.raises(LimitReached) as refused:
        await invite(house, owner, email="three@example.com")
    assert refused.value.details == {"limit": "USERS", "used": 3, "max": 3}
    assert house.mails("three@example.com") == []


async def test_of_two_equal_invitations_at_once_one_is_made(house: House) -> None:
    owner = await house.sign_up()
    made = await asyncio.gather(*(invite(house, owner) for _ in range(3)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["AlreadyExists", "AlreadyExists", "UUID"]
    assert len(house.mails("bob@example.com")) == 1


async def test_resending_replaces_the_link(house: House) -> None:
    owner = await house.sign_up()
    user_id = await invite(house, owner)
    await resend(house, owner, user_id)
    first, second = (letter.token for letter in house.mails("bob@example.com"))
    assert await invitations.shown(house.desk.db, first) is None
    with pytest.raises(ValidationFailed):
        await accept(house, first)
    assert (await accept(house, second)).member.user_id == user_id
    with pytest.raises(NotAllowedNow):
        await resend(house, owner, user_id)


async def test_a_user_of_another_account_is_not_found(house: House) -> None:
    owner = await house.sign_up()
    user_id = await invite(house, owner)
    stranger = await house.sign_up("eve@example.com", account="Evil")
    for unknown in (user_id, new_id()):
        with pytest.raises(NotFound) as refused:
            await resend(house, stranger, unknown)
        assert refused.value.field == ("userId",)


async def test_an_invitation_is_accepted_once(house: House) -> None:
    await invite(house, await house.sign_up())
    token = house.mails("bob@example.com")[-1].token
    done = await asyncio.gather(accept(house, token), accept(house, token, OTHER_PASSWORD), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["SignedIn", "ValidationFailed"]


@pytest.mark.parametrize(
    "meanwhile",
    [
        "DELETE FROM app_user WHERE status = 'INVITED'",
        "UPDATE app_user SET status = 'DISABLED' WHERE status = 'INVITED'",
        "UPDATE mail_token SET expires_at = now()",
    ],
)
async def test_a_withdrawn_invitation_lets_nobody_in(house: House, meanwhile: str) -> None:
    await invite(house, await house.sign_up())
    token = house.mails("bob@example.com")[-1].token
    house.sql.execute(meanwhile)
    before = house.everything()
    assert await invitations.shown(house.desk.db, token) is None
    with pytest.raises(ValidationFailed) as refused:
        await accept(house, token)
    assert refused.value.field == ("token",)
    assert house.everything() == before


@pytest.mark.parametrize(("password", "name", "field"), [("short", None, "password"), (PASSWORD, " ", "name")])
async def test_bad_input_keeps_the_invitation_good(house: House, password: str, name: str | None, field: str) -> None:
    await invite(house, await house.sign_up())
    token = house.mails("bob@example.com")[-1].token
    with pytest.raises(ValidationFailed) as refused:
        await accept(house, token, password, name)
    assert refused.value.field == (field,)
    assert await house.is_signed_in(await accept(house, token))
