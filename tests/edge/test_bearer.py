"""A token that is no good is told on the fields that need one; what is public is answered all the same."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest

from igny8 import tokens
from igny8.access import Role
from igny8.settings import Settings
from tests.support.api import Api
from tests.support.world import Person, Tenant, World

pytestmark = pytest.mark.anyio

MIXED = '{ plan: plans { slug } viewer { role } site(slug: "a") { slug } }'
EXPIRED = "Your access token has expired; refresh it."
INVALID = "Your access token is not valid; sign in again."
MALFORMED = "The Authorization header must say: Bearer <access token>."

Forge = Callable[..., str]


@pytest.fixture
def forge(settings: Settings, tenant: Tenant) -> Forge:
    """The owner's token with other claims, key or header."""
    owner = tenant[Role.OWNER]
    key = tokens.derive(settings.token_key, "access token")

    def made(*, signed_with: bytes = key, algorithm: str = "HS256", **changed: Any) -> str:
        claims = jwt.decode(owner.token, options={"verify_signature": False}) | changed
        return jwt.encode(claims, signed_with if algorithm != "none" else None, algorithm=algorithm)

    return made


async def refused_fields(api: Api, authorization: str) -> str:
    """The message on each field that needs a token, which must be the same; the public field must have answered."""
    response = await api.post({"query": MIXED}, headers={"Authorization": authorization})
    assert response.status_code == 200
    answer = response.json()
    assert {"slug": "scale"} in answer["data"]["plan"]
    assert (answer["data"]["viewer"], answer["data"]["site"]) == (None, None)
    told = [(error["path"], error["extensions"]["code"]) for error in answer["errors"]]
    assert told == [(["viewer"], "UNAUTHENTICATED"), (["site"], "UNAUTHENTICATED")]
    (message,) = {error["message"] for error in answer["errors"]}
    return str(message)


async def test_a_good_token_opens_all_fields(api: Api, forge: Forge) -> None:
    response = await api.post({"query": MIXED}, headers={"Authorization": f"bearer  {forge()}"})
    assert "errors" not in response.json()
    assert response.json()["data"]["viewer"] == {"role": "OWNER"}


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Token abc", "", "nonsense"])
async def test_a_malformed_header_is_told(api: Api, header: str) -> None:
    assert await refused_fields(api, header) == MALFORMED


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "x" * 5_000, "eyJhbGciOiJIUzI1NiJ9..", "a b"])
async def test_garbage_is_told(api: Api, token: str) -> None:
    assert await refused_fields(api, f"Bearer {token}") == INVALID


async def test_an_expired_token_is_told(api: Api, forge: Forge) -> None:
    assert await refused_fields(api, f"Bearer {forge(exp=int(time.time()) - 1)}") == EXPIRED


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    "changed",
    [
        {"signed_with": b"another key of thirty-two bytes!"},
        {"algorithm": "none"},
        {"algorithm": "HS512"},
        {"typ": "refresh"},
        {"aud": "somebody else"},
        {"iss": "somebody else"},
        {"rol": "EMPEROR"},
        {"sub": "no id"},
    ],
    ids=str,
)
async def test_a_forged_token_is_told(api: Api, forge: Forge, changed: dict[str, Any]) -> None:
    assert await refused_fields(api, f"Bearer {forge(**changed)}") == INVALID


async def test_a_session_that_ended_is_told_like_a_bad_token(api: Api, tenant: Tenant, world: World) -> None:
    owner = tenant[Role.OWNER]
    world.sql.execute("UPDATE session SET revoked_at = now() WHERE id = %s", (owner.session_id,))
    assert await refused_fields(api, f"Bearer {owner.token}") == "This session has ended. Sign in again."


async def test_a_mutation_with_a_bad_token_changes_nothing(api: Api, tenant: Tenant, world: World) -> None:
    query = 'mutation { createSite(input: {name: "New"}) { success } }'
    answer = await api(query, as_=replace(tenant[Role.OWNER], token="garbage"))
    (error,) = answer["errors"]
    assert (error["message"], error["path"], error["extensions"]) == (
        INVALID,
        ["createSite"],
        {"code": "UNAUTHENTICATED"},
    )
    assert world.sql.execute("SELECT count(*) FROM site WHERE account_id = %s", (tenant.id,)).fetchone() == (2,)


async def named(api: Api, person: Person, account: str) -> list[tuple[str, str]]:
    answer = await api("{ sites { totalCount } }", as_=person, headers={"X-Igny8-Account": account})
    return [(error["extensions"]["code"], error["message"]) for error in answer.get("errors", [])]


async def test_only_developers_name_an_account(api: Api, tenant: Tenant, world: World) -> None:
    said = "Only developers may name the account to act on (X-Igny8-Account)."
    for account in (tenant.public_id, world.tenant().public_id):
        assert await named(api, tenant[Role.OWNER], account) == [("FORBIDDEN", said)]


async def test_a_developer_names_the_account_to_act_on(api: Api, tenant: Tenant, world: World) -> None:
    developer = world.operators()[Role.DEVELOPER]
    unnamed = await api("{ sites { totalCount } }", as_=developer)
    (error,) = unnamed["errors"]
    assert (error["extensions"]["code"], error["message"]) == (
        "BAD_REQUEST",
        "Name the account to act on in the header X-Igny8-Account (acc_...).",
    )
    answer = await api("{ sites { totalCount } }", as_=developer, headers={"X-Igny8-Account": tenant.public_id})
    assert answer["data"] == {"sites": {"totalCount": 2}}


async def test_the_name_of_an_account_is_an_account_id(api: Api, tenant: Tenant, world: World) -> None:
    developer = world.operators()[Role.DEVELOPER]
    for name, got in ((tenant.site("a"), "got a site id"), ("", "got something that is no id")):
        said = f"X-Igny8-Account: expected an account id (acc_...), {got}."
        assert await named(api, developer, name) == [("BAD_REQUEST", said)]
