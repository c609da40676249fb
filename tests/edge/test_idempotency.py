"""A mutation that is sent again with its Idempotency-Key happens once."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.world import Person, Tenant, World

pytestmark = pytest.mark.anyio

CREATE = """mutation($input: CreateSiteInput!) {
  createSite(input: $input) { success message errors { code field message } site { id name } } }"""


async def create(api: Api, person: Person, key: str, name: str = "Shop") -> dict[str, Any]:
    answer = await api(CREATE, as_=person, headers={"Idempotency-Key": key}, input={"name": name})
    found: dict[str, Any] = answer["data"]["createSite"]
    return found


def sites(world: World, tenant: Tenant) -> int:
    """How many sites the account has beside the two of every tenant."""
    row = world.sql.execute("SELECT count(*) FROM site WHERE account_id = %s", (tenant.id,)).fetchone()
    return int(row[0]) - 2 if row else 0


def keys(world: World, tenant: Tenant) -> int:
    row = world.sql.execute("SELECT count(*) FROM idempotency_key WHERE account_id = %s", (tenant.id,)).fetchone()
    return int(row[0]) if row else 0


async def test_the_same_request_answers_the_same_and_happens_once(api: Api, tenant: Tenant, world: World) -> None:
    first = await create(api, tenant[Role.OWNER], "key-1")
    again = await create(api, tenant[Role.OWNER], "key-1")
    assert first["success"]
    assert again == first
    assert (sites(world, tenant), keys(world, tenant)) == (1, 1)


async def test_what_is_read_for_a_replay_is_what_is_there_now(api: Api, tenant: Tenant, world: World) -> None:
    first = await create(api, tenant[Role.OWNER], "key-1")
    world.sql.execute("UPDATE site SET name = 'Renamed' WHERE account_id = %s", (tenant.id,))
    again = await create(api, tenant[Role.OWNER], "key-1")
    assert again["site"] == {"id": first["site"]["id"], "name": "Renamed"}


@pytest.mark.parametrize("who", ["same person", "another person"])
async def test_a_key_is_good_for_one_request_of_one_person(api: Api, tenant: Tenant, world: World, who: str) -> None:
    await create(api, tenant[Role.OWNER], "key-1")
    other = tenant[Role.OWNER] if who == "same person" else tenant[Role.ADMIN]
    refused = await create(api, other, "key-1", "Other" if who == "same person" else "Shop")
    assert refused["errors"] == [
        {
            "code": "CONFLICT",
            "field": [],
            "message": "This Idempotency-Key was used for another request. Use a new key for new input.",
        }
    ]
    assert sites(world, tenant) == 1


async def test_accounts_do_not_share_keys(api: Api, tenant: Tenant, world: World) -> None:
    other = world.tenant()
    assert (await create(api, tenant[Role.OWNER], "key-1"))["success"]
    assert (await create(api, other[Role.OWNER], "key-1"))["success"]
    assert (sites(world, tenant), sites(world, other)) == (1, 1)


async def test_a_failed_mutation_leaves_its_key_free(api: Api, tenant: Tenant, world: World) -> None:
    failed = await create(api, tenant[Role.OWNER], "key-1", "")
    assert (failed["success"], failed["errors"][0]["code"]) == (False, "VALIDATION")
    assert keys(world, tenant) == 0
    assert (await create(api, tenant[Role.OWNER], "key-1"))["success"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "nbsp\u00a0here"])
async def test_a_key_that_cannot_be_stored_is_refused(api: Api, tenant: Tenant, world: World, key: str) -> None:
    body = {"query": CREATE, "variables": {"input": {"name": "Shop"}}}
    headers = {"Authorization": f"Bearer {tenant[Role.OWNER].token}", "Idempotency-Key": key.encode("latin-1")}
    response = await api.http.post("/graphql", json=body, headers=headers)
    (error,) = response.json()["data"]["createSite"]["errors"]
    assert error["message"] == "Idempotency-Key must be 1 to 255 printable characters."
    assert (sites(world, tenant), keys(world, tenant)) == (0, 0)


async def test_the_longest_key_is_taken(api: Api, tenant: Tenant) -> None:
    assert (await create(api, tenant[Role.OWNER], "x" * 255))["success"]


async def test_of_two_at_once_one_happens_and_both_answer_it(api: Api, tenant: Tenant, world: World) -> None:
    answers = await asyncio.gather(*(create(api, tenant[Role.OWNER], "key-1") for _ in range(5)))
    assert answers == [answers[0]] * 5
    assert answers[0]["success"]
    assert (sites(world, tenant), keys(world, tenant)) == (1, 1)


async def test_a_key_covers_one_mutation_of_a_request(api: Api, tenant: Tenant, world: World) -> None:
    query = """mutation { __typename ...Both }
      fragment Both on Mutation { a: createSite(input: {name: "A"}) { success }
                                  b: createSite(input: {name: "B"}) { success } }"""
    answer = await api(query, as_=tenant[Role.OWNER], headers={"Idempotency-Key": "key-1"})
    assert answer["errors"] == [
        {
            "message": "An Idempotency-Key covers one mutation: send each in a request of its own.",
            "extensions": {"code": "BAD_REQUEST"},
        }
    ]
    assert sites(world, tenant) == 0


async def test_what_was_done_is_told_to_who_may_not_do_it_any_more(api: Api, tenant: Tenant, world: World) -> None:
    admin = tenant[Role.ADMIN]
    await create(api, admin, "key-1")
    world.sql.execute("UPDATE app_user SET role = 'VIEWER' WHERE id = %s", (admin.id,))
    again = await create(api, admin, "key-1")
    assert (again["success"], again["site"]) == (True, None)
    answer = await api(CREATE, as_=admin, headers={"Idempotency-Key": "key-2"}, input={"name": "More"})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (sites(world, tenant), keys(world, tenant)) == (1, 1)


async def test_inputs_are_kept_as_a_keyed_digest(api: Api, tenant: Tenant, world: World) -> None:
    owner, arguments = tenant[Role.OWNER], {"input": {"id": tenant.site("a"), "name": "Canary"}}
    query = "mutation($input: UpdateSiteInput!) { updateSite(input: $input) { success } }"
    for key in ("key-1", "key-2"):
        answer = await api(query, as_=owner, headers={"Idempotency-Key": key}, **arguments)
        assert answer["data"] == {"updateSite": {"success": True}}
    rows = world.sql.execute("SELECT input_digest, answer FROM idempotency_key WHERE account_id = %s", (tenant.id,))
    (digest, answer), (same, _) = rows.fetchall()
    assert digest == same
    assert len(digest) == 32
    assert digest != hashlib.sha256(json.dumps([str(owner.id), "updateSite", arguments]).encode()).digest()
    assert "Canary" not in str(answer)
