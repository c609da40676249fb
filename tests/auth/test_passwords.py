"""Which passwords are accepted, and how they are checked under load."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igny8.auth import passwords
from igny8.errors import Unavailable, ValidationFailed

EMAIL = "Ada.Lovelace@Example.com"
GOOD = "violet bicycle 9"


def refusal(password: str) -> str:
    with pytest.raises(ValidationFailed) as refused:
        passwords.check_strength(password, email=EMAIL)
    assert refused.value.field == ("input", "password")
    return refused.value.message


@pytest.mark.parametrize(
    "password", [GOOD, "é" * 4 + "ñüß123", "x1y2" * 50, "пароль длинный", "🐈🐕🐎🐄🐖🐏🐐🦌🐪🐘"]
)
def test_a_good_password_is_accepted(password: str) -> None:
    passwords.check_strength(password, email=EMAIL)


def test_the_length_is_counted_in_characters() -> None:
    assert refusal("a1b2c3d4e") == "The password must have at least 10 characters."
    assert refusal("é" * 9) == "The password must have at least 10 characters."
    assert refusal("x1y2" * 50 + "z") == "The password must have at most 200 characters."


def test_characters_that_compose_count_once() -> None:
    assert refusal("e\u0301" * 9) == "The password must have at least 10 characters."


@pytest.mark.parametrize("password", ["ada.lovelace@example.com", "ADA.LOVELACE", "ada.lovelace"])
def test_the_address_is_no_password(password: str) -> None:
    assert refusal(password) == "The password must not be your e-mail address; choose another one."


@pytest.mark.parametrize(
    "password", ["Password123", "1q2w3e4r5t", "qwertyuiop", "abababababab", "1111111111", " " * 12]
)
def test_a_first_guess_is_no_password(password: str) -> None:
    assert refusal(password) == "This password is one of the first that others would guess; choose another one."


def test_text_that_is_not_valid_is_refused() -> None:
    assert "not valid text" in refusal("violet bicycle \ud800")


def test_the_field_at_fault_can_be_named() -> None:
    with pytest.raises(ValidationFailed) as refused:
        passwords.check_strength("short", email=EMAIL, field=("newPassword",))
    assert refused.value.field == ("newPassword",)


@given(st.text(st.characters(), max_size=260))
def test_no_text_of_another_length_is_accepted(password: str) -> None:
    try:
        passwords.check_strength(password, email=EMAIL)
    except ValidationFailed:
        return
    assert 10 <= len(password) <= 200


def test_a_hash_is_argon2id_with_our_cost_and_a_salt() -> None:
    async def twice() -> tuple[str, str]:
        return await asyncio.gather(passwords.hash(GOOD), passwords.hash(GOOD))

    first, second = asyncio.run(twice())
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert not passwords.needs_rehash(first)
    assert passwords.needs_rehash(first.replace("t=2", "t=1"))


def test_only_the_password_itself_verifies() -> None:
    async def check() -> list[bool]:
        stored = await passwords.hash("caf\u00e9 au lait")
        tries = (
            "caf\u00e9 au lait",
            "cafe\u0301 au lait",
            "Caf\u00e9 au lait",
            "",
            "\ud800",
            "caf\u00e9 au lait" + " " * 200,
        )
        return [await passwords.verify(stored, password) for password in tries]

    assert asyncio.run(check()) == [True, True, False, False, False, False]


def test_the_cut_end_of_a_long_password_counts() -> None:
    async def check() -> bool:
        longest = "x1y2" * 50
        return await passwords.verify(await passwords.hash(longest), longest + "z")

    assert asyncio.run(check()) is False


def test_nobody_is_checked_with_the_work_of_somebody() -> None:
    assert not passwords.needs_rehash(passwords.NOBODY)
    assert asyncio.run(passwords.verify(None, "not the password")) is False


def test_a_flood_is_refused_at_once_and_passes() -> None:
    most = passwords.MOST_WAITING + 2

    async def flood() -> list[bool | BaseException]:
        tries = (passwords.verify(None, "not the password") for _ in range(most + 5))
        return await asyncio.gather(*tries, return_exceptions=True)

    async def then_one() -> tuple[list[bool | BaseException], bool]:
        answers = await flood()
        return answers, await passwords.verify(None, "not the password")

    answers, after = asyncio.run(then_one())
    assert answers[:most] == [False] * most
    assert [type(answer) for answer in answers[most:]] == [Unavailable] * 5
    assert after is False


def test_hanging_up_gives_the_place_back() -> None:
    async def give_up() -> list[bool]:
        waiting = [asyncio.create_task(passwords.verify(None, "x")) for _ in range(passwords.MOST_WAITING)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return await asyncio.gather(*(passwords.verify(None, "x") for _ in range(passwords.MOST_WAITING)))

    assert asyncio.run(give_up()) == [False] * passwords.MOST_WAITING


def test_the_event_loop_turns_while_hashing() -> None:
    async def turns() -> int:
        hashing = asyncio.gather(*(passwords.hash(GOOD) for _ in range(20)))
        turned = 0
        while not hashing.done():
            await asyncio.sleep(0.001)
            turned += 1
        await hashing
        return turned

    assert asyncio.run(turns()) > 20
