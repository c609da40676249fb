"""Changing a password, and replacing a forgotten one."""

import asyncio
from datetime import timedelta

import pytest

from igny8.access import Role
from igny8.auth import password_change, password_reset
from igny8.auth.sessions import SignedIn
from igny8.auth.sign_in import sign_in
from igny8.errors import Unauthenticated, ValidationFailed
from tests.auth.people import OTHER_PASSWORD, PASSWORD, House

pytestmark = pytest.mark.anyio


async def change(house: House, who: SignedIn, current: str, new: str) -> None:
    member = who.member
    password_hash = await password_change.prepared(
        house.desk, house.origin, account_id=member.account_id, user_id=member.user_id, current=current, new=new
    )
    async with house.writing(who) as (session, viewer):
        await password_change.change(
            session,
            house.desk.outbox,
            account_id=viewer.account_id,
            user_id=viewer.user_id,
            session_id=viewer.session_id,
            password_hash=password_hash,
        )


async def signs_in(house: House, password: str, email: str = "ada@example.com") -> bool:
    try:
        await sign_in(house.desk, house.origin, email=email, password=password)
    except ValidationFailed:
        return False
    return True


async def asked(house: House, email: str = "ada@example.com") -> str:
    """The token of the link that is mailed to whoever forgot the password."""
    await password_reset.request(house.desk, house.origin, email)
    return house.mails(email)[-1].token


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER])
async def test_everybody_changes_their_password(house: House, role: Role) -> None:
    who = await house.sign_up()
    email = "ada@example.com"
    if role is not Role.OWNER:
        email = "bob@example.com"
        who = await house.join(who, email, role)
    elsewhere = await sign_in(house.desk, house.origin, email=email, password=PASSWORD)
    await change(house, who, PASSWORD, OTHER_PASSWORD)
    assert await house.is_signed_in(who)
    assert not await house.is_signed_in(elsewhere)
    assert not await signs_in(house, PASSWORD, email)
    assert await signs_in(house, OTHER_PASSWORD, email)
    assert house.mails(email)[-1].subject == "Your password was changed"
    assert ("UPDATED", "User", {"changed": "password"}) in house.changes()


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong password", OTHER_PASSWORD, "currentPassword"),
        (PASSWORD, "short", "newPassword"),
        (PASSWORD, "ada@example.com", "newPassword"),
    ],
)
async def test_a_refused_change_changes_nothing(house: House, current: str, new: str, field: str) -> None:
    who = await house.sign_up()
    before = house.everything()
    with pytest.raises(ValidationFailed) as refused:
        await change(house, who, current, new)
    assert refused.value.field == (field,)
    assert house.everything() == before


async def test_who_was_disabled_meanwhile_changes_nothing(house: House) -> None:
    who = await house.sign_up()
    house.sql.execute("UPDATE app_user SET status = 'DISABLED'")
    before = house.everything()
    with pytest.raises(Unauthenticated):
        await change(house, who, PASSWORD, OTHER_PASSWORD)
    assert house.everything() == before


async def test_a_reset_replaces_the_password_and_signs_in_here_alone(house: House) -> None:
    who = await house.sign_up()
    token = await asked(house)
    assert house.row("SELECT expires_at - created_at AS d FROM mail_token WHERE purpose = 'RESET_PASSWORD'")[
        "d"
    ] == timedelta(hours=1)
    again = await password_reset.reset(house.desk, house.origin, token, OTHER_PASSWORD)
    assert not await house.is_signed_in(who)
    assert await house.is_signed_in(again)
    assert await signs_in(house, OTHER_PASSWORD)
    assert not await signs_in(house, PASSWORD)
    assert house.mails()[-1].subject == "Your password was changed"


async def test_a_reset_proves_the_address(house: House) -> None:
    await house.sign_up()
    await password_reset.reset(house.desk, house.origin, await asked(house), OTHER_PASSWORD)
    assert house.row("SELECT email_verified FROM app_user") == {"email_verified": True}
    assert house.row("SELECT balance FROM wallet") == {"balance": 2000}


async def test_a_link_works_once_and_only_the_newest(house: House) -> None:
    await house.sign_up()
    first, second = await asked(house), await asked(house)
    for token in (first, "igm_unknown", "", "\ud800"):
        before = house.everything()
        with pytest.raises(ValidationFailed) as refused:
            await password_reset.reset(house.desk, house.origin, token, OTHER_PASSWORD)
        assert refused.value.field == ("token",)
        assert house.everything() == before
    await password_reset.reset(house.desk, house.origin, second, OTHER_PASSWORD)
    with pytest.raises(ValidationFailed):
        await password_reset.reset(house.desk, house.origin, second, PASSWORD)
    assert await signs_in(house, OTHER_PASSWORD)


async def test_two_resets_at_once_are_one(house: House) -> None:
    await house.sign_up()
    token = await asked(house)
    done = await asyncio.gather(
        *(password_reset.reset(house.desk, house.origin, token, OTHER_PASSWORD) for _ in range(3)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["SignedIn", "ValidationFailed", "ValidationFailed"]


async def test_a_verification_link_resets_nothing(house: House) -> None:
    await house.sign_up()
    with pytest.raises(ValidationFailed):
        await password_reset.reset(house.desk, house.origin, house.mails()[0].token, OTHER_PASSWORD)


async def test_a_weak_password_keeps_the_link_good(house: House) -> None:
    await house.sign_up()
    token = await asked(house)
    with pytest.raises(ValidationFailed) as refused:
        await password_reset.reset(house.desk, house.origin, token, "short")
    assert refused.value.field == ("newPassword",)
    assert await house.is_signed_in(await password_reset.reset(house.desk, house.origin, token, OTHER_PASSWORD))


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE app_user SET status = 'DISABLED'",
        "UPDATE app_user SET email = 'new@example.com', email_key = 'new@example.com'",
        "UPDATE mail_token SET expires_at = now()",
    ],
)
async def test_a_link_that_is_stale_resets_nothing(house: House, meanwhile: str) -> None:
    await house.sign_up()
    token = await asked(house)
    house.sql.execute(meanwhile)
    before = house.everything()
    with pytest.raises(ValidationFailed):
        await password_reset.reset(house.desk, house.origin, token, OTHER_PASSWORD)
    assert house.everything() == before


async def test_nobody_unknown_or_disabled_gets_a_link(house: House) -> None:
    await house.sign_up()
    house.sql.execute("UPDATE app_user SET status = 'DISABLED'")
    before = house.everything()
    await password_reset.request(house.desk, house.origin, "ada@example.com")
    await password_reset.request(house.desk, house.origin, "nobody@example.com")
    assert house.everything() == before


async def test_several_accounts_get_a_link_each_unless_one_is_named(house: House) -> None:
    first = await house.sign_up(account="First")
    second = await house.sign_up(account="Second")
    await password_reset.request(house.desk, house.origin, "ada@example.com")
    links = [letter for letter in house.mails() if letter.subject == "Choose a new password"]
    assert len(links) == 2
    await password_reset.request(house.desk, house.origin, "ada@example.com", account_slug="second")
    token = house.mails()[-1].token
    done = await password_reset.reset(house.desk, house.origin, token, OTHER_PASSWORD)
    assert done.member.account_id == second.member.account_id
    assert await house.is_signed_in(first)


async def test_a_changed_password_makes_mailed_links_worthless(house: House) -> None:
    who = await house.sign_up()
    token = await asked(house)
    await change(house, who, PASSWORD, OTHER_PASSWORD)
    with pytest.raises(ValidationFailed):
        await password_reset.reset(house.desk, house.origin, token, PASSWORD)
