"""The clients of `examples/` with everything that they need of us: a sign-up, keywords, a job of a real worker."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from igny8.db import new_id
from igny8.gql import ids
from igny8.settings import Settings
from tests.streams.conftest import stored
from tests.streams.programs import CLIENTS, line_to, started
from tests.support.workshop import Providers, Workshop, sandboxes, workshop
from tests.support.world import World

pytestmark = pytest.mark.anyio

SIGN_UP = "mutation($input: SignUpInput!) { signUp(input: $input) { tokens { accessToken refreshToken } } }"
SITE = """mutation($input: CreateSiteInput!) { createSite(input: $input) { errors { message } site { id } } }"""
SECTOR = "mutation($input: CreateSectorInput!) { createSector(input: $input) { errors { message } sector { id } } }"
KEYWORDS = "mutation($input: CreateKeywordsInput!) { createKeywords(input: $input) { errors { message } success } }"
CLUSTER = (
    "mutation($input: ClusterKeywordsInput!) { clusterKeywords(input: $input) { errors { message } job { id } } }"
)
WORDS = ("prune roses", "prune climbing roses", "when to prune roses", "compost bin", "wooden compost bin")


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    with sandboxes() as made:
        yield made


@pytest.fixture
async def shop(settings: Settings, world: World, providers: Providers) -> AsyncIterator[Workshop]:
    async with workshop(settings, world, providers) as made:
        yield made


@CLIENTS
async def test_a_job_is_followed_by_whoever_signed_up_and_whose_token_is_old(
    live: str, shop: Workshop, command: tuple[str, ...]
) -> None:
    credentials = {"email": f"{new_id().hex}@example.com", "password": "daffodils at noon", "name": "Ann"}
    tokens = (await shop.api.data(SIGN_UP, input=credentials))["signUp"]["tokens"]

    async def mutate(text: str, **input: Any) -> Any:
        bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
        (payload,) = (await shop.api(text, headers=bearer, input=input))["data"].values()
        assert payload["errors"] == []
        return payload

    site = (await mutate(SITE, name="Garden shop", domain="shop.example.com"))["site"]["id"]
    sector = (await mutate(SECTOR, siteId=site, name="Roses"))["sector"]["id"]
    await mutate(KEYWORDS, sectorId=sector, keywords=[{"keyword": word} for word in WORDS])
    job = (await mutate(CLUSTER, sectorId=sector, method="LEXICAL"))["job"]["id"]
    old = {"TOKEN": "x.y.z", "REFRESH_TOKEN": tokens["refreshToken"]}
    async with (
        line_to(live, cut_after=200) as (address, _),
        started(command, job, URL=address, **old) as client,
    ):
        code, lines, complaints = await client.end()
    assert [line[0] for line in lines] == stored(shop.world.sql, ids.parse("job", job)), complaints
    assert (code, [lines[0][2], lines[-1][2]]) == (0, ["QUEUED", "SUCCEEDED"])
    assert complaints.count("lost (") >= 2
