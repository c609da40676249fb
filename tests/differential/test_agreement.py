"""Compiled answers are those of plain resolvers, whatever is asked and whoever asks."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest
from graphql import GraphQLSchema, build_schema, print_schema

from igny8 import logs
from igny8.app import create_app
from igny8.schema import make_schema
from igny8.settings import Settings
from tests.conftest import running
from tests.differential.comparison import Court, fill_two_sites, wide
from tests.differential.operations import drawn
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

CASES = int(os.environ.get("IGNY8_TEST_CASES", "200"))
SEED = int(os.environ.get("IGNY8_TEST_SEED", "1"))
ASKERS = ("owner", "admin", "editor", "viewer", "developer", "anonymous")


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(print_schema(make_schema()._schema))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return wide(settings)


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    logs.configure(settings)
    async with running(create_app(settings)) as client:
        yield client


@pytest.fixture
def tenant(world: World) -> Tenant:
    return fill_two_sites(world)


@pytest.fixture
def court(schema: GraphQLSchema, settings: Settings, http: httpx.AsyncClient, world: World) -> Court:
    return Court(schema, settings, http, world)


@pytest.mark.parametrize("name", ASKERS)
async def test_compiled_and_plain_answers_are_equal(court: Court, tenant: Tenant, name: str) -> None:
    known, _ = court.asker(tenant, "owner")  # ids of what this one may not see are asked for too
    plain, headers = court.asker(tenant, name, known)
    share = CASES // len(ASKERS) + 1
    for case in range(share):
        seed = f"{SEED}-{name}-{case}"
        difference = await court.difference(plain, headers, drawn(seed, court.schema, known))
        assert difference is None, f"case {seed}\n{difference}"


@pytest.mark.parametrize("wrong", ["order", "row", "null"])
async def test_a_wrong_answer_would_be_noticed(court: Court, tenant: Tenant, wrong: str) -> None:
    """The comparison itself: of plain answers that are wrong in one way, some case differs before long."""
    plain, headers = court.asker(tenant, "owner")
    if wrong == "order":
        for row in plain.rows["keyword"]:
            row["volume"] = -(row["volume"] or 0)
    elif wrong == "row":
        plain.rows["cluster"].pop()
    else:
        for row in plain.rows["sector"]:
            row["name"] = None if row["name"] is None else row["name"] + "!"
    known, _ = court.asker(tenant, "owner")
    for case in range(400):
        if await court.difference(plain, headers, drawn(f"wrong-{case}", court.schema, known)) is not None:
            return
    pytest.fail("no case differed")
