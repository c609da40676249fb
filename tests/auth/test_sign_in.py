"""Signing in, and what it does not tell."""

import asyncio

import pytest

from igny8 import transactions
from igny8.access import Role
from igny8.auth import credentials, members, passwords, people, sessions
from igny8.auth.sign_in import REFUSED, sign_in
from igny8.auth.tables import UserStatus
from igny8.errors import DomainError, NotFound, ValidationFailed
from tests.auth.people import OTHER_PASSWORD, PASSWORD, House

pytestmark = pytest.mark.anyio


async def refusal(house: House, email: str, password: str = PASSWORD, slug: str | None = None) -> DomainError:
    before = house.everything()
    with pytest.raises(ValidationFailed) as refused:
        await sign_in(house.desk, house.origin, email=email, password=password, account_slug=slug)
    assert house.everything() == before
    return refused.value


async def test_the_right_password_begins_a_session(house: House) -> None:
    who = await house.sign_up()
    again = await sign_in(house.desk, house.origin, email=" \uff21\uff24\uff21@example.com", password=PASSWORD)
    assert again.member.user_id == who.member.user_id
    assert again.member.session_id != who.member.session_id
    assert await house.is_signed_in(who)
    assert await house.is_signed_in(again)
    assert house.changes()[-1][:2] == ("CREATED", "Session")


async def test_every_refusal_is_the_same(house: House) -> None:
    owner = await house.sign_up()
    await house.join(owner, "disabled@example.com", Role.ADMIN)
    house.sql.execute("UPDATE app_user SET status = 'DISABLED' WHERE email = 'disabled@example.com'")
    house.sql.execute(
        "INSERT INTO app_user (account_id, id, email, email_key, name, role, status)"
        " SELECT account_id, gen_random_uuid(), 'invited@example.com', 'invited@example.com', 'I', 'ADMIN', 'INVITED'"
        " FROM app_user WHERE role = 'OWNER'"
    )
    refusals = [
        await refusal(house, "ada@example.com", "wrong password"),
        await refusal(house, "nobody@example.com"),
        await refusal(house, "disabled@example.com"),
        await refusal(house, "invited@example.com"),
        await refusal(house, "no address"),
        await refusal(house, "ada@example.com", PASSWORD, "other-account"),
        await refusal(house, "ada@example.com", "x" * 100_000),
        await refusal(house, "a" * 100_000 + "\ud800@example.com"),
    ]
    assert {(error.message, error.field, error.code) for error in refusals} == {(REFUSED, (), "VALIDATION")}
    assert {repr(error.details) for error in refusals} == {"None"}


async def test_one_password_in_several_accounts_asks_for_the_account(house: House) -> None:
    first = await house.sign_up(account="First")
    await house.sign_up(account="Second")
    await house.sign_up(account="Foreign", password=OTHER_PASSWORD)
    error = await refusal(house, "ada@example.com")
    assert error.field == ("input", "accountSlug")
    assert error.details == {"accountSlugs": "first, second"}
    assert "foreign" not in error.message
    signed_in = await sign_in(
        house.desk, house.origin, email="ada@example.com", password=PASSWORD, account_slug=" First"
    )
    assert signed_in.member.account_id == first.member.account_id


async def test_the_password_may_choose_the_account(house: House) -> None:
    await house.sign_up(account="First")
    second = await house.sign_up(account="Second", password=OTHER_PASSWORD)
    signed_in = await sign_in(house.desk, house.origin, email="ada@example.com", password=OTHER_PASSWORD)
    assert signed_in.member.account_id == second.member.account_id


async def test_accounts_that_strangers_make_with_an_address_do_not_crowd_its_owner_out(house: House) -> None:
    who = await house.sign_up()
    house.sql.execute("UPDATE app_user SET email_verified = true")
    for number in range(people.MOST + 1):
        await house.sign_up(account=f"Stranger {number}", password=OTHER_PASSWORD)
    house.sql.execute("UPDATE app_user SET created_at = now() WHERE email_verified")
    signed_in = await sign_in(house.desk, house.origin, email="ada@example.com", password=PASSWORD)
    assert signed_in.member.account_id == who.member.account_id


async def test_a_password_that_changes_meanwhile_wins_over_the_sign_in(house: House) -> None:
    who = await house.sign_up()
    (person,) = await people.known_as(house.desk.db, "ada@example.com")
    member = who.member
    async with house.writing(who) as (session, _):
        await credentials.store(
            session,
            account_id=member.account_id,
            user_id=member.user_id,
            password_hash=await passwords.hash(OTHER_PASSWORD),
        )
    async with (
        transactions.acting_as(house.desk.db, person.account_id, person.user_id) as session,
        transactions.logged(session, house.origin.actor(person.account_id, person.user_id)),
    ):
        late = await sessions.begin(
            session,
            house.desk.access_tokens,
            house.origin,
            account_id=person.account_id,
            user_id=person.user_id,
            unchanged_since=person.updated_at,
        )
    assert late is None
    assert (await refusal(house, "ada@example.com")).message == REFUSED


async def test_sign_ins_at_once_all_succeed(house: House) -> None:
    await house.sign_up()
    begun = await asyncio.gather(
        *(sign_in(house.desk, house.origin, email="ada@example.com", password=PASSWORD) for _ in range(4))
    )
    assert len({one.member.session_id for one in begun}) == 4


async def test_signing_out_ends_one_session_or_all(house: House) -> None:
    who = [await house.sign_up()]
    who += [await sign_in(house.desk, house.origin, email="ada@example.com", password=PASSWORD) for _ in range(2)]
    member = who[0].member
    async with house.writing(who[0]) as (session, _):
        await sessions.end(
            session, account_id=member.account_id, user_id=member.user_id, session_id=member.session_id
        )
    assert [await house.is_signed_in(one) for one in who] == [False, True, True]
    assert house.changes()[-1][:2] == ("DELETED", "Session")
    async with house.writing(who[1]) as (session, _):
        await sessions.end_all(session, account_id=member.account_id, user_id=member.user_id)
    assert [await house.is_signed_in(one) for one in who] == [False, False, False]


async def test_only_ones_own_living_sessions_can_be_revoked(house: House) -> None:
    owner = await house.sign_up()
    admin = await house.join(owner, "admin@example.com", Role.ADMIN)
    stranger = await house.sign_up("eve@example.com", account="Evil")
    ended = await sign_in(house.desk, house.origin, email="ada@example.com", password=PASSWORD)
    house.sql.execute("UPDATE session SET expires_at = now() WHERE id = %s", (ended.member.session_id,))
    before = house.everything()
    for other in (admin, stranger, ended):
        with pytest.raises(NotFound) as refused:
            async with house.writing(owner) as (session, viewer):
                await sessions.end(
                    session,
                    account_id=viewer.account_id,
                    user_id=viewer.user_id,
                    session_id=other.member.session_id,
                )
        assert refused.value.field == ("id",)
    assert house.everything() == before


async def test_an_editor_signs_out_too(house: House) -> None:
    owner = await house.sign_up()
    editor = await house.join(owner, "editor@example.com", Role.EDITOR)
    async with house.writing(editor) as (session, viewer):
        await sessions.end_all(session, account_id=viewer.account_id, user_id=viewer.user_id)
    assert not await house.is_signed_in(editor)
    assert await house.is_signed_in(owner)


async def test_whoever_is_disabled_is_signed_out(house: House) -> None:
    owner = await house.sign_up()
    admin = await house.join(owner, "admin@example.com", Role.ADMIN)
    async with house.writing(owner) as (session, viewer):
        await members.set_status(session, viewer, admin.member.user_id, UserStatus.DISABLED)
    assert not await house.is_signed_in(admin)
