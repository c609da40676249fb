"""Signing up, and proving the address."""

from datetime import timedelta

import pytest

from igny8.access import Role
from igny8.auth import emails, verification
from igny8.errors import NotAllowedNow, ValidationFailed
from igny8.onboarding.sign_up import sign_up
from tests.auth.people import PASSWORD, House

pytestmark = pytest.mark.anyio


async def test_sign_up_makes_a_whole_account(house: House) -> None:
    who = await house.sign_up(" Ada@Example.com ", account="Acme & Söhne")
    account = house.row("SELECT * FROM account")
    assert (account["id"], account["name"], account["slug"], account["status"], account["is_system"]) == (
        who.member.account_id,
        "Acme & Söhne",
        "acme-sohne",
        "TRIAL",
        False,
    )
    user = house.row("SELECT * FROM app_user")
    assert (user["id"], user["email"], user["email_key"], user["email_verified"], user["name"]) == (
        who.member.user_id,
        "Ada@Example.com",
        "ada@example.com",
        False,
        "Ada",
    )
    assert (user["role"], user["status"], who.member.role) == ("OWNER", "ACTIVE", Role.OWNER)
    assert user["last_signed_in_at"] is not None
    subscription = house.row("SELECT s.*, p.slug FROM subscription s JOIN plan p ON p.id = s.plan_id")
    assert (subscription["slug"], subscription["status"]) == ("free-trial", "TRIALING")
    period = subscription["current_period_end"] - subscription["current_period_start"]
    assert timedelta(days=28) <= period <= timedelta(days=31)
    assert house.row("SELECT balance, held FROM wallet") == {"balance": 0, "held": 0}
    session = house.row("SELECT * FROM session")
    assert (session["id"], session["user_agent"], session["ip_address"]) == (
        who.member.session_id,
        "Browser/1",
        "192.0.2.7",
    )
    assert [(mail.recipient, mail.subject) for mail in house.mails()] == [
        ("Ada@Example.com", "Confirm your e-mail address")
    ]
    assert [(kind, node) for kind, node, _ in house.changes()] == [
        ("CREATED", "Account"),
        ("CREATED", "AccountSubscription"),
        ("CREATED", "User"),
        ("CREATED", "Session"),
    ]


async def test_tokens_and_passwords_are_stored_nowhere_in_the_clear(house: House) -> None:
    who = await house.sign_up()
    stored = house.everything()
    for secret in (PASSWORD, who.tokens.refresh_token, who.tokens.access_token, house.mails()[0].token):
        assert secret not in stored
        assert secret.encode().hex() not in stored
    assert who.tokens.refresh_token not in repr(who)
    assert who.tokens.access_token not in repr(who)


async def test_the_access_token_names_the_session(house: House) -> None:
    who = await house.sign_up()
    claims = house.desk.access_tokens.read(who.tokens.access_token)
    assert (claims.account_id, claims.user_id, claims.session_id, claims.role) == (
        who.member.account_id,
        who.member.user_id,
        who.member.session_id,
        Role.OWNER,
    )
    async with house.writing(who) as (_, viewer):
        assert viewer.account_id == who.member.account_id


async def test_a_known_address_makes_another_account(house: House) -> None:
    first = await house.sign_up()
    second = await house.sign_up("ADA@example.com")
    assert first.member.account_id != second.member.account_id
    slugs = [row["slug"] for row in house.rows("SELECT slug FROM account ORDER BY id")]
    assert slugs[0] == "acme"
    assert slugs[1].startswith("acme-")
    assert len(slugs[1]) == len("acme-") + 6


@pytest.mark.parametrize(("account", "begins"), [("日本", "account"), ("X", "x-"), ("a" * 100, "a" * 40)])
async def test_every_account_name_leads_to_a_slug(house: House, account: str, begins: str) -> None:
    await house.sign_up(account=account)
    assert house.row("SELECT slug FROM account")["slug"].startswith(begins)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("email", {"email": "ada.example.com"}),
        ("email", {"email": "ada@example.com\nBcc: eve@example.com"}),
        ("email", {"email": "a" * 250 + "@example.com"}),
        ("name", {"name": "  "}),
        ("accountName", {"account_name": ""}),
        ("password", {"password": "short"}),
        ("password", {"password": "ada@example.com"}),
    ],
)
async def test_bad_input_is_named_and_changes_nothing(house: House, field: str, values: dict[str, str]) -> None:
    given = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada", "account_name": "Acme"} | values
    with pytest.raises(ValidationFailed) as refused:
        await sign_up(house.desk, house.origin, **given)
    assert refused.value.field == ("input", field)
    assert house.rows("SELECT * FROM account") == []


async def test_the_trial_credits_come_with_the_proof_and_once(house: House) -> None:
    who = await house.sign_up()
    first = house.mails()[0].token
    assert await verification.verify(house.desk, house.origin, first) == who.member.user_id
    assert house.row("SELECT email_verified FROM app_user")["email_verified"] is True
    assert house.row("SELECT balance FROM wallet") == {"balance": 2000}
    entry = house.row("SELECT key, transaction_type, amount, balance_after FROM credit_entry")
    assert entry == {"key": "trial", "transaction_type": "SUBSCRIPTION", "amount": 2000, "balance_after": 2000}
    with pytest.raises(ValidationFailed) as refused:
        await verification.verify(house.desk, house.origin, first)
    assert refused.value.field == ("token",)
    house.sql.execute("UPDATE app_user SET email_verified = false")
    await verification.resend(house.desk, house.origin, "ada@example.com")
    await verification.verify(house.desk, house.origin, house.mails()[-1].token)
    assert house.row("SELECT balance FROM wallet") == {"balance": 2000}


async def test_without_the_need_for_a_proof_the_credits_come_at_once(house: House) -> None:
    free = house.with_settings(require_verified_email=False, sign_up_plan="scale")
    await free.sign_up()
    assert house.row("SELECT balance FROM wallet") == {"balance": 80_000}
    assert house.row("SELECT status FROM account") == {"status": "ACTIVE"}
    await verification.verify(free.desk, house.origin, house.mails()[0].token)
    assert house.row("SELECT balance FROM wallet") == {"balance": 80_000}


async def test_a_plan_that_does_not_exist_closes_sign_up(house: House) -> None:
    with pytest.raises(NotAllowedNow):
        await house.with_settings(sign_up_plan="gone").sign_up()
    assert house.rows("SELECT * FROM account") == []


async def test_only_the_newest_link_proves_and_only_for_a_day(house: House) -> None:
    await house.sign_up()
    await verification.resend(house.desk, house.origin, " ADA@example.com")
    first, second = house.mails()
    with pytest.raises(ValidationFailed):
        await verification.verify(house.desk, house.origin, first.token)
    house.sql.execute("UPDATE mail_token SET expires_at = now() - interval '1 second'")
    with pytest.raises(ValidationFailed):
        await verification.verify(house.desk, house.origin, second.token)
    assert house.row("SELECT email_verified FROM app_user")["email_verified"] is False


async def test_a_link_expires_in_a_day(house: House) -> None:
    await house.sign_up()
    token = house.row("SELECT expires_at - created_at AS lifetime FROM mail_token")
    assert token["lifetime"] == timedelta(hours=24)


async def test_the_link_is_sent_again_only_where_it_is_wanted(house: House) -> None:
    await house.sign_up()
    await verification.verify(house.desk, house.origin, house.mails()[0].token)
    before = house.everything()
    await verification.resend(house.desk, house.origin, "ada@example.com")
    await verification.resend(house.desk, house.origin, "nobody@example.com")
    assert house.everything() == before


def test_addresses_are_equal_without_regard_to_case_and_form() -> None:
    same = {emails.key(text) for text in ("Straße@Example.com", "STRASSE@EXAMPLE.COM", " \uff53trasse@example.com")}
    assert same == {"strasse@example.com"}
