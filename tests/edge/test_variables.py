"""Whatever is wrong with a document, a variable, an id, a page or a cursor: one error that names the place."""

import base64
from typing import Any

import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

SITE = "query($id: ID!) { site(id: $id) { name } }"
PAGE = """query($first: Int, $last: Int, $after: String) {
  sites(first: $first, last: $last, after: $after) { nodes { slug } } }"""
CREATE = "mutation($input: CreateSiteInput!) { createSite(input: $input) { success } }"


async def message(api: Api, tenant: Tenant, query: str, *, name: str | None = None, **variables: Any) -> str:
    """The message of the one error of the owner's request, which must be a BAD_REQUEST."""
    body = {"query": query, "variables": variables, "operationName": name}
    response = await api.post(body, as_=tenant[Role.OWNER])
    assert response.status_code == 200
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    return str(error["message"])


@pytest.mark.parametrize(
    ("query", "variables", "said"),
    [
        (SITE, {}, "Variable '$id' has invalid value: Expected a value of non-null type 'ID!' to be provided."),
        (
            SITE,
            {"id": None},
            "Variable '$id' has invalid value: Expected value of non-null type 'ID!' not to be None.",
        ),
        (SITE, {"id": {"a": 1}}, "Variable '$id' has invalid value"),
        (SITE, {"id": 1.5}, "Variable '$id' has invalid value"),
        (PAGE, {"first": "many"}, "Variable '$first' has invalid value"),
        (PAGE, {"first": 2**31}, "Variable '$first' has invalid value"),
        (PAGE, {"first": 2**70}, "Variable '$first' has invalid value"),
        (PAGE, {"first": True}, "Variable '$first' has invalid value"),
        (CREATE, {"input": {}}, "Variable '$input' has invalid value"),
        (CREATE, {"input": {"name": 7}}, "Variable '$input' has invalid value at .name"),
        (CREATE, {"input": {"name": "x", "unknown": 1}}, "Variable '$input' has invalid value"),
    ],
)
async def test_a_wrong_variable_is_told_by_name(
    api: Api, tenant: Tenant, query: str, variables: dict[str, Any], said: str
) -> None:
    assert (await message(api, tenant, query, **variables)).startswith(said)


async def test_null_for_a_variable_with_a_default_is_told_and_changes_nothing(api: Api, tenant: Tenant) -> None:
    query = 'mutation($id: ID = "sit_0") { deleteSite(id: $id) { success } }'
    assert "'$id'" in await message(api, tenant, query, id=None)
    query = 'query($id: ID = "sit_0") { node(id: $id) { id } }'
    assert "'$id'" in await message(api, tenant, query, id=None)


async def test_the_operation_must_be_one_of_the_document(api: Api, tenant: Tenant) -> None:
    two = "query A { plans { slug } } query B { plans { name } }"
    said = "The document holds several operations: say which one in 'operationName'."
    assert await message(api, tenant, two) == said
    assert await message(api, tenant, two, name="C") == "The document holds no operation named 'C'."
    assert await message(api, tenant, "{ plans { slug } }", name="C") == "The document holds no operation named 'C'."
    assert await message(api, tenant, "fragment F on Plan { slug }") != ""


async def test_the_named_operation_is_run(api: Api, tenant: Tenant) -> None:
    two = "query A { __typename } query B { kind: __typename }"
    response = await api.post({"query": two, "operationName": "B"}, as_=tenant[Role.OWNER])
    assert response.json()["data"] == {"kind": "Query"}


@pytest.mark.parametrize("literal", [True, False])
async def test_an_id_of_another_kind_is_told(api: Api, tenant: Tenant, *, literal: bool) -> None:
    for id_, got in [
        (tenant.sector("a"), "got a sector id"),
        (tenant.public_id, "got an account id"),
        ("sit_123", "got something that is no id"),
        ("", "got something that is no id"),
        (tenant.site("a").upper(), "got something that is no id"),
        (f"xyz_{'0' * 32}", "got something that is no id"),
    ]:
        query, variables = (f'{{ site(id: "{id_}") {{ name }} }}', {}) if literal else (SITE, {"id": id_})
        assert await message(api, tenant, query, **variables) == f"'id': expected a site id (sit_...), {got}."


async def test_a_node_needs_an_id(api: Api, tenant: Tenant) -> None:
    said = await message(api, tenant, "query($id: ID!) { node(id: $id) { id } }", id="nothing")
    assert said.startswith("'id': expected an id such as sit_")
    said = await message(api, tenant, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101)
    assert said == "'ids': at most 100 ids may be given at once."


async def test_a_mutation_names_the_input_with_the_wrong_id(api: Api, tenant: Tenant) -> None:
    query = "mutation($id: ID!) { deleteSite(id: $id) { success errors { code field message } } }"
    data = await api.data(query, as_=tenant[Role.OWNER], id=tenant.sector("a"))
    assert data["deleteSite"] == {
        "success": False,
        "errors": [
            {"code": "VALIDATION", "field": ["id"], "message": "Expected a site id (sit_...), got a sector id."}
        ],
    }


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"first": 101}, "'first' must be between 0 and 100."),
        ({"first": -1}, "'first' must be between 0 and 100."),
        ({"last": 101}, "'last' must be between 0 and 100."),
        ({"first": 2**31 - 1}, "'first' must be between 0 and 100."),
        ({"first": 1, "last": 1}, "'sites': give 'first' or 'last', not both."),
    ],
)
async def test_a_page_is_at_most_a_hundred_rows_from_one_end(
    api: Api, tenant: Tenant, variables: dict[str, int], said: str
) -> None:
    assert await message(api, tenant, PAGE, **variables) == said


def cursor(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "after",
    [
        "nonsense",
        "",
        "\x00",
        cursor("nonsense"),
        cursor("{}"),
        cursor("[]"),
        cursor('["name+"]'),
        cursor('["name+", "a", "no id"]'),
        cursor('["created_at+", "2026-01-01", "00000000-0000-0000-0000-000000000000"]'),
        cursor("[" * 2000),
        "x" * 10_000,
    ],
)
async def test_a_bad_cursor_is_told(api: Api, tenant: Tenant, after: str) -> None:
    assert "'after'" in await message(api, tenant, PAGE, after=after)


@pytest.mark.parametrize("text", ["a\x00b", "\x00"])
async def test_a_character_that_cannot_be_stored_is_refused(api: Api, tenant: Tenant, text: str) -> None:
    answer = await api("query($s: String) { site(slug: $s) { name } }", as_=tenant[Role.OWNER], s=text)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    answer = await api(CREATE, as_=tenant[Role.OWNER], input={"name": "x", "wpUsername": text})
    assert "errors" in answer or answer["data"]["createSite"]["success"] is False
    assert "INTERNAL" not in str(answer)
    answer = await api("mutation($t: String!) { verifyEmail(token: $t) { success } }", t=text)
    assert "INTERNAL" not in str(answer)
    answer = await api("query($t: String!) { invitation(token: $t) { email } }", t=text)
    assert "INTERNAL" not in str(answer)
    sign_in = "mutation($i: SignInInput!) { signIn(input: $i) { success } }"
    answer = await api(sign_in, i={"email": f"{text}@example.com", "password": text})
    assert "INTERNAL" not in str(answer)
