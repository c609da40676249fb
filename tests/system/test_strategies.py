"""Strategies: of the whole account, or of one sector."""

from typing import Any

import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

SHOWN = "id name description sector { id } promptTypes instructions isActive createdAt updatedAt"
PAGE = "totalCount nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
LIST = f"query($sectorId: ID) {{ strategies(sectorId: $sectorId) {{ {PAGE} }} }}"
CREATE = (
    "mutation($input: CreateStrategyInput!) { createStrategy(input: $input) { success"
    f" errors {{ code field message }} strategy {{ {SHOWN} }} }} }}"
)
UPDATE = (
    "mutation($input: UpdateStrategyInput!) { updateStrategy(input: $input) { success"
    f" errors {{ code field message }} strategy {{ {SHOWN} }} }} }}"
)
DELETE = "mutation($id: ID!) { deleteStrategy(id: $id) { success errors { code } deletedId } }"


async def created(api: Api, tenant: Tenant, **given: object) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.data(CREATE, as_=tenant[Role.OWNER], input=given))["createStrategy"]
    return payload


async def updated(api: Api, tenant: Tenant, **given: object) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.data(UPDATE, as_=tenant[Role.OWNER], input=given))["updateStrategy"]
    return payload


async def seen(api: Api, tenant: Tenant, role: Role, sector_id: str | None = None) -> list[str]:
    page = (await api.data(LIST, as_=tenant[role], sectorId=sector_id))["strategies"]
    assert page["totalCount"] == len(page["nodes"])
    return sorted(one["id"] for one in page["nodes"])


async def test_a_strategy_keeps_all_that_is_given(api: Api, tenant: Tenant) -> None:
    given = {
        "name": "Launch", "description": "D", "promptTypes": ["IDEAS", "CONTENT"], "isActive": False,
        "instructions": {"audience": "beginners", "avoid": ["jargon"]},
    }  # fmt: skip
    made = (await created(api, tenant, **given, sectorId=tenant.sector("a")))["strategy"]
    assert {name: made[name] for name in given} == given
    assert made["sector"] == {"id": tenant.sector("a")}
    change = {
        "name": "Later", "description": None, "promptTypes": ["CLUSTERING"], "isActive": True, "instructions": {}
    }  # fmt: skip
    changed = (await updated(api, tenant, id=made["id"], **change, sectorId=None))["strategy"]
    assert {name: changed[name] for name in change} == change
    assert changed["sector"] is None
    moved = (await updated(api, tenant, id=made["id"], sectorId=tenant.sector("b")))["strategy"]
    assert (moved["sector"], moved["name"]) == ({"id": tenant.sector("b")}, "Later")
    gone = await api.data(DELETE, as_=tenant[Role.ADMIN], id=made["id"])
    assert gone["deleteStrategy"] == {"success": True, "errors": [], "deletedId": made["id"]}
    assert await seen(api, tenant, Role.OWNER) == []


async def test_a_name_is_enough(api: Api, tenant: Tenant) -> None:
    made = (await created(api, tenant, name="Plain"))["strategy"]
    assert (made["promptTypes"], made["instructions"], made["isActive"], made["sector"]) == ([], {}, True, None)


async def test_members_see_those_of_the_account_and_of_their_sites(api: Api, tenant: Tenant) -> None:
    everywhere = (await created(api, tenant, name="All"))["strategy"]["id"]
    ours = (await created(api, tenant, name="A", sectorId=tenant.sector("a")))["strategy"]["id"]
    theirs = (await created(api, tenant, name="B", sectorId=tenant.sector("b")))["strategy"]["id"]
    assert await seen(api, tenant, Role.ADMIN) == sorted([everywhere, ours, theirs])
    for role in (Role.EDITOR, Role.VIEWER):
        assert await seen(api, tenant, role) == sorted([everywhere, ours])
        assert await seen(api, tenant, role, tenant.sector("b")) == []
    assert await seen(api, tenant, Role.ADMIN, tenant.sector("b")) == [theirs]
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on Sector {{ strategies(first: 1) {{ {PAGE} }} }} }} }}"
    page = (await api.data(query, as_=tenant[Role.VIEWER], id=tenant.sector("a")))["node"]["strategies"]
    assert page["nodes"] == [{"id": ours}]


async def test_a_sector_takes_its_strategies_along(api: Api, tenant: Tenant) -> None:
    await created(api, tenant, name="A", sectorId=tenant.sector("a"))
    kept = (await created(api, tenant, name="All"))["strategy"]["id"]
    gone = "mutation($id: ID!) { deleteSector(id: $id, force: true) { success } }"
    assert (await api.data(gone, as_=tenant[Role.OWNER], id=tenant.sector("a")))["deleteSector"]["success"]
    assert await seen(api, tenant, Role.OWNER) == [kept]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": ""}, "VALIDATION", "name"),
        ({"name": "TAKEN"}, "ALREADY_EXISTS", "name"),
        ({"name": "B", "instructions": [1]}, "VALIDATION", "instructions"),
        ({"name": "B", "instructions": "text"}, "VALIDATION", "instructions"),
        ({"name": "B", "instructions": {"a": "x" * 20_000}}, "VALIDATION", "instructions"),
        ({"name": "B", "instructions": {"a": "\x00"}}, "VALIDATION", "instructions"),
        ({"name": "B", "sectorId": "sec_" + "0" * 32}, "NOT_FOUND", "sectorId"),
    ],
)
async def test_bad_input_is_refused(
    api: Api, tenant: Tenant, given: dict[str, object], code: str, field: str
) -> None:
    await created(api, tenant, name="taken")
    other = (await created(api, tenant, name="Other"))["strategy"]["id"]
    for payload in (await created(api, tenant, **given), await updated(api, tenant, id=other, **given)):
        assert payload["success"] is False
        assert [(error["code"], error["field"]) for error in payload["errors"]] == [(code, ["input", field])]
    assert len(await seen(api, tenant, Role.OWNER)) == 2


@pytest.mark.parametrize("field", ["name", "promptTypes", "isActive"])
async def test_what_must_have_a_value_cannot_be_cleared(api: Api, tenant: Tenant, field: str) -> None:
    made = (await created(api, tenant, name="A"))["strategy"]
    payload = await updated(api, tenant, id=made["id"], **{field: None})
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("VALIDATION", ["input", field])]
    unchanged = (await updated(api, tenant, id=made["id"]))["strategy"]
    assert unchanged == made
