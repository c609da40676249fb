"""Exchanging refresh tokens: once each, again for a lost reply, and never for a copy."""

import asyncio
from datetime import timedelta

import pytest

from igny8.auth.refreshing import refresh
from igny8.auth.sessions import SignedIn
from igny8.errors import Unauthenticated
from tests.auth.people import House

pytestmark = pytest.mark.anyio


async def exchanged(house: House, who: SignedIn) -> SignedIn:
    return await refresh(house.desk, house.origin, who.tokens.refresh_token)


async def test_an_exchange_prolongs_the_session(house: House) -> None:
    who = await house.sign_up()
    house.sql.execute(
        "UPDATE session SET expires_at = expires_at - interval '10 days', last_used_at = now() - interval '1 day'"
    )
    new = await exchanged(house, who)
    assert new.member == who.member
    assert new.tokens.refresh_token != who.tokens.refresh_token
    assert await house.is_signed_in(new)
    session = house.row("SELECT expires_at, expires_at - last_used_at AS lives FROM session")
    assert session["lives"] == timedelta(days=30)
    assert new.tokens.refresh_token_expires_at == session["expires_at"]
    assert house.changes()[-1][:2] == ("UPDATED", "Session")


async def test_a_long_line_of_exchanges_stays_one_session(house: House) -> None:
    who = await house.sign_up()
    seen = {who.tokens.refresh_token}
    for _ in range(5):
        who = await exchanged(house, who)
        seen.add(who.tokens.refresh_token)
    assert len(seen) == 6
    assert house.row("SELECT count(*) AS n FROM session") == {"n": 1}


async def test_a_lost_reply_is_given_again(house: House) -> None:
    who = await house.sign_up()
    first = await exchanged(house, who)
    before = house.everything()
    again = await exchanged(house, who)
    assert again.tokens.refresh_token == first.tokens.refresh_token
    assert again.tokens.refresh_token_expires_at == first.tokens.refresh_token_expires_at
    assert house.everything() == before
    assert await house.is_signed_in(await exchanged(house, again))


async def test_a_copied_token_ends_the_session(house: House) -> None:
    who = await house.sign_up()
    new = await exchanged(house, who)
    other = await house.sign_up("eve@example.com")
    house.sql.execute("UPDATE refresh_token SET used_at = used_at - interval '31 seconds'")
    with pytest.raises(Unauthenticated):
        await exchanged(house, who)
    assert not await house.is_signed_in(new)
    assert await house.is_signed_in(other)
    with pytest.raises(Unauthenticated):
        await exchanged(house, new)
    assert house.row("SELECT count(*) AS n FROM change WHERE kind = 'DELETED' AND node_type = 'Session'")["n"] == 1


async def test_exchanges_at_once_have_one_successor(house: House) -> None:
    who = await house.sign_up()
    pairs = await asyncio.gather(*(exchanged(house, who) for _ in range(8)))
    assert len({pair.tokens.refresh_token for pair in pairs}) == 1
    assert house.row("SELECT count(*) AS n FROM refresh_token") == {"n": 2}
    assert house.row("SELECT count(*) AS n FROM change WHERE kind = 'UPDATED' AND node_type = 'Session'")["n"] == 1


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE session SET revoked_at = now()",
        "UPDATE session SET expires_at = now()",
        "UPDATE app_user SET status = 'DISABLED'",
        "UPDATE refresh_token SET expires_at = now()",
        "DELETE FROM session",
    ],
)
async def test_what_has_ended_is_not_prolonged(house: House, ended: str) -> None:
    who = await house.sign_up()
    house.sql.execute(ended)
    before = house.everything()
    with pytest.raises(Unauthenticated):
        await exchanged(house, who)
    assert house.everything() == before


@pytest.mark.parametrize("token", ["", "igr_", "igr_unknown", "\ud800", "x" * 100_000, "a\0b"])
async def test_a_foreign_token_is_refused(house: House, token: str) -> None:
    await house.sign_up()
    with pytest.raises(Unauthenticated):
        await refresh(house.desk, house.origin, token)


async def test_a_suspended_account_keeps_its_sessions(house: House) -> None:
    who = await house.sign_up()
    house.sql.execute("UPDATE account SET status = 'SUSPENDED'")
    assert await house.is_signed_in(await exchanged(house, who))
