"""Ideas by hand, and the tasks that are made of them, through the front door."""

from typing import Any

import pytest

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from tests.planner.desk import Desk, public
from tests.support.api import Api
from tests.support.world import World

pytestmark = pytest.mark.anyio

IDEA = """idea { id title description status priority targetKeyword contentType contentStructure estimatedWordCount
  outline { heading level notes } cluster { id } keywords { nodes { keyword } } }"""
TASKS = """tasks { title description status priority contentType contentStructure wordCountTarget targetKeyword dueAt
  cluster { id } idea { id status } keywords { nodes { keyword } } authorProfile { id } strategy { id } }"""


@pytest.fixture
def desk(api: Api, world: World) -> Desk:
    return Desk(api, world, world.tenant())


async def written(desk: Desk, title: str = "Moka pots compared", **more: Any) -> dict[str, Any]:
    given = {"sectorId": desk.tenant.sector("a"), "title": title, **more}
    made = await desk.do("createIdea", IDEA, input=given)
    assert made["errors"] == []
    idea: dict[str, Any] = made["idea"]
    return idea


async def test_an_idea_is_written_down_with_all_that_belongs_to_it(desk: Desk) -> None:
    graph = desk.graph()
    cluster, keyword = graph.cluster("Moka pots"), graph.keyword("moka pot")
    given = {
        "title": "  Moka  pots compared ", "description": "Which one lasts.", "priority": 7, "targetKeyword": "moka pot",
        "contentType": "PAGE", "contentStructure": "COMPARISON", "estimatedWordCount": 900,
        "outline": [{"heading": "What to look for", "level": 2}, {"heading": "Size", "level": 3, "notes": "A table."}],
        "clusterId": public("clu", cluster), "keywordIds": [public("key", keyword)],
    }  # fmt: skip
    idea = await written(desk, **given)
    assert idea == {
        **{name: given[name] for name in given if name not in ("clusterId", "keywordIds")},
        "id": idea["id"], "title": "Moka pots compared", "status": "NEW", "cluster": {"id": given["clusterId"]},
        "outline": [{"heading": "What to look for", "level": 2, "notes": None},
                    {"heading": "Size", "level": 3, "notes": "A table."}],
        "keywords": {"nodes": [{"keyword": "moka pot"}]},
    }  # fmt: skip
    assert (await desk.cluster(given["clusterId"]))["status"] == "MAPPED"
    assert desk.changes() == [("CREATED", "ContentIdea", 1), ("UPDATED", "Cluster", 1)]


async def test_what_is_left_out_has_its_usual_value(desk: Desk) -> None:
    idea = await written(desk)
    assert idea == {
        "id": idea["id"], "title": "Moka pots compared", "description": None, "status": "NEW", "priority": 0,
        "targetKeyword": None, "contentType": "POST", "contentStructure": "ARTICLE", "estimatedWordCount": None,
        "outline": [], "cluster": None, "keywords": {"nodes": []},
    }  # fmt: skip
    nulls = dict.fromkeys(("priority", "contentType", "contentStructure", "outline", "keywordIds", "clusterId"))
    assert {**await written(desk, **nulls), "id": idea["id"]} == idea


async def test_an_idea_is_changed_field_by_field_and_cleared(desk: Desk) -> None:
    graph = desk.graph()
    cluster, keyword = public("clu", graph.cluster("Moka pots")), public("key", graph.keyword("moka pot"))
    idea = await written(desk)
    change = {
        "title": "Moka pots", "description": "D", "priority": -3, "targetKeyword": "moka", "contentType": "PRODUCT",
        "contentStructure": "REVIEW", "estimatedWordCount": 1_500,
    }  # fmt: skip
    more = {"outline": [{"heading": "H", "level": 2, "notes": "N"}], "clusterId": cluster, "keywordIds": [keyword]}
    changed = (await desk.do("updateIdea", IDEA, input={"id": idea["id"], **change, **more, "status": "ARCHIVED"}))[
        "idea"
    ]
    assert changed == {
        **change, "id": idea["id"], "status": "ARCHIVED", "outline": more["outline"], "cluster": {"id": cluster},
        "keywords": {"nodes": [{"keyword": "moka pot"}]},
    }  # fmt: skip
    assert (await desk.do("updateIdea", IDEA, input={"id": idea["id"]}))["idea"] == changed
    cleared = dict.fromkeys(
        ("description", "targetKeyword", "estimatedWordCount", "outline", "clusterId", "keywordIds")
    )
    after = (await desk.do("updateIdea", IDEA, input={"id": idea["id"], **cleared, "status": "NEW"}))["idea"]
    assert after == {
        **change, "id": idea["id"], "description": None, "targetKeyword": None, "estimatedWordCount": None,
        "status": "NEW", "outline": [], "cluster": None, "keywords": {"nodes": []},
    }  # fmt: skip


async def test_tasks_are_made_of_ideas_and_ideas_follow_them(desk: Desk) -> None:
    graph = desk.graph()
    cluster, keyword = public("clu", graph.cluster("Moka pots")), public("key", graph.keyword("moka pot"))
    first = await written(
        desk, "First", description="D", priority=5, targetKeyword="moka pot", contentStructure="GUIDE",
        estimatedWordCount=900, clusterId=cluster, keywordIds=[keyword],
    )  # fmt: skip
    second = await written(desk, "Second")
    ideas = [first["id"], second["id"]]
    made = (await desk.do("createTasksFromIdeas", TASKS, ideaIds=ideas))["tasks"]
    shared = {"status": "QUEUED", "contentType": "POST", "dueAt": None, "authorProfile": None, "strategy": None}
    assert made == [
        {**shared, "title": "First", "description": "D", "priority": 5, "contentStructure": "GUIDE",
         "wordCountTarget": 900, "targetKeyword": "moka pot", "cluster": {"id": cluster},
         "idea": {"id": first["id"], "status": "QUEUED"}, "keywords": {"nodes": [{"keyword": "moka pot"}]}},
        {**shared, "title": "Second", "description": None, "priority": 0, "contentStructure": "ARTICLE",
         "wordCountTarget": None, "targetKeyword": None, "cluster": None,
         "idea": {"id": second["id"], "status": "QUEUED"}, "keywords": {"nodes": []}},
    ]  # fmt: skip
    sql, one = desk.world.sql, [ids.parse("ide", first["id"])]
    task = (sql.execute("SELECT id FROM task WHERE idea_id = %s", one).fetchone() or (None,))[0]

    async def status() -> str:
        text = "query($id: ID!) { node(id: $id) { ... on ContentIdea { status } } }"
        found: str = (await desk.api.data(text, as_=desk.editor, id=first["id"]))["node"]["status"]
        return found

    content = graph.content("First", task_id=task)
    assert await status() == "COMPLETED"
    sql.execute("UPDATE content SET task_id = NULL WHERE id = %s", [content])
    assert await status() == "QUEUED"
    sql.execute("UPDATE content SET task_id = %s WHERE id = %s", [task, content])
    assert await status() == "COMPLETED"
    sql.execute("DELETE FROM content WHERE id = %s", [content])
    assert await status() == "QUEUED"
    sql.execute("UPDATE task SET idea_id = %s WHERE id = %s", [ids.parse("ide", second["id"]), task])
    assert await status() == "NEW"


async def test_what_is_wished_for_holds_for_all_tasks(desk: Desk) -> None:
    owner, first, second = (
        Role.OWNER,
        await written(desk, "First", estimatedWordCount=900),
        await written(desk, "2nd"),
    )
    profile = await desk.do("createAuthorProfile", "authorProfile { id }", role=owner, input={"name": "Ada"})
    given = {"name": "S", "promptTypes": ["CONTENT"], "sectorId": desk.tenant.sector("a")}
    strategy = await desk.do("createStrategy", "strategy { id }", role=owner, input=given)
    wishes = {
        "authorProfileId": profile["authorProfile"]["id"], "strategyId": strategy["strategy"]["id"],
        "wordCountTarget": 1_500, "dueAt": "2027-03-01T09:00:00+00:00",
    }  # fmt: skip
    made = (await desk.do("createTasksFromIdeas", TASKS, ideaIds=[second["id"], first["id"]], **wishes))["tasks"]
    assert [one["title"] for one in made] == ["2nd", "First"]
    for one in made:
        assert (one["authorProfile"]["id"], one["strategy"]["id"]) == (
            wishes["authorProfileId"],
            wishes["strategyId"],
        )
        assert (one["wordCountTarget"], one["dueAt"]) == (1_500, wishes["dueAt"])


async def test_an_idea_with_tasks_is_not_deleted_without_force(desk: Desk) -> None:
    idea, alone = (await written(desk))["id"], (await written(desk))["id"]
    await desk.do("createTasksFromIdeas", "tasks { id }", ideaIds=[idea])
    assert await desk.refused("deleteIdeas", ids=[alone, idea]) == ("CONFLICT", ["ids"])
    assert await desk.details("deleteIdeas", ids=[alone, idea], force=False) == {"tasks": 1}
    assert (await desk.do("deleteIdeas", "deletedIds", ids=[alone]))["deletedIds"] == [alone]
    assert (await desk.do("deleteIdeas", "deletedIds", ids=[idea], force=True))["deletedIds"] == [idea]
    left = await desk.api.data("{ ideas { totalCount } tasks { nodes { idea { id } } } }", as_=desk.editor)
    assert left == {"ideas": {"totalCount": 0}, "tasks": {"nodes": [{"idea": None}]}}
    assert desk.changes()[-2:] == [("DELETED", "ContentIdea", 1), ("UPDATED", "Task", 1)]


async def test_many_ideas_are_put_away_and_back_together(desk: Desk) -> None:
    new, queued = (await written(desk, "New"))["id"], (await written(desk, "Queued"))["id"]
    await desk.do("createTasksFromIdeas", "tasks { id }", ideaIds=[queued])
    away = await desk.do("setIdeasStatus", "ideas { status }", ids=[new, queued], status="ARCHIVED")
    assert away["ideas"] == [{"status": "ARCHIVED"}] * 2
    assert await desk.refused("createTasksFromIdeas", ideaIds=[new]) == ("NOT_ALLOWED_NOW", ["ideaIds", "0"])
    for status in ("NEW", "COMPLETED"):
        answer = await desk.refused("setIdeasStatus", ids=[queued], status=status)
        assert answer == ("NOT_ALLOWED_NOW", ["status"])
        assert await desk.details("setIdeasStatus", ids=[queued], status=status) == {"possible": "QUEUED"}
    back = await desk.do("setIdeasStatus", "ideas { status }", ids=[queued], status="QUEUED")
    assert back["ideas"] == [{"status": "QUEUED"}]
    given = {"id": queued, "status": "COMPLETED"}
    assert await desk.refused("updateIdea", input=given) == ("NOT_ALLOWED_NOW", ["input", "status"])


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"title": " "}, ["title"]),
    ({"title": "x" * 201}, ["title"]),
    ({"title": "a\x00b"}, ["title"]),
    ({"description": "x" * 2_001}, ["description"]),
    ({"targetKeyword": "x" * 301}, ["targetKeyword"]),
    ({"estimatedWordCount": 0}, ["estimatedWordCount"]),
    ({"estimatedWordCount": 10_001}, ["estimatedWordCount"]),
    ({"outline": [{"heading": "H", "level": 2}] * 31}, ["outline"]),
    ({"outline": [{"heading": "H", "level": 1}]}, ["outline", "0", "level"]),
    ({"outline": [{"heading": "H", "level": 2}, {"heading": "", "level": 2}]}, ["outline", "1", "heading"]),
    ({"outline": [{"heading": "H", "level": 2, "notes": "x" * 1_001}]}, ["outline", "0", "notes"]),
]


@pytest.mark.parametrize(("wrong", "place"), BAD, ids=lambda part: str(part)[:40])
async def test_bad_input_is_refused_by_its_place(desk: Desk, wrong: dict[str, Any], place: list[str]) -> None:
    good = {"sectorId": desk.tenant.sector("a"), "title": "Good"}
    assert await desk.refused("createIdea", input={**good, **wrong}) == ("VALIDATION", ["input", *place])
    idea = await written(desk)
    assert await desk.refused("updateIdea", input={"id": idea["id"], **wrong}) == ("VALIDATION", ["input", *place])


async def test_what_is_elsewhere_is_refused(desk: Desk) -> None:
    sector, there = desk.tenant.sector("a"), desk.graph("b")
    idea, theirs = (await written(desk))["id"], public("ide", there.idea("Theirs"))
    cluster, keyword = public("clu", there.cluster("Theirs")), public("key", there.keyword("theirs"))
    for more, field in (({"clusterId": cluster}, ["clusterId"]), ({"keywordIds": [keyword]}, ["keywordIds", "0"])):
        for role, code in ((Role.OWNER, "VALIDATION"), (Role.EDITOR, "NOT_FOUND")):
            made = {"sectorId": sector, "title": "T", **more}
            assert await desk.refused("createIdea", role=role, input=made) == (code, ["input", *field])
            change = {"id": idea, **more}
            assert await desk.refused("updateIdea", role=role, input=change) == (code, ["input", *field])
    for null in ("title", "status", "priority", "contentType", "contentStructure"):
        assert await desk.refused("updateIdea", input={"id": idea, null: None}) == ("VALIDATION", ["input", null])
    for field_, mutation, more in (
        ("ids", "deleteIdeas", {}),
        ("ids", "setIdeasStatus", {"status": "ARCHIVED"}),
        ("ideaIds", "createTasksFromIdeas", {}),
    ):
        for given, role, answer in (
            ([], Role.OWNER, ("VALIDATION", [field_])),
            ([idea, theirs], Role.OWNER, ("VALIDATION", [field_])),
            ([idea, theirs], Role.EDITOR, ("NOT_FOUND", [field_, "1"])),
            ([public("ide", new_id()) for _ in range(1_001)], Role.OWNER, ("VALIDATION", [field_])),
        ):
            assert await desk.refused(mutation, role=role, **{field_: given}, **more) == answer
    for words in (0, 49, 10_001):
        answer = await desk.refused("createTasksFromIdeas", ideaIds=[idea], wordCountTarget=words)
        assert answer == ("VALIDATION", ["wordCountTarget"])
    for name, prefix in (("authorProfileId", "aut"), ("strategyId", "str")):
        given_id = {name: public(prefix, new_id())}
        assert await desk.refused("createTasksFromIdeas", ideaIds=[idea], **given_id) == ("NOT_FOUND", [name])


async def test_the_plans_limits_are_kept(desk: Desk) -> None:
    idea = (await written(desk))["id"]
    desk.world.sql.execute(
        "UPDATE subscription SET plan_id = (SELECT id FROM plan WHERE slug = 'free-trial') WHERE account_id = %s",
        [desk.tenant.id],
    )
    for table in ("content_idea", "task"):
        desk.world.sql.execute(
            f"INSERT INTO {table} (account_id, id, site_id, sector_id, title)"
            " SELECT %s, gen_random_uuid(), %s, %s, 'old ' || n FROM generate_series(1, 999) n",
            [desk.tenant.id, desk.tenant.sites["b"], desk.tenant.sectors["b"]],
        )
    given = {"sectorId": desk.tenant.sector("a"), "title": "One too many"}
    assert await desk.refused("createIdea", input=given) == ("LIMIT_REACHED", [])
    assert (await desk.do("createTasksFromIdeas", "tasks { id }", ideaIds=[idea]))["errors"] == []
    assert await desk.refused("createTasksFromIdeas", ideaIds=[idea]) == ("LIMIT_REACHED", [])
