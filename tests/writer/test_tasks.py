"""Tasks by hand: made, changed, deleted."""

from typing import Any

import pytest

from igny8.access import Role
from igny8.gql import ids
from tests.support.graph import Graph
from tests.support.workshop import Workshop
from tests.writer.bench import act, content, content_of, read, status_of, task

pytestmark = pytest.mark.anyio

SHOWN = """id title description status priority contentType contentStructure wordCountTarget targetKeyword dueAt
  cluster { name } idea { title } keywords { nodes { keyword } } authorProfile { name } strategy { name }"""


async def profile(shop: Workshop, name: str = "Rosa", **given: Any) -> str:
    text = (
        "mutation($input: CreateAuthorProfileInput!) { createAuthorProfile(input: $input) { authorProfile { id } } }"
    )
    made = await shop.api.data(text, as_=shop.tenant[Role.OWNER], input={"name": name, **given})
    found: str = made["createAuthorProfile"]["authorProfile"]["id"]
    return found


async def strategy(shop: Workshop, name: str = "Plain words", **given: Any) -> str:
    text = "mutation($input: CreateStrategyInput!) { createStrategy(input: $input) { strategy { id } } }"
    made = await shop.api.data(text, as_=shop.tenant[Role.OWNER], input={"name": name, **given})
    found: str = made["createStrategy"]["strategy"]["id"]
    return found


async def keywords(shop: Workshop, *texts: str, site: str = "a") -> list[str]:
    text = "mutation($input: CreateKeywordsInput!) { createKeywords(input: $input) { keywords { id } } }"
    given = {"sectorId": shop.tenant.sector(site), "keywords": [{"keyword": one} for one in texts]}
    made = await shop.api.data(text, as_=shop.tenant[Role.OWNER], input=given)
    return [one["id"] for one in made["createKeywords"]["keywords"]]


async def change(shop: Workshop, **input: Any) -> dict[str, Any]:
    return await shop.mutate("updateTask", f"task {{ {SHOWN} }}", **input)


async def test_a_task_holds_what_it_was_given_and_gives_it_up_for_null(shop: Workshop) -> None:
    first, second = await keywords(shop, "prune roses", "rose care")
    given = {
        "title": "  How to   prune roses ", "description": "Step by step.", "contentType": "PAGE",
        "contentStructure": "GUIDE", "wordCountTarget": 900, "targetKeyword": "prune roses", "priority": 3,
        "dueAt": "2026-12-01T00:00:00+00:00", "authorProfileId": await profile(shop),
        "strategyId": await strategy(shop), "keywordIds": [first, second, first],
    }  # fmt: skip
    made = await shop.mutate("createTask", f"task {{ {SHOWN} }}", sectorId=shop.tenant.sector("a"), **given)
    found = made["task"]
    assert {name: found[name] for name in ("title", "description", "contentType", "contentStructure")} == {
        "title": "How to prune roses", "description": "Step by step.", "contentType": "PAGE", "contentStructure": "GUIDE",
    }  # fmt: skip
    assert (found["status"], found["priority"], found["wordCountTarget"]) == ("QUEUED", 3, 900)
    assert (found["authorProfile"], found["strategy"]) == ({"name": "Rosa"}, {"name": "Plain words"})
    assert {one["keyword"] for one in found["keywords"]["nodes"]} == {"prune roses", "rose care"}
    kept = await change(shop, id=found["id"], title="Roses")
    assert kept["task"] == {**found, "title": "Roses"}
    cleared = dict.fromkeys(
        ("description", "wordCountTarget", "targetKeyword", "dueAt", "authorProfileId", "strategyId")
    )
    after = (await change(shop, id=found["id"], keywordIds=[second], **cleared))["task"]
    assert [one["keyword"] for one in after["keywords"]["nodes"]] == ["rose care"]
    assert [after[name] for name in ("description", "wordCountTarget", "dueAt", "authorProfile", "strategy")] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": " "}, ["input", "title"]),
        ({"title": "x" * 301}, ["input", "title"]),
        ({"title": None}, ["input", "title"]),
        ({"wordCountTarget": 49}, ["input", "wordCountTarget"]),
        ({"wordCountTarget": 10_001}, ["input", "wordCountTarget"]),
        ({"priority": 1_001}, ["input", "priority"]),
        ({"priority": None}, ["input", "priority"]),
        ({"contentType": None}, ["input", "contentType"]),
        ({"keywordIds": [f"key_{number:032x}" for number in range(1_001)]}, ["input", "keywordIds"]),
    ],
)
async def test_what_a_task_cannot_be_is_refused(shop: Workshop, given: dict[str, Any], field: list[str]) -> None:
    made = await change(shop, id=await task(shop), **given)
    assert [(one["code"], one["field"]) for one in made["errors"]] == [("VALIDATION", field)]


async def test_nothing_of_another_site_can_be_referred_to(shop: Workshop) -> None:
    (other,) = await keywords(shop, "in the other site", site="b")
    theirs = await strategy(shop, "Theirs", sectorId=shop.tenant.sector("b"))
    made = await task(shop)
    owner = shop.tenant[Role.OWNER]
    text = "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { errors { code field } } }"
    for given, at in (
        ({"keywordIds": [other]}, ["input", "keywordIds", "0"]),
        ({"strategyId": theirs}, ["input", "strategyId"]),
    ):
        data = await shop.api.data(text, as_=owner, input={"id": made, **given})
        assert data["updateTask"]["errors"] == [{"code": "NOT_FOUND", "field": at}]


async def test_a_task_with_a_content_goes_by_force_alone_and_the_content_stays(shop: Workshop) -> None:
    with_content, without = await task(shop, "With"), await task(shop, "Without")
    kept = await content(shop, taskId=with_content)
    refused = await act(shop, "deleteTasks", "deletedIds", ids=[without, with_content])
    assert [(one["code"], one["details"]) for one in refused["errors"]] == [
        ("CONFLICT", {"contents": 1, "images": 0})
    ]
    assert await status_of(shop, without, with_content) == ["QUEUED", "COMPLETED"]
    done = await act(shop, "deleteTasks", "deletedIds", ids=[without, with_content, without], force=True)
    assert done["deletedIds"] == [without, with_content]
    assert (await read(shop, kept))["task"] is None


async def test_a_task_without_its_content_waits_again(shop: Workshop) -> None:
    made = await task(shop)
    written = await content(shop, taskId=made)
    assert await status_of(shop, made) == ["COMPLETED"]
    await act(shop, "deleteContents", "deletedIds", ids=[written])
    assert (await status_of(shop, made), await content_of(shop, made)) == (["QUEUED"], None)


async def test_a_call_takes_one_to_a_thousand_tasks_of_one_site(shop: Workshop) -> None:
    here, there = await task(shop), await shop_b_task(shop)
    owner = shop.tenant[Role.OWNER]

    async def refused(*given: str) -> tuple[str, list[str]]:
        (error,) = (await act(shop, "deleteTasks", "deletedIds", as_=owner, ids=list(given)))["errors"]
        return error["code"], error["field"]

    assert await refused() == ("VALIDATION", ["ids"])
    assert await refused(*(f"tsk_{number:032x}" for number in range(1_001))) == ("VALIDATION", ["ids"])
    assert await refused(here, there) == ("VALIDATION", ["ids"])
    assert await refused(here, f"tsk_{7:032x}") == ("NOT_FOUND", ["ids", "1"])


async def shop_b_task(shop: Workshop) -> str:
    text = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }"
    given = {"sectorId": shop.tenant.sector("b"), "title": "There"}
    made = await shop.api.data(text, as_=shop.tenant[Role.OWNER], input=given)
    found: str = made["createTask"]["task"]["id"]
    return found


async def test_a_task_lies_in_a_cluster_and_comes_of_an_idea(shop: Workshop) -> None:
    graph = Graph(shop.world, shop.tenant)
    links = {
        "clusterId": ids.show("clu", graph.cluster("Rose care")),
        "ideaId": ids.show("ide", graph.idea("Pruning")),
    }
    told = {"cluster": {"name": "Rose care"}, "idea": {"title": "Pruning"}}
    shown = "task { id cluster { name } idea { title } }"
    place = {"sectorId": shop.tenant.sector("a"), "title": "Prune", "description": None}
    made = (await shop.mutate("createTask", shown, **place, **links))["task"]
    assert made == {"id": made["id"], **told}
    cleared = (await shop.mutate("updateTask", shown, id=made["id"], clusterId=None, ideaId=None))["task"]
    assert cleared == {"id": made["id"], "cluster": None, "idea": None}
    again = {"contentType": "PAGE", "contentStructure": "GUIDE", "priority": 2, "targetKeyword": "prune"}
    dates = {"dueAt": "2026-12-01T00:00:00+00:00", "wordCountTarget": 80, "title": "Anew", "description": "New."}
    voice = {"authorProfileId": await profile(shop), "strategyId": await strategy(shop)}
    changed = await change(shop, id=made["id"], **links, **again, **dates, **voice)
    found = changed["task"]
    assert {name: found[name] for name in (*again, "wordCountTarget", "title", "description")} == {
        **again, "wordCountTarget": 80, "title": "Anew", "description": "New.",
    }  # fmt: skip
    assert (found["authorProfile"], found["strategy"], found["cluster"]) == (
        {"name": "Rosa"}, {"name": "Plain words"}, told["cluster"],
    )  # fmt: skip


async def test_what_goes_is_let_go(shop: Workshop) -> None:
    made = await task(shop, authorProfileId=await profile(shop), strategyId=await strategy(shop))
    for table in ("author_profile", "strategy"):
        shop.world.sql.execute(f"DELETE FROM {table} WHERE account_id = %s", [shop.tenant.id])
    text = "query($ids: [ID!]) { tasks(filter: {ids: $ids}) { nodes { authorProfile { id } strategy { id } } } }"
    (found,) = (await shop.api.data(text, as_=shop.editor, ids=[made]))["tasks"]["nodes"]
    assert found == {"authorProfile": None, "strategy": None}
    assert ids.parse("tsk", made)
