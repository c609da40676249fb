"""Documents made to hurt get clear refusals through the front door, from callers with and without a token."""

import json

import pytest

from igny8.access import Role
from tests.gql.hostile import CORPUS
from tests.support.api import Api
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

RESPONSE_JSON = "application/graphql-response+json"
INTERNALS = ("Traceback", "SELECT", "psycopg", "graphql/", ".py", "wrong on our side")


async def codes_of(api: Api, name: str, headers: dict[str, str]) -> set[str]:
    """The codes of the answer, which must be a short list of errors that tell nothing of our insides."""
    hostile = CORPUS[name]()
    body = f'{{"query":{json.dumps(hostile.query)},"variables":{hostile.variables}}}'
    headers = {"Content-Type": "application/json", "Accept": RESPONSE_JSON, **headers}
    response = await api.http.post("/graphql", content=body.encode(), headers=headers)
    answer = response.json()
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    if codes != {"UNAUTHENTICATED"}:
        assert 400 <= response.status_code < 500
        assert "data" not in answer
    assert 1 <= len(answer["errors"]) <= 21
    assert len(response.content) < 20_000
    assert not [word for word in INTERNALS if word in response.text]
    return codes


@pytest.mark.parametrize("name", CORPUS)
async def test_a_hostile_document_is_refused(api: Api, tenant: Tenant, name: str) -> None:
    codes = await codes_of(api, name, {"Authorization": f"Bearer {tenant[Role.OWNER].token}"})
    assert codes in ({"TOO_COMPLEX"}, {"BAD_REQUEST"})


@pytest.mark.parametrize("name", CORPUS)
async def test_a_hostile_document_is_refused_from_callers_without_a_token(api: Api, name: str) -> None:
    assert await codes_of(api, name, {}) in ({"TOO_COMPLEX"}, {"BAD_REQUEST"}, {"UNAUTHENTICATED"})
