"""Author profiles: exactly one default, and no more than the plan allows."""

import asyncio
from typing import Any

import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

SHOWN = "id name description tone language instructions isDefault createdAt updatedAt"
LIST = f"{{ authorProfiles {{ totalCount nodes {{ {SHOWN} }} edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
CREATE = (
    "mutation($input: CreateAuthorProfileInput!) { createAuthorProfile(input: $input) { success"
    f" errors {{ code field message details }} authorProfile {{ {SHOWN} }} }} }}"
)
UPDATE = (
    "mutation($input: UpdateAuthorProfileInput!) { updateAuthorProfile(input: $input) { success"
    f" errors {{ code field message }} authorProfile {{ {SHOWN} }} }} }}"
)
DELETE = "mutation($id: ID!) { deleteAuthorProfile(id: $id) { success errors { code field } deletedId } }"


async def created(api: Api, tenant: Tenant, **given: object) -> dict[str, Any]:
    data = await api.data(CREATE, as_=tenant[Role.OWNER], input=given)
    payload: dict[str, Any] = data["createAuthorProfile"]
    return payload


async def updated(api: Api, tenant: Tenant, **given: object) -> dict[str, Any]:
    data = await api.data(UPDATE, as_=tenant[Role.OWNER], input=given)
    payload: dict[str, Any] = data["updateAuthorProfile"]
    return payload


async def defaults(api: Api, tenant: Tenant) -> list[str]:
    page = (await api.data(LIST, as_=tenant[Role.VIEWER]))["authorProfiles"]
    return [one["name"] for one in page["nodes"] if one["isDefault"]]


async def test_a_profile_keeps_all_that_is_given(api: Api, tenant: Tenant) -> None:
    given = {"name": "Vet", "description": "D", "tone": "warm", "language": "PT-br", "instructions": "Line\nline"}
    made = (await created(api, tenant, **given, isDefault=True))["authorProfile"]
    assert {name: made[name] for name in given} == {**given, "language": "pt-BR"}
    change = {"name": "Nurse", "description": None, "tone": None, "language": "de", "instructions": "New"}
    changed = (await updated(api, tenant, id=made["id"], **change))["authorProfile"]
    assert {name: changed[name] for name in change} == change
    assert changed["isDefault"] is True
    page = (await api.data(LIST, as_=tenant[Role.EDITOR]))["authorProfiles"]
    assert (page["totalCount"], page["nodes"]) == (1, [changed])


async def test_the_first_is_the_default_and_there_is_always_exactly_one(api: Api, tenant: Tenant) -> None:
    first = (await created(api, tenant, name="A"))["authorProfile"]
    second = (await created(api, tenant, name="B"))["authorProfile"]
    assert (first["isDefault"], second["isDefault"], second["language"]) == (True, False, "en")
    await created(api, tenant, name="C", isDefault=True)
    assert await defaults(api, tenant) == ["C"]
    assert (await updated(api, tenant, id=second["id"], isDefault=True))["success"]
    assert await defaults(api, tenant) == ["B"]
    refused = await updated(api, tenant, id=second["id"], isDefault=False)
    assert [(error["code"], error["field"]) for error in refused["errors"]] == [
        ("NOT_ALLOWED_NOW", ["input", "isDefault"])
    ]
    assert await defaults(api, tenant) == ["B"]
    deleted = await api.data(DELETE, as_=tenant[Role.OWNER], id=second["id"])
    assert deleted["deleteAuthorProfile"] == {"success": True, "errors": [], "deletedId": second["id"]}
    assert await defaults(api, tenant) == ["A"]


async def test_the_last_one_may_go_and_the_next_is_the_default(api: Api, tenant: Tenant) -> None:
    made = (await created(api, tenant, name="A"))["authorProfile"]
    await api.data(DELETE, as_=tenant[Role.OWNER], id=made["id"])
    assert await defaults(api, tenant) == []
    assert (await created(api, tenant, name="A"))["authorProfile"]["isDefault"] is True


async def test_profiles_made_and_changed_at_once_leave_one_default(api: Api, tenant: Tenant) -> None:
    made = await asyncio.gather(*(created(api, tenant, name=f"P{n}", isDefault=n % 2 == 0) for n in range(6)))
    assert all(payload["success"] for payload in made)
    assert len(await defaults(api, tenant)) == 1
    ids = [payload["authorProfile"]["id"] for payload in made]
    moved = await asyncio.gather(*(updated(api, tenant, id=id_, isDefault=True) for id_ in ids))
    assert all(payload["success"] for payload in moved)
    assert len(await defaults(api, tenant)) == 1


async def test_a_plan_has_room_for_so_many(api: Api, world: World) -> None:
    tenant = world.tenant(plan="free-trial")
    for name in ("A", "B", "C"):
        assert (await created(api, tenant, name=name))["success"]
    refused = await created(api, tenant, name="D", isDefault=True)
    (error,) = refused["errors"]
    assert (error["code"], error["details"]) == ("LIMIT_REACHED", {"limit": "AUTHOR_PROFILES", "used": 3, "max": 3})
    assert await defaults(api, tenant) == ["A"]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": " "}, "VALIDATION", "name"),
        ({"name": "x" * 101}, "VALIDATION", "name"),
        ({"name": "a"}, "ALREADY_EXISTS", "name"),
        ({"name": "B", "language": "klingon!"}, "VALIDATION", "language"),
        ({"name": "B", "tone": "x" * 201}, "VALIDATION", "tone"),
        ({"name": "B", "instructions": "x" * 5_001}, "VALIDATION", "instructions"),
        ({"name": "B", "description": "\x00"}, "VALIDATION", "description"),
    ],
)
async def test_bad_input_is_refused(
    api: Api, tenant: Tenant, given: dict[str, object], code: str, field: str
) -> None:
    made = (await created(api, tenant, name="A"))["authorProfile"]
    refused = await created(api, tenant, **given)
    assert [(error["code"], error["field"]) for error in refused["errors"]] == [(code, ["input", field])]
    other = (await created(api, tenant, name="Other"))["authorProfile"]
    change = {"id": other["id"], **({} if field == "name" else {"name": "New"}), **given}
    refused = await updated(api, tenant, **change)
    assert [(error["code"], error["field"]) for error in refused["errors"]] == [(code, ["input", field])]
    page = (await api.data(LIST, as_=tenant[Role.OWNER]))["authorProfiles"]
    assert sorted(one["name"] for one in page["nodes"]) == ["A", "Other"]
    assert made["isDefault"]
