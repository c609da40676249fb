"""The whole path on Debian's PostgreSQL 15, with password checks and an operator's odd server settings."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from igny8.access import Role
from igny8.app import create_app
from igny8.settings import Settings
from tests.conftest import ROLES, running
from tests.database.conftest import Walled
from tests.support.api import Api
from tests.support.world import World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.postgres15,
    pytest.mark.parametrize("walled", ["postgres15"], indirect=True),
]

SIGN_UP = """mutation($input: SignUpInput!) {
  signUp(input: $input) { errors { message } tokens { accessToken } viewer { role account { name status } } } }"""
CREATE_SITE = """mutation($input: CreateSiteInput!) {
  createSite(input: $input) { errors { message } site { name slug status createdAt account { name } } } }"""
SITES = """{ sites(orderBy: [{field: NAME, direction: DESC}], first: 1) {
  totalCount pageInfo { hasNextPage endCursor } nodes { slug sectors { nodes { name site { slug } } } } } }"""


@pytest.fixture
async def old(walled: Walled, settings: Settings) -> AsyncIterator[Api]:
    """The API on PostgreSQL 15."""
    urls = {f"database_{role}_url": SecretStr(walled.urls[role]) for role in ROLES}
    async with running(create_app(settings.model_copy(update=urls))) as client:
        yield Api(client)


async def test_it_is_ready(old: Api) -> None:
    answer = await old.http.get("/ready")
    assert (answer.status_code, answer.json()["database"], answer.json()["migrations"]) == (200, "ok", "ok")


async def test_nested_pages_are_read_by_owner_and_editor(old: Api, people: World) -> None:
    tenant = people.tenant()
    answers = [await old.data(SITES, as_=tenant[role]) for role in (Role.OWNER, Role.EDITOR)]
    sites = [answer["sites"] for answer in answers]
    assert [(page["totalCount"], page["pageInfo"]["hasNextPage"]) for page in sites] == [(2, True), (1, False)]
    assert [page["nodes"] for page in sites] == [
        [{"slug": slug, "sectors": {"nodes": [{"name": f"Sector {slug}", "site": {"slug": slug}}]}}]
        for slug in ("b", "a")
    ]


async def test_an_account_is_made_and_writes_what_it_then_reads(old: Api) -> None:
    applicant = {"email": "old@example.com", "password": "correct horse battery", "name": "Ada", "accountName": "Old"}
    made = (await old.data(SIGN_UP, input=applicant))["signUp"]
    assert made["errors"] == []
    assert made["viewer"] == {"role": "OWNER", "account": {"name": "Old", "status": "TRIAL"}}
    answer = await old.post(
        {"query": CREATE_SITE, "variables": {"input": {"name": "Garden"}}},
        headers={"Authorization": f"Bearer {made['tokens']['accessToken']}"},
    )
    written = answer.json()["data"]["createSite"]
    assert written["errors"] == []
    assert written["site"].pop("createdAt").endswith("+00:00")
    assert written["site"] == {"name": "Garden", "slug": "garden", "status": "ACTIVE", "account": {"name": "Old"}}
