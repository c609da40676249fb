"""Clients may name a document by its SHA-256 once the server has seen it (automatic persisted queries)."""

import hashlib
import json
from typing import Any

import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

QUERY = "query Named($first: Int) { sites(first: $first) { nodes { slug } } }"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()


def named(digest: Any = HASH, **also: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}, **also}


async def test_an_unknown_hash_asks_for_the_document_and_then_suffices(api: Api, tenant: Tenant) -> None:
    owner = tenant[Role.OWNER]
    first = (await api.post(named(), as_=owner)).json()
    assert [(error["message"], error["extensions"]["code"]) for error in first["errors"]] == [
        ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    ]
    assert "data" not in first
    sent = (await api.post(named(query=QUERY), as_=owner)).json()
    assert sent["data"] == {"sites": {"nodes": [{"slug": "b"}, {"slug": "a"}]}}
    again = (await api.post(named(HASH.upper(), variables={"first": 1}), as_=owner)).json()
    assert again["data"] == {"sites": {"nodes": [{"slug": "b"}]}}


async def test_a_known_hash_gives_nobody_more_than_the_document_would(api: Api, tenant: Tenant, world: Any) -> None:
    await api.post(named(query=QUERY), as_=tenant[Role.OWNER])
    other = world.tenant()
    seen = (await api.post(named(variables={"first": 1}), as_=tenant[Role.VIEWER])).json()
    assert seen["data"] == {"sites": {"nodes": [{"slug": "a"}]}}
    assert "errors" not in (await api.post(named(), as_=other[Role.OWNER])).json()
    nobody = (await api.post(named())).json()
    assert [error["extensions"]["code"] for error in nobody["errors"]] == ["UNAUTHENTICATED"]


async def test_a_wrong_hash_is_refused_and_not_kept(api: Api, tenant: Tenant) -> None:
    wrong = hashlib.sha256(b"{ viewer { role } }").hexdigest()
    refused = (await api.post(named(wrong, query=QUERY), as_=tenant[Role.OWNER])).json()
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["BAD_REQUEST"]
    unknown = (await api.post(named(wrong), as_=tenant[Role.OWNER])).json()
    assert [error["extensions"]["code"] for error in unknown["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_a_document_that_is_refused_is_not_kept(api: Api, tenant: Tenant) -> None:
    text = "{ nothing }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert "errors" in (await api.post(named(digest, query=text), as_=tenant[Role.OWNER])).json()
    again = (await api.post(named(digest), as_=tenant[Role.OWNER])).json()
    assert [error["extensions"]["code"] for error in again["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize(
    "extension",
    [{"version": 2, "sha256Hash": HASH}, {"version": 1}, {"version": 1, "sha256Hash": 7}, "yes", [1]],
    ids=range(5),
)
async def test_other_forms_of_the_extension_are_refused(api: Api, extension: Any) -> None:
    answer = await api.post({"extensions": {"persistedQuery": extension}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == (
        "The extension 'persistedQuery' must say version 1 and the document's sha256Hash."
    )


async def test_a_get_may_name_a_document_too(api: Api, tenant: Tenant) -> None:
    owner = tenant[Role.OWNER]
    await api.post(named(query=QUERY), as_=owner)
    answer = await api.http.get(
        "/graphql",
        params={"extensions": json.dumps(named()["extensions"]), "variables": '{"first": 1}'},
        headers={"Authorization": f"Bearer {owner.token}"},
    )
    assert answer.json()["data"] == {"sites": {"nodes": [{"slug": "b"}]}}
