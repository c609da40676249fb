"""Ideas as a job, from the mutation to the ideas, with a provider that behaves and one that does not."""

from typing import Any

import pytest

from igny8 import transactions
from igny8.access import Role
from igny8.billing import books
from igny8.db import Database, LoginRole, new_id
from igny8.gql import ids
from igny8.settings import Settings
from igny8.system import strategies
from igny8.system.tables import PromptType
from tests.support.graph import Graph
from tests.support.workshop import Providers, Workshop, workshop
from tests.support.world import World

pytestmark = pytest.mark.anyio

IDEAS = """query($cluster: [ID!]) { ideas(filter: {clusterId: $cluster}, first: 100) { nodes {
  id title description status priority targetKeyword contentType contentStructure estimatedWordCount
  outline { heading level notes } cluster { id status } keywords { nodes { keyword } } } } }"""
LEDGER = """{ creditTransactions { nodes { amount job { kind } } } creditUsageLogs { nodes {
  operationType creditsUsed costUsd tokensInput job { kind } } } }"""
SUBJECTS = {
    "Pour over": ["pour over coffee", "pour over ratio", "best pour over kettle"],
    "Moka pot": ["moka pot", "how to use a moka pot"],
    "Cold brew": ["cold brew", "cold brew concentrate", "cold brew ratio"],
}


def clusters(shop: Workshop, *names: str, site: str = "a") -> list[str]:
    """Clusters with keywords, made directly."""
    graph, made = Graph(shop.world, shop.tenant, site), []
    for name in names or SUBJECTS:
        made.append(ids.show("clu", graph.cluster(name)))
        for number, keyword in enumerate(SUBJECTS[name]):
            graph.keyword(keyword, name, volume=1_000 - number, intent="INFORMATIONAL")
    return made


async def start(shop: Workshop, **input: Any) -> Any:
    return await shop.mutate("generateIdeas", "job { id creditsHeld }", **input)


async def run(shop: Workshop, **input: Any) -> dict[str, Any]:
    started = await start(shop, **input)
    assert started["errors"] == []
    return await shop.ended(started["job"]["id"])


async def ideas(shop: Workshop, *cluster_ids: str) -> list[dict[str, Any]]:
    data = await shop.api.data(IDEAS, as_=shop.editor, cluster=list(cluster_ids) or None)
    found: list[dict[str, Any]] = data["ideas"]["nodes"]
    return found


async def test_each_cluster_gets_ideas_with_an_outline_and_is_paid_for(shop: Workshop, db: Database) -> None:
    wanted = clusters(shop)
    job = await run(shop, clusterIds=wanted)
    assert (job["state"], job["creditsHeld"], job["creditsUsed"], shop.calls) == ("SUCCEEDED", 45, 45, 3)
    assert shop.wallet() == (9_955, 0)
    made = await ideas(shop)
    assert job["outcome"] == {"__typename": "IdeasReport", "created": len(made), "duplicatesDropped": 0}
    assert {one["id"] for one in job["results"]["nodes"]} == {one["id"] for one in made}
    assert [one["subject"]["id"] for one in job["items"]["nodes"]] == wanted
    for cluster in wanted:
        mine = [one for one in made if one["cluster"]["id"] == cluster]
        assert len(mine) == 5
        for one in mine:
            assert (one["status"], one["cluster"]["status"]) == ("NEW", "MAPPED")
            assert (one["description"] != "", one["estimatedWordCount"] >= 300) == (True, True)
            assert len(one["outline"]) >= 4
            assert all(part["heading"] and part["level"] in (2, 3) and part["notes"] for part in one["outline"])
            assert one["keywords"]["nodes"] == [{"keyword": one["targetKeyword"]}]
    ledger = await shop.api.data(LEDGER, as_=shop.tenant[Role.OWNER])
    assert ledger["creditTransactions"]["nodes"][0]["amount"] == -45
    used = ledger["creditUsageLogs"]["nodes"]
    assert [(one["operationType"], one["creditsUsed"]) for one in used] == [("IDEA_GENERATION", 15)] * 3
    assert all(one["tokensInput"] > 0 and float(one["costUsd"]) > 0 for one in used)
    async with db.session(LoginRole.SYSTEM) as session:
        assert [fault for fault in await books.faults(session) if fault.account_id == shop.tenant.id] == []


async def test_what_it_costs_is_told_before(settings: Settings, world: World, providers: Providers) -> None:
    own = settings.model_copy(update={"credit_prices": {"IDEA_GENERATION": 4}})
    async with workshop(own, world, providers) as shop:
        wanted = clusters(shop)
        ask = """query($input: EstimateInput!) { estimateCredits(input: $input) {
          credits minCredits available sufficient items } }"""
        asked = {"kind": "GENERATE_IDEAS", "ids": wanted, "perCluster": 3}
        before = await shop.api.data(ask, as_=shop.tenant[Role.OWNER], input=asked)
        assert before["estimateCredits"] == {
            "credits": 12, "minCredits": 12, "available": 10_000, "sufficient": True, "items": 3,
        }  # fmt: skip
        for wrong in ({"ids": []}, {"ids": None}, {"perCluster": 0}, {"ids": [ids.show("clu", new_id())]}):
            assert await shop.api.code(ask, as_=shop.editor, input={**asked, **wrong}) == "BAD_REQUEST"
        job = await run(shop, clusterIds=wanted, perCluster=3)
        assert (job["creditsHeld"], job["creditsUsed"], shop.wallet()) == (12, 12, (9_988, 0))
        assert len(await ideas(shop)) == 9


async def test_near_duplicates_are_dropped_and_counted_and_nothing_new_costs_nothing(shop: Workshop) -> None:
    (cluster,) = clusters(shop, "Moka pot")
    shop.world.sql.execute("DELETE FROM keyword WHERE keyword <> 'moka pot' AND account_id = %s", [shop.tenant.id])
    first = await run(shop, clusterIds=[cluster], perCluster=8)
    again = await run(shop, clusterIds=[cluster], perCluster=8)
    made, (created, dropped) = await ideas(shop), (again["outcome"]["created"], again["outcome"]["duplicatesDropped"])
    assert (first["outcome"]["created"], created + dropped) == (8, 8)
    assert dropped >= 1
    assert len(made) == 8 + created
    assert len({one["title"].casefold() for one in made}) == len(made)
    used, runs = first["creditsUsed"] + again["creditsUsed"], 0
    while (last := await run(shop, clusterIds=[cluster], perCluster=1))["outcome"]["created"] and runs < 20:
        used, runs = used + last["creditsUsed"], runs + 1
    assert (last["state"], last["outcome"], last["creditsUsed"]) == (
        "SUCCEEDED", {"__typename": "IdeasReport", "created": 0, "duplicatesDropped": 1}, 0,
    )  # fmt: skip
    assert shop.wallet() == (10_000 - used, 0)


async def test_strategies_and_the_requests_own_prompt_reach_the_model(shop: Workshop, db: Database) -> None:
    (cluster,) = clusters(shop, "Moka pot")
    owner, text = shop.tenant[Role.OWNER], "mutation($input: CreateStrategyInput!) { createStrategy(input: $input) {"

    async def strategy(name: str, **more: Any) -> str:
        given = {"name": name, "promptTypes": ["IDEAS"], "instructions": {"audience": name}, **more}
        made = await shop.api.data(text + " strategy { id } } }", as_=owner, input=given)
        made_id: str = made["createStrategy"]["strategy"]["id"]
        return made_id

    async def asked(prompt: str, strategy_id: str | None = None) -> int:
        """Tokens of the prompt: one for each four characters that are begun."""
        shop.world.sql.execute("DELETE FROM content_idea WHERE account_id = %s", [shop.tenant.id])
        await run(shop, clusterIds=[cluster], strategyId=strategy_id, promptOverride=prompt)
        tokens: int = shop.log.listed()[-1]["tokens_input"]
        return tokens

    chosen = await strategy("home baristas", description="For beginners.")
    await strategy("of the sector", sectorId=shop.tenant.sector("a"))
    await strategy("asleep", isActive=False)
    await strategy("for texts", promptTypes=["CONTENT"])
    await strategy("elsewhere", sectorId=shop.tenant.sector("b"))
    one = 'home baristas: For beginners.\n{\n  "audience": "home baristas"\n}'
    both = f'{one}\n\nof the sector\n{{\n  "audience": "of the sector"\n}}'
    sector = shop.tenant.sectors["a"]
    async with transactions.acting_as(db, shop.tenant.id, owner.id) as session:
        for wanted, expected in ((ids.parse("str", chosen), one), (None, both)):
            said = await strategies.instructions_for(
                session, shop.tenant.id, PromptType.IDEAS, sector_id=sector, only=wanted
            )
            assert said == expected
    without = await asked("{{data}}")
    for wanted_id, expected in ((chosen, one), (None, both)):
        more = await asked("{{data}}{{strategy}}", wanted_id) - without
        assert abs(more - len(expected) / 4) <= 1


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("unauthorized", "PROVIDER_AUTH"), ("wrong-schema", "AI_OUTPUT_INVALID"), ("truncated", "AI_OUTPUT_INVALID"),
     ("error-500", "PROVIDER_UNAVAILABLE"), ("huge", "AI_OUTPUT_INVALID"), ("refused", "AI_REFUSED")],
)  # fmt: skip
async def test_a_provider_that_fails_costs_nothing(shop: Workshop, behaviour: str, code: str) -> None:
    await shop.behave(behaviour)
    job = await run(shop, clusterIds=clusters(shop, "Moka pot"))
    assert (job["state"], job["creditsUsed"], job["itemsFailed"]) == ("FAILED", 0, 1)
    assert job["items"]["nodes"][0]["error"]["code"] == code
    assert "own-key-0123456789" not in str(job)
    assert (await ideas(shop), shop.wallet()) == ([], (10_000, 0))


async def test_a_hostile_answer_becomes_plain_text_about_what_was_asked(shop: Workshop) -> None:
    await shop.behave("hostile")
    wanted = clusters(shop)
    job = await run(shop, clusterIds=wanted, perCluster=8)
    made = await ideas(shop)
    assert (job["state"], bool(made)) == ("SUCCEEDED", True)
    for one in made:
        assert one["cluster"]["id"] in wanted
        for text in (one["title"], one["description"], *(part["heading"] for part in one["outline"])):
            assert "<" not in text
        assert (one["contentType"], one["contentStructure"]) == ("POST", "ARTICLE")
        assert len(one["title"]) <= 200


async def test_what_failed_is_run_again_alone(shop: Workshop) -> None:
    gone, *others = clusters(shop)
    shop.world.sql.execute("UPDATE cluster SET status = 'MAPPED' WHERE account_id = %s", [shop.tenant.id])
    await shop.behave("unauthorized")
    failed = await run(shop, clusterIds=[gone, *others])
    assert (failed["state"], failed["itemsFailed"]) == ("FAILED", 3)
    await shop.behave("")
    shop.world.sql.execute("DELETE FROM cluster WHERE id = %s", [ids.parse("clu", gone)])
    text = "mutation($id: ID!) { retryJob(id: $id) { errors { message } job { id } } }"

    async def again(job: dict[str, Any]) -> dict[str, Any]:
        retried = await shop.api.data(text, as_=shop.editor, id=job["id"])
        return await shop.ended(retried["retryJob"]["job"]["id"])

    partial = await again(failed)
    assert (partial["state"], partial["itemsDone"], partial["itemsFailed"]) == ("PARTIAL", 2, 1)
    assert (partial["creditsHeld"], partial["creditsUsed"], shop.wallet()) == (45, 30, (9_970, 0))
    assert [one["error"] and one["error"]["code"] for one in partial["items"]["nodes"]] == ["NOT_FOUND", None, None]
    before = len(await ideas(shop))
    last = await again(partial)
    assert (last["state"], last["itemsTotal"], last["creditsHeld"], last["creditsUsed"]) == ("FAILED", 1, 15, 0)
    assert (len(await ideas(shop)), shop.wallet()) == (before, (9_970, 0))


async def test_a_provider_that_fails_for_a_while_is_asked_again(shop: Workshop) -> None:
    await shop.behave("flaky-2")
    job = await run(shop, clusterIds=clusters(shop, "Moka pot"))
    assert (job["state"], job["creditsUsed"], len(await ideas(shop))) == ("SUCCEEDED", 15, 5)


async def test_the_plans_limit_in_the_middle_keeps_what_fits(
    settings: Settings, world: World, providers: Providers
) -> None:
    async with workshop(settings, world, providers, plan="free-trial") as shop:
        wanted = clusters(shop)
        shop.world.sql.execute(
            "INSERT INTO content_idea (account_id, id, site_id, sector_id, title)"
            " SELECT %s, gen_random_uuid(), %s, %s, 'old ' || n FROM generate_series(1, 993) n",
            [shop.tenant.id, shop.tenant.sites["b"], shop.tenant.sectors["b"]],
        )
        job = await run(shop, clusterIds=wanted)
        assert (job["state"], job["itemsDone"], job["itemsFailed"]) == ("PARTIAL", 2, 1)
        assert [one["error"]["code"] for one in job["items"]["nodes"] if one["error"]] == ["LIMIT_REACHED"]
        assert (job["creditsUsed"], job["outcome"]["created"], len(await ideas(shop, *wanted))) == (30, 7, 7)


async def test_deleting_all_that_a_job_is_about_cancels_it(shop: Workshop) -> None:
    await shop.behave("slow")
    wanted = clusters(shop, "Moka pot", "Cold brew")
    started = await start(shop, clusterIds=wanted)
    await shop.in_phase(started["job"]["id"], "AI_CALL")
    text = "mutation($ids: [ID!]!) { deleteClusters(ids: $ids) { success } }"
    assert (await shop.api.data(text, as_=shop.editor, ids=wanted))["deleteClusters"]["success"]
    job = await shop.ended(started["job"]["id"])
    assert (job["state"], job["creditsUsed"], shop.wallet()) == ("CANCELLED", 0, (10_000, 0))


async def test_nothing_starts_and_nothing_is_held_for_what_cannot_be_done(shop: Workshop) -> None:
    tenant, (mine, *_), (theirs,) = shop.tenant, clusters(shop), clusters(shop, "Moka pot", site="b")

    async def refused(role: Role = Role.OWNER, **input: Any) -> tuple[str, list[str]]:
        text = "mutation($input: GenerateIdeasInput!) { generateIdeas(input: $input) { job { id }"
        data = await shop.api.data(text + " errors { code field } } }", as_=tenant[role], input=input)
        assert data["generateIdeas"]["job"] is None
        (error,) = data["generateIdeas"]["errors"]
        return error["code"], error["field"]

    field, clusters_ = ["input", "clusterIds"], [mine]
    assert await refused(clusterIds=[]) == ("VALIDATION", field)
    assert await refused(clusterIds=[f"clu_{n:032x}" for n in range(1_001)]) == ("VALIDATION", field)
    assert await refused(clusterIds=[mine, theirs]) == ("VALIDATION", field)
    assert await refused(Role.EDITOR, clusterIds=[mine, theirs]) == ("NOT_FOUND", [*field, "1"])
    for number in (0, -1, 21):
        assert await refused(clusterIds=clusters_, perCluster=number) == ("VALIDATION", ["input", "perCluster"])
    assert await refused(clusterIds=clusters_, promptOverride="{{unknown}}") == (
        "VALIDATION", ["input", "promptOverride"],
    )  # fmt: skip
    unknown = ids.show("str", new_id())
    assert await refused(clusterIds=clusters_, strategyId=unknown) == ("NOT_FOUND", ["input", "strategyId"])
    make = "mutation($input: CreateStrategyInput!) { createStrategy(input: $input) { strategy { id } } }"
    for code, more in (
        ("VALIDATION", {"promptTypes": ["CONTENT"]}),
        ("VALIDATION", {"promptTypes": ["IDEAS"], "sectorId": tenant.sector("b")}),
        ("NOT_ALLOWED_NOW", {"promptTypes": ["IDEAS"], "isActive": False}),
    ):
        made = await shop.api.data(make, as_=tenant[Role.OWNER], input={"name": str(more), **more})
        strategy = made["createStrategy"]["strategy"]["id"]
        assert await refused(clusterIds=clusters_, strategyId=strategy) == (code, ["input", "strategyId"])
    sql, sector = shop.world.sql, ids.parse("sec", tenant.sector("a"))
    sql.execute("UPDATE cluster SET status = 'ARCHIVED' WHERE id = %s", [ids.parse("clu", mine)])
    assert await refused(clusterIds=clusters_) == ("NOT_ALLOWED_NOW", field)
    sql.execute("UPDATE cluster SET status = 'NEW' WHERE id = %s", [ids.parse("clu", mine)])
    sql.execute("UPDATE sector SET status = 'INACTIVE' WHERE id = %s", [sector])
    assert await refused(clusterIds=clusters_) == ("NOT_ALLOWED_NOW", [])
    assert shop.wallet() == (10_000, 0)
    assert (await shop.api.data("{ jobs { totalCount } }", as_=tenant[Role.OWNER]))["jobs"]["totalCount"] == 0


async def test_without_enough_credits_nothing_starts(settings: Settings, world: World, providers: Providers) -> None:
    async with workshop(settings, world, providers, credits=44) as shop:
        started = await start(shop, clusterIds=clusters(shop))
        assert [(one["code"], one["details"]) for one in started["errors"]] == [
            ("INSUFFICIENT_CREDITS", {"needed": 45, "available": 44})
        ]
        assert (started["job"], shop.wallet()) == (None, (44, 0))
