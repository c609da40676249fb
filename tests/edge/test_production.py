"""Production tells strangers nothing about the schema that they do not know already."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from igny8.app import create_app
from igny8.settings import Settings
from tests.conftest import running
from tests.support.api import Api

pytestmark = pytest.mark.anyio

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
INTROSPECTION = ["{ __schema { queryType { name } } }", '{ __type(name: "Site") { name } }']


@pytest.fixture
async def introspected(production_settings: Settings) -> AsyncIterator[Api]:
    settings = production_settings.model_copy(update={"introspection": True})
    async with running(create_app(settings)) as client:
        yield Api(client)


@pytest.mark.parametrize("query", INTROSPECTION)
async def test_introspection_is_off(production: Api, query: str) -> None:
    answer = await production(query)
    assert "data" not in answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_REQUEST"}
    assert "introspection has been disabled" in answer["errors"][0]["message"]


async def test_typename_is_no_introspection(production: Api) -> None:
    assert await production.data("{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize("query", INTROSPECTION)
async def test_introspection_can_be_switched_on(introspected: Api, query: str) -> None:
    assert await introspected.data(query)


@pytest.mark.parametrize("query", INTROSPECTION)
async def test_introspection_is_on_in_development(api: Api, query: str) -> None:
    assert await api.data(query)


@pytest.mark.parametrize(
    "query",
    [
        "{ plan { slug } }",
        "{ plans { slog } }",
        "{ sites(frist: 1) { totalCount } }",
        "{ sites(orderBy: [{field: NAM, direction: ASC}]) { totalCount } }",
        "{ sites(filter: {serch: 1}) { totalCount } }",
        "query($id: Itn) { plans { slug } }",
        "{ plans { ... on Pan { slug } } }",
    ],
)
async def test_names_are_suggested_in_development_alone(production: Api, api: Api, query: str) -> None:
    assert not suggestions(await production(query))
    assert suggestions(await api(query))


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (
            "query($o: [SiteOrder!]) { sites(orderBy: $o) { totalCount } }",
            {"o": [{"field": "NAM", "direction": "ASC"}]},
        ),
        ("query($f: SiteFilter) { sites(filter: $f) { totalCount } }", {"f": {"serch": "x"}}),
        ("mutation($i: SignInInput!) { signIn(input: $i) { success } }", {"i": {"emial": "a", "password": "b"}}),
    ],
)
async def test_nothing_is_suggested_for_values(production: Api, query: str, variables: dict[str, object]) -> None:
    assert not suggestions(await production(query, **variables))


def suggestions(answer: dict[str, Any]) -> list[str]:
    """The messages of a refusal that suggest a name."""
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_REQUEST"}
    return [error["message"] for error in answer["errors"] if "did you mean" in error["message"].lower()]


async def test_there_is_no_explorer(production: Api) -> None:
    response = await production.http.get("/graphql", headers=BROWSER)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/json")


async def test_browsers_get_the_explorer_in_development(api: Api) -> None:
    response = await api.http.get("/graphql", headers=BROWSER)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "graphiql" in response.text.lower()
    policy = response.headers["content-security-policy"]
    assert "script-src 'unsafe-inline' https:" in policy
    assert "frame-ancestors 'none'" in policy


async def test_a_query_in_the_address_bar_is_answered_and_not_explored(api: Api) -> None:
    response = await api.http.get("/graphql", params={"query": "{ __typename }"}, headers=BROWSER)
    assert response.json()["data"] == {"__typename": "Query"}
