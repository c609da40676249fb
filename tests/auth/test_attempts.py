"""Guessing and flooding: who tries too often has to wait, and nobody learns anything from it."""

import asyncio
from dataclasses import replace

import pytest

from igny8.auth import password_reset, verification
from igny8.auth.sign_in import sign_in
from igny8.errors import DomainError, RateLimited
from tests.auth.people import PASSWORD, House

pytestmark = pytest.mark.anyio


async def outcome(house: House, email: str, password: str = "wrong password") -> str:
    try:
        await sign_in(house.desk, house.origin, email=email, password=password)
    except (DomainError, RateLimited) as error:
        return type(error).__name__
    return "SignedIn"


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_guesses_have_to_wait_whether_the_address_is_known_or_not(house: House, email: str) -> None:
    await house.sign_up()
    outcomes = [await outcome(house, email) for _ in range(12)]
    assert outcomes[:4] == ["ValidationFailed"] * 4
    assert "RateLimited" in outcomes[5:]  # a slow machine may let a second pass between two attempts
    assert await outcome(house, "bob@example.com") == "ValidationFailed"


async def test_while_one_waits_even_the_right_password_is_refused(house: House) -> None:
    await house.sign_up()
    for _ in range(12):
        await outcome(house, "ada@example.com")
    assert await outcome(house, "ADA@example.com", PASSWORD) == "RateLimited"


async def test_the_right_password_ends_the_waiting(house: House) -> None:
    await house.sign_up()
    for _ in range(2):
        for _ in range(3):
            assert await outcome(house, "ada@example.com") == "ValidationFailed"
        assert await outcome(house, "ada@example.com", PASSWORD) == "SignedIn"


async def test_a_hundred_guesses_at_once_are_a_hundred(house: House) -> None:
    await house.sign_up()
    outcomes = await asyncio.gather(*(outcome(house, "ada@example.com") for _ in range(100)))
    assert outcomes.count("ValidationFailed") <= 20
    assert set(outcomes) == {"ValidationFailed", "RateLimited"}


async def test_one_network_address_makes_so_many_accounts_an_hour(house: House) -> None:
    for _ in range(20):
        await house.desk.throttle.hit("sign-up:from:192.0.2.7", most=20, seconds=3_600)
    with pytest.raises(RateLimited):
        await house.sign_up()
    assert house.rows("SELECT * FROM account") == []
    elsewhere = replace(house, origin=replace(house.origin, ip_address="192.0.2.8"))
    await elsewhere.sign_up()


async def test_nobodys_mailbox_is_flooded(house: House) -> None:
    await house.sign_up()
    sent = len(house.mails())
    for _ in range(3):
        await password_reset.request(house.desk, house.origin, "ada@example.com")
    for _ in range(2):
        await verification.resend(house.desk, house.origin, "ada@example.com")
    with pytest.raises(RateLimited):
        await password_reset.request(house.desk, house.origin, "ADA@example.com")
    assert len(house.mails()) == sent + 5
