"""Clustering as a job, from the mutation to the clusters, with a provider that behaves and one that does not."""

import csv
from pathlib import Path
from typing import Any

import pytest

from igny8.access import Role
from igny8.billing import books
from igny8.db import Database, LoginRole
from igny8.gql import ids
from igny8.settings import Settings
from tests.support.workshop import Providers, Workshop, workshop
from tests.support.world import World

pytestmark = pytest.mark.anyio

SAMPLE = list(csv.DictReader(Path(__file__).with_name("garden_keywords.csv").read_text().splitlines()))
CLUSTERS = """query($sector: [ID!]) { clusters(filter: {sectorId: $sector}, first: 100) { nodes {
  id name keywordsCount locked keywords(first: 100) { nodes { id keyword } } } } }"""

PAGES = """query($id: ID!) { job(id: $id) {
  items(first: 2) { totalCount edges { cursor node { state } } pageInfo { endCursor } }
  results(first: 2) { totalCount edges { cursor node { __typename } } pageInfo { hasNextPage } } } }"""
LEDGER = """{ creditTransactions { nodes { amount job { kind } } } creditUsageLogs { nodes {
  operationType creditsUsed costUsd provider tokensInput job { kind } } } }"""


async def add(shop: Workshop, *keywords: str, sector: str = "a") -> list[str]:
    given = [{"keyword": one} for one in keywords]
    made = await shop.mutate("createKeywords", "keywords { id }", sectorId=shop.tenant.sector(sector), keywords=given)
    assert made["errors"] == []
    return [one["id"] for one in made["keywords"]]


async def start(shop: Workshop, **input: Any) -> Any:
    return await shop.mutate("clusterKeywords", "job { id creditsHeld }", **input)


async def run(shop: Workshop, **input: Any) -> dict[str, Any]:
    started = await start(shop, **input)
    assert started["errors"] == []
    return await shop.ended(started["job"]["id"])


async def clusters(shop: Workshop) -> list[dict[str, Any]]:
    data = await shop.api.data(CLUSTERS, as_=shop.editor, sector=[shop.tenant.sector("a")])
    found: list[dict[str, Any]] = data["clusters"]["nodes"]
    return found


async def test_a_sector_is_clustered_by_the_model_and_paid_for_once(shop: Workshop) -> None:
    keywords = await add(shop, *(row["keyword"] for row in SAMPLE))
    job = await run(shop, sectorId=shop.tenant.sector("a"))
    assert (job["state"], job["creditsHeld"], job["creditsUsed"], shop.calls) == ("SUCCEEDED", 10, 10, 1)
    assert shop.wallet() == (9_990, 0)
    made = await clusters(shop)
    clustered = [keyword["id"] for one in made for keyword in one["keywords"]["nodes"]]
    left_over = {one["keyword"] for one in job["outcome"]["leftOver"]}
    assert len(clustered) + len(left_over) == len(keywords)
    assert set(clustered) <= set(keywords)
    assert "pineapple corer" in left_over
    assert job["outcome"]["clustersCreated"] == len(made) >= 8
    assert {one["id"] for one in job["results"]["nodes"]} == {one["id"] for one in made}
    pages = (await shop.api.data(PAGES, as_=shop.editor, id=job["id"]))["job"]
    assert pages["items"]["totalCount"] == len(pages["items"]["edges"]) == 1
    assert [edge["node"]["__typename"] for edge in pages["results"]["edges"]] == ["Cluster", "Cluster"]
    assert (pages["results"]["totalCount"], pages["results"]["pageInfo"]["hasNextPage"]) == (len(made), True)
    assert all(one["keywordsCount"] == len(one["keywords"]["nodes"]) >= 2 for one in made)


async def test_what_it_cost_is_estimated_before_and_logged_after(
    settings: Settings, world: World, providers: Providers, db: Database
) -> None:
    own = settings.model_copy(update={"credit_prices": {"CLUSTERING": 7}})
    async with workshop(own, world, providers) as shop:
        sector = shop.tenant.sector("a")
        await add(shop, *(f"roses {number}" for number in range(201)))
        ask = """query($input: EstimateInput!) { estimateCredits(input: $input) {
          credits minCredits available sufficient items } }"""
        wanted = {"kind": "CLUSTER_KEYWORDS", "sectorId": sector}
        before = await shop.api.data(ask, as_=shop.tenant[Role.OWNER], input=wanted)
        assert before["estimateCredits"] == {
            "credits": 14, "minCredits": 14, "available": 10_000, "sufficient": True, "items": 201,
        }  # fmt: skip
        free = await shop.api.data(ask, as_=shop.editor, input={**wanted, "method": "LEXICAL"})
        assert (free["estimateCredits"]["credits"], free["estimateCredits"]["available"]) == (0, None)
        assert await shop.api.code(ask, as_=shop.editor, input={"kind": "SYNC_SITE"}) == "BAD_REQUEST"
        assert await shop.api.code(ask, as_=shop.editor, input={"kind": "CLUSTER_KEYWORDS"}) == "BAD_REQUEST"
        job = await run(shop, sectorId=sector)
        assert (job["creditsHeld"], job["creditsUsed"], shop.wallet()) == (14, 14, (9_986, 0))
        ledger = await shop.api.data(LEDGER, as_=shop.tenant[Role.OWNER])
        (taken, _) = ledger["creditTransactions"]["nodes"]
        assert (taken["amount"], taken["job"]) == (-14, {"kind": "CLUSTER_KEYWORDS"})
        used = ledger["creditUsageLogs"]["nodes"]
        assert [one["creditsUsed"] for one in used] == [7, 7]
        for one in used:
            assert (one["operationType"], one["job"]["kind"]) == ("CLUSTERING", "CLUSTER_KEYWORDS")
            assert (one["provider"], one["tokensInput"] > 0, float(one["costUsd"]) > 0) == ("OPENAI", True, True)
        async with db.session(LoginRole.SYSTEM) as session:
            assert [fault for fault in await books.faults(session) if fault.account_id == shop.tenant.id] == []


async def test_more_than_a_request_holds_is_divided_and_merged(shop: Workshop) -> None:
    topics = ("roses", "tomatoes", "compost", "lawn mower", "raised bed")
    words = ("best", "cheap", "how to buy", "small", "large", "organic", "wooden", "guide to")
    await add(shop, *(f"{word} {topic} {number}" for topic in topics for word in words for number in range(11)))
    job = await run(shop, sectorId=shop.tenant.sector("a"))
    assert (job["state"], job["creditsUsed"], job["outcome"]["requests"], shop.calls) == ("SUCCEEDED", 30, 3, 3)
    names = [one["name"].casefold() for one in await clusters(shop)]
    assert len(names) == len(set(names))


async def test_a_preview_writes_nothing_and_its_proposals_are_the_outcome(shop: Workshop) -> None:
    keywords = await add(shop, *(row["keyword"] for row in SAMPLE[:20]))
    job = await run(shop, keywordIds=keywords, preview=True, method="AI")
    assert (job["state"], job["creditsUsed"], job["results"]["nodes"]) == ("SUCCEEDED", 10, [])
    assert await clusters(shop) == []
    proposals = job["outcome"]["proposals"]
    assert {id_ for one in proposals for id_ in one["keywordIds"]} <= set(keywords)
    assert all(one["name"] and 0 <= one["score"] <= 1 for one in proposals)
    assert job["outcome"]["clustersCreated"] == 0


@pytest.mark.parametrize("method", ["LEXICAL", "SERP_OVERLAP"])
async def test_methods_without_a_model_are_free(shop: Workshop, method: str) -> None:
    pages = [[f"https://example.com/{topic}/{page}" for page in range(10)] for topic in range(2)]
    given = [
        {"keyword": text, "serpUrls": pages[number % 2]}
        for number, text in enumerate(("rose pruning", "compost bin", "prune roses", "bin for compost"))
    ]
    await shop.mutate("createKeywords", "keywords { id }", sectorId=shop.tenant.sector("a"), keywords=given)
    job = await run(shop, sectorId=shop.tenant.sector("a"), method=method)
    assert (job["state"], job["creditsHeld"], job["creditsUsed"], shop.calls) == ("SUCCEEDED", 0, 0, 0)
    groups = [{one["keyword"] for one in cluster["keywords"]["nodes"]} for cluster in await clusters(shop)]
    assert sorted(map(sorted, groups)) == [["bin for compost", "compost bin"], ["prune roses", "rose pruning"]]


async def test_clusters_that_are_there_grow_and_locked_ones_stay_as_they_are(shop: Workshop) -> None:
    await add(shop, "prune roses", "prune climbing roses", "when to prune roses")
    await run(shop, sectorId=shop.tenant.sector("a"), method="LEXICAL")
    (first,) = await clusters(shop)
    await add(shop, "prune old roses", "how to prune roses")
    job = await run(shop, sectorId=shop.tenant.sector("a"))
    assert (job["outcome"]["clustersCreated"], job["outcome"]["clustersExtended"]) in ((0, 1), (1, 0))
    shop.world.sql.execute("UPDATE cluster SET locked = true WHERE account_id = %s", [shop.tenant.id])
    before = {one["id"]: one["keywordsCount"] for one in await clusters(shop)}
    await add(shop, "prune young roses", "prune wild roses")
    await run(shop, sectorId=shop.tenant.sector("a"))
    after = {one["id"]: one["keywordsCount"] for one in await clusters(shop)}
    assert {id_: after[id_] for id_ in before} == before
    assert first["id"] in before


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("unauthorized", "PROVIDER_AUTH"), ("wrong-schema", "AI_OUTPUT_INVALID"), ("truncated", "AI_OUTPUT_INVALID"),
     ("error-500", "PROVIDER_UNAVAILABLE"), ("huge", "AI_OUTPUT_INVALID")],
)  # fmt: skip
async def test_a_provider_that_fails_costs_nothing(shop: Workshop, behaviour: str, code: str) -> None:
    await shop.behave(behaviour)
    await add(shop, *(row["keyword"] for row in SAMPLE[:20]))
    job = await run(shop, sectorId=shop.tenant.sector("a"))
    assert (job["state"], job["creditsUsed"], job["itemsFailed"]) == ("FAILED", 0, 1)
    assert job["items"]["nodes"][0]["error"]["code"] == code
    assert "own-key-0123456789" not in str(job)
    assert (await clusters(shop), shop.wallet()) == ([], (10_000, 0))


async def test_a_provider_that_fails_for_a_while_is_asked_again(shop: Workshop) -> None:
    await shop.behave("flaky-2")
    await add(shop, "prune roses", "prune climbing roses", "when to prune roses")
    job = await run(shop, sectorId=shop.tenant.sector("a"))
    assert (job["state"], job["creditsUsed"]) == ("SUCCEEDED", 10)


async def test_a_hostile_answer_names_nothing_that_was_not_sent(shop: Workshop) -> None:
    await shop.behave("hostile")
    unsent = await add(shop, "of the same sector, and not sent")
    sent = await add(shop, *(row["keyword"] for row in SAMPLE[:20]))
    job = await run(shop, keywordIds=sent)
    made = await clusters(shop)
    assert (job["state"], bool(made)) == ("SUCCEEDED", True)
    for one in made:
        assert "<" not in one["name"]
        assert not {keyword["id"] for keyword in one["keywords"]["nodes"]} & set(unsent)


async def test_the_plans_limit_keeps_what_fits(settings: Settings, world: World, providers: Providers) -> None:
    async with workshop(settings, world, providers, plan="free-trial") as shop:
        world.sql.execute(
            "INSERT INTO cluster (account_id, id, site_id, sector_id, name)"
            " SELECT %s, gen_random_uuid(), %s, %s, 'old ' || n FROM generate_series(1, 100) n",
            [shop.tenant.id, shop.tenant.sites["a"], shop.tenant.sectors["a"]],
        )
        await add(shop, "prune roses", "prune climbing roses", "compost bin", "wooden compost bin")
        job = await run(shop, sectorId=shop.tenant.sector("a"))
        assert (job["state"], job["creditsUsed"]) == ("FAILED", 0)
        assert job["items"]["nodes"][0]["error"]["code"] == "LIMIT_REACHED"


async def test_a_part_that_failed_is_run_again_by_itself(
    settings: Settings, world: World, providers: Providers
) -> None:
    async with workshop(settings, world, providers, plan="free-trial") as shop:
        world.sql.execute(
            "INSERT INTO cluster (account_id, id, site_id, sector_id, name, locked)"
            " SELECT %s, gen_random_uuid(), %s, %s, 'old ' || n, true FROM generate_series(1, 85) n",
            [shop.tenant.id, shop.tenant.sites["a"], shop.tenant.sectors["a"]],
        )
        plants = [f"{letter}{vowel}nto{letter}" for letter in "bcdfghklmp" for vowel in "aei"]
        keywords = await add(
            shop, *(f"{plant} {word}" for plant in plants for word in ("pots", "seeds", "soil", "pruning", "care",
            "prices", "colours", "roots", "leaves", "pests")),
        )  # fmt: skip
        partial = await run(shop, sectorId=shop.tenant.sector("a"))
        assert (partial["state"], partial["itemsDone"], partial["itemsFailed"], shop.calls) == ("PARTIAL", 1, 1, 2)
        world.sql.execute("DELETE FROM cluster WHERE account_id = %s AND name LIKE 'old %%'", [shop.tenant.id])
        text = "mutation($id: ID!) { retryJob(id: $id) { errors { message } job { id creditsHeld } } }"
        again = (await shop.api.data(text, as_=shop.editor, id=partial["id"]))["retryJob"]["job"]
        job = await shop.ended(again["id"])
        assert (job["state"], job["creditsUsed"], shop.calls) == ("SUCCEEDED", 10, 3)
        clustered = [keyword["id"] for one in await clusters(shop) for keyword in one["keywords"]["nodes"]]
        left_over = [one["id"] for run in (partial, job) for one in run["outcome"]["leftOver"]]
        assert sorted(clustered + left_over) == sorted(keywords)


async def test_nothing_starts_and_nothing_is_held_for_what_cannot_be_done(shop: Workshop) -> None:
    tenant = shop.tenant
    (mine,) = await add(shop, "prune roses")
    made = await shop.api.data(
        "mutation($input: CreateKeywordsInput!) { createKeywords(input: $input) { keywords { id } } }",
        as_=tenant[Role.OWNER],
        input={"sectorId": tenant.sector("b"), "keywords": [{"keyword": "in the other site"}]},
    )
    other = made["createKeywords"]["keywords"][0]["id"]

    async def refused(role: Role = Role.OWNER, **input: Any) -> tuple[str, list[str]]:
        text = "mutation($input: ClusterKeywordsInput!) { clusterKeywords(input: $input) { job { id } %s } }"
        data = await shop.api.data(text % "errors { code field message }", as_=tenant[role], input=input)
        assert data["clusterKeywords"]["job"] is None
        (error,) = data["clusterKeywords"]["errors"]
        return error["code"], error["field"]

    ids_field = ["input", "keywordIds"]
    assert await refused() == ("VALIDATION", ["input"])
    assert await refused(keywordIds=[mine], sectorId=tenant.sector("a")) == ("VALIDATION", ["input"])
    assert await refused(keywordIds=[]) == ("VALIDATION", ids_field)
    assert await refused(keywordIds=[f"key_{n:032x}" for n in range(1_001)]) == ("VALIDATION", ids_field)
    assert await refused(keywordIds=[mine, f"key_{7:032x}"]) == ("NOT_FOUND", [*ids_field, "1"])
    assert await refused(keywordIds=[mine, other]) == ("VALIDATION", ids_field)
    assert await refused(keywordIds=[mine, other], role=Role.EDITOR) == ("NOT_FOUND", [*ids_field, "1"])
    assert await refused(keywordIds=["clu_" + "0" * 32]) == ("VALIDATION", [*ids_field, "0"])
    assert await refused(keywordIds=[mine], promptOverride="{{unknown}}") == (
        "VALIDATION",
        ["input", "promptOverride"],
    )
    assert await refused(keywordIds=[mine], method="SERP_OVERLAP") == ("NOT_ALLOWED_NOW", [])
    shop.world.sql.execute(
        "UPDATE sector SET status = 'INACTIVE' WHERE id = %s", [ids.parse("sec", tenant.sector("a"))]
    )
    assert await refused(keywordIds=[mine]) == ("NOT_ALLOWED_NOW", [])
    assert shop.wallet() == (10_000, 0)
    assert (await shop.api.data("{ jobs { totalCount } }", as_=tenant[Role.OWNER]))["jobs"]["totalCount"] == 0


async def test_without_enough_credits_nothing_starts(settings: Settings, world: World, providers: Providers) -> None:
    async with workshop(settings, world, providers, credits=9) as shop:
        await add(shop, "prune roses")
        started = await start(shop, sectorId=shop.tenant.sector("a"))
        assert [(one["code"], one["details"]) for one in started["errors"]] == [
            ("INSUFFICIENT_CREDITS", {"needed": 10, "available": 9})
        ]
        assert (started["job"], shop.wallet()) == (None, (9, 0))


async def test_a_failed_run_is_run_again_as_a_new_job(shop: Workshop) -> None:
    await shop.behave("unauthorized")
    await add(shop, "prune roses", "prune climbing roses")
    failed = await start(shop, sectorId=shop.tenant.sector("a"))
    await shop.ended(failed["job"]["id"])
    await shop.behave("")
    text = "mutation($id: ID!) { retryJob(id: $id) { errors { message } job { id retryOf { id } } } }"
    again = (await shop.api.data(text, as_=shop.editor, id=failed["job"]["id"]))["retryJob"]["job"]
    assert again["retryOf"] == {"id": failed["job"]["id"]}
    assert (await shop.ended(again["id"]))["state"] == "SUCCEEDED"
