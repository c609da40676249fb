"""Access tokens are ours, for fifteen minutes; opaque tokens are random, and their successors are told by our key."""

import base64
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from igny8 import tokens
from igny8.access import Role
from igny8.errors import Unauthenticated
from igny8.tokens import AccessTokens, RefreshTokens, SecretKind

KEY = SecretStr(base64.b64encode(b"k" * 32).decode())
OTHER_KEY = SecretStr(base64.b64encode(b"z" * 32).decode())
SIGNING_KEY = tokens.derive(KEY, "access token")
USER, ACCOUNT, SESSION = uuid4(), uuid4(), uuid4()
EXPIRED = "Your access token has expired; refresh it."
INVALID = "Your access token is not valid; sign in again."


def issue(access: AccessTokens, now: datetime, session: UUID = SESSION) -> tuple[str, datetime]:
    return access.issue(user_id=USER, account_id=ACCOUNT, session_id=session, role=Role.EDITOR, now=now)


def refusal(access: AccessTokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        access.read(token)
    return refused.value.message


def claims(**changed: object) -> dict[str, object]:
    now = int(time.time())
    whole: dict[str, object] = {
        "iss": "igny8",
        "aud": "igny8-api",
        "typ": "access",
        "sub": USER.hex,
        "acc": ACCOUNT.hex,
        "sid": SESSION.hex,
        "rol": "EDITOR",
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**whole, **changed}.items() if value is not None}


def test_a_token_says_what_was_put_in() -> None:
    now = datetime.now(UTC)
    token, expires_at = issue(AccessTokens(KEY), now)
    read = AccessTokens(KEY).read(token)
    assert (read.user_id, read.account_id, read.session_id, read.role) == (USER, ACCOUNT, SESSION, Role.EDITOR)
    assert read.issued_at == now.replace(microsecond=0)
    assert read.expires_at == expires_at == now.replace(microsecond=0) + timedelta(minutes=15)


def test_the_second_reading_says_the_same() -> None:
    access = AccessTokens(KEY)
    token, _ = issue(access, datetime.now(UTC))
    assert access.read(token) == access.read(token)


def test_an_old_token_is_to_be_refreshed() -> None:
    access = AccessTokens(KEY)
    token, _ = issue(access, datetime.now(UTC) - timedelta(minutes=15))
    assert refusal(access, token) == EXPIRED


def test_a_remembered_token_expires_as_well() -> None:
    access = AccessTokens(KEY)
    token, expires_at = issue(access, datetime.now(UTC) - timedelta(minutes=14, seconds=58))
    access.read(token)
    time.sleep(max(0.0, expires_at.timestamp() - time.time()))
    assert refusal(access, token) == EXPIRED
    assert refusal(access, token) == EXPIRED


def test_a_server_whose_clock_is_behind_reads_a_fresh_token() -> None:
    access = AccessTokens(KEY)
    token, _ = issue(access, datetime.now(UTC) + timedelta(seconds=20))
    assert access.read(token).user_id == USER


def test_a_token_of_another_key_is_not_ours() -> None:
    assert refusal(AccessTokens(KEY), issue(AccessTokens(OTHER_KEY), datetime.now(UTC))[0]) == INVALID


def test_a_changed_token_is_not_ours() -> None:
    access = AccessTokens(KEY)
    token, _ = issue(access, datetime.now(UTC))
    head, body, signature = token.split(".")
    forged = jwt.encode(claims(rol="OWNER"), b"f" * 32, algorithm="HS256").split(".")[1]
    for changed in (f"{head}.{forged}.{signature}", f"{head}.{body}.", f"{head}.{body}", f"{token}x", token[::-1]):
        assert refusal(access, changed) == INVALID


@pytest.mark.parametrize("missing", ["iss", "aud", "typ", "sub", "acc", "sid", "rol", "iat", "exp"])
def test_each_claim_is_required(missing: str) -> None:
    assert refusal(AccessTokens(KEY), jwt.encode(claims(**{missing: None}), SIGNING_KEY)) == INVALID


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "someone"),
        ("aud", "another-api"),
        ("aud", ["igny8-api", "another-api"]),
        ("typ", "refresh"),
        ("sub", "nobody"),
        ("acc", 5),
        ("sid", ["x"]),
        ("rol", "KING"),
        ("rol", {}),
        ("iat", "yesterday"),
        ("exp", "tomorrow"),
    ],
)
def test_each_claim_must_be_right(claim: str, value: object) -> None:
    assert refusal(AccessTokens(KEY), jwt.encode(claims(**{claim: value}), SIGNING_KEY)) == INVALID


def test_our_own_claims_would_be_read() -> None:
    assert AccessTokens(KEY).read(jwt.encode(claims(), SIGNING_KEY)).role is Role.EDITOR


def test_other_algorithms_are_refused() -> None:
    access = AccessTokens(KEY)
    assert refusal(access, jwt.encode(claims(), "", algorithm="none")) == INVALID
    assert refusal(access, jwt.encode(claims(), SIGNING_KEY * 2, algorithm="HS512")) == INVALID


@given(st.text(st.characters(), max_size=200))
def test_any_other_text_is_not_ours(text: str) -> None:
    assert refusal(AccessTokens(KEY), text) == INVALID


def test_a_huge_token_is_refused_unread() -> None:
    assert refusal(AccessTokens(KEY), "a." * 5_000_000) == INVALID


def test_what_is_remembered_is_bounded_and_holds_no_token() -> None:
    access = AccessTokens(KEY)
    now = datetime.now(UTC)
    issued = [issue(access, now, uuid4())[0] for _ in range(4_200)]
    for token in issued:
        access.read(token)
    assert len(access._verified) == 4_096
    assert issued[-1] not in repr(access._verified)
    assert access.read(issued[0]).user_id == USER


def test_reading_a_known_token_takes_microseconds() -> None:
    access = AccessTokens(KEY)
    token, _ = issue(access, datetime.now(UTC))
    access.read(token)
    began = time.perf_counter()
    for _ in range(2_000):
        access.read(token)
    assert (time.perf_counter() - began) / 2_000 < 50e-6


def test_opaque_tokens_name_their_kind_and_never_repeat() -> None:
    made = {tokens.new_secret(SecretKind.MAIL) for _ in range(500)}
    assert len(made) == 500
    assert {len(token) for token in made} == {47}
    assert {token[:4] for token in made} == {"igm_"}
    assert tokens.new_secret(SecretKind.REFRESH).startswith("igr_")


def test_a_digest_is_stable_and_exists_for_any_text() -> None:
    assert tokens.digest("igr_x").hex() == "b1440773bca78c891400463958a34550b26b17fedd1a717440ea752415dc681b"
    assert len(tokens.digest("\ud800")) == 32


def test_a_refresh_token_has_one_successor_in_every_process() -> None:
    first = tokens.new_secret(SecretKind.REFRESH)
    second = RefreshTokens(KEY).successor(first)
    assert second == RefreshTokens(KEY).successor(first)
    assert (second[:4], len(second)) == ("igr_", 47)
    assert len({first, second, RefreshTokens(KEY).successor(second), RefreshTokens(OTHER_KEY).successor(first)}) == 4


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert tokens.derive(KEY, "access token") != tokens.derive(KEY, "refresh successor")
    assert tokens.derive(KEY, "access token") != tokens.derive(OTHER_KEY, "access token")
    assert len(tokens.derive(KEY, "access token")) == 32
