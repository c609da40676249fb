"""Clusters by hand, through the front door."""

from typing import Any

import pytest

from igny8.access import Role
from igny8.db import new_id
from tests.planner.desk import CLUSTER, Desk, public
from tests.support.api import Api
from tests.support.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk(api: Api, world: World) -> Desk:
    return Desk(api, world, world.tenant())


async def made(desk: Desk, name: str, *keywords: str, site: str = "a") -> str:
    """A cluster of new keywords."""
    graph = desk.graph(site)
    given = {"sectorId": desk.tenant.sector(site), "name": name}
    given["keywordIds"] = [public("key", graph.keyword(text)) for text in keywords]  # type: ignore[assignment]
    answer = await desk.do("createCluster", "cluster { id }", role=Role.OWNER, input=given)
    assert answer["errors"] == []
    made_id: str = answer["cluster"]["id"]
    return made_id


async def test_a_cluster_is_made_of_keywords_and_sums_them_up(desk: Desk) -> None:
    graph = desk.graph()
    keywords = [
        graph.keyword("pour over", volume=900, difficulty=30, intent="INFORMATIONAL"),
        graph.keyword("pour over coffee", volume=100, difficulty=80, intent="INFORMATIONAL"),
        graph.keyword("buy pour over", volume=None, difficulty=None, intent="TRANSACTIONAL"),
    ]
    given = {
        "sectorId": desk.tenant.sector("a"), "name": "  Pour   over ", "description": "By hand.",
        "keywordIds": [public("key", id_) for id_ in keywords],
    }  # fmt: skip
    cluster = (await desk.do("createCluster", f"cluster {{ {CLUSTER} }}", input=given))["cluster"]
    assert cluster == {
        "id": cluster["id"], "name": "Pour over", "description": "By hand.", "status": "NEW", "locked": False,
        "keywordsCount": 3, "volume": 1_000, "difficulty": 35, "dominantIntent": "INFORMATIONAL",
        "mixedIntent": True, "ideasCount": 0,
    }  # fmt: skip
    text = "query($ids: [ID!]) { keywords(filter: {ids: $ids}) { nodes { status } } }"
    found = await desk.api.data(text, as_=desk.editor, ids=given["keywordIds"])
    assert [one["status"] for one in found["keywords"]["nodes"]] == ["CLUSTERED"] * 3
    assert desk.changes() == [("CREATED", "Cluster", 1), ("UPDATED", "Cluster", 1), ("UPDATED", "Keyword", 3)]


async def test_a_cluster_is_changed_field_by_field(desk: Desk) -> None:
    cluster = await made(desk, "Moka pot")
    shown = "cluster { name description locked status }"
    change: dict[str, Any] = {"name": "Moka pots", "description": "On the stove.", "locked": True}
    changed = await desk.do("updateCluster", shown, input={"id": cluster, **change, "status": "ARCHIVED"})
    assert changed["cluster"] == {**change, "status": "ARCHIVED"}
    cleared = await desk.do("updateCluster", shown, input={"id": cluster, "description": None, "status": "NEW"})
    assert cleared["cluster"] == {**change, "description": None, "status": "NEW"}
    before = desk.changes()
    await desk.do("updateCluster", shown, input={"id": cluster, "status": "NEW"})
    await desk.do("updateCluster", shown, input={"id": cluster})
    assert desk.changes() == before


async def test_keywords_come_and_go_and_may_be_in_several_clusters(desk: Desk) -> None:
    first, second = await made(desk, "First", "one", "two"), await made(desk, "Second")
    keywords = [public("key", row[0]) for row in desk.world.sql.execute(
        "SELECT id FROM keyword WHERE account_id = %s ORDER BY keyword", [desk.tenant.id]
    )]  # fmt: skip
    for _ in range(2):  # twice is once
        added = await desk.do(
            "addKeywordsToCluster", f"cluster {{ {CLUSTER} }}", clusterId=second, keywordIds=keywords
        )
        assert added["cluster"]["keywordsCount"] == 2
    assert await desk.words(first) == await desk.words(second) == ["one", "two"]
    for _ in range(2):
        taken = await desk.do(
            "removeKeywordsFromCluster", "cluster { keywordsCount }", clusterId=first, keywordIds=keywords
        )
        assert taken["cluster"]["keywordsCount"] == 0
    assert await desk.words(second) == ["one", "two"]
    assert desk.changes()[-4:] == [("UPDATED", "Cluster", 1), ("UPDATED", "Keyword", 2)] * 2


async def test_a_merged_cluster_takes_over_keywords_and_what_was_made_of_the_others(desk: Desk) -> None:
    into, other = await made(desk, "Stays", "one", "two"), await made(desk, "Goes", "three")
    graph, gone = desk.graph(), other.removeprefix("clu_")
    shared = desk.world.sql.execute(
        "SELECT id FROM keyword WHERE keyword = 'one' AND account_id = %s", [desk.tenant.id]
    )
    (one,) = shared.fetchone() or ()
    await desk.do("addKeywordsToCluster", "message", clusterId=other, keywordIds=[public("key", one)])
    idea = graph.idea("Idea", cluster_id=gone)
    task = graph.task("Task", cluster_id=gone, idea_id=idea)
    content = graph.content("Content", cluster_id=gone, task_id=task)
    merged = await desk.do(
        "mergeClusters", "cluster { id keywordsCount status ideasCount }", ids=[other, into], into=into
    )
    assert merged["cluster"] == {"id": into, "keywordsCount": 3, "status": "MAPPED", "ideasCount": 1}
    assert await desk.words(into) == ["one", "three", "two"]
    for table, id_ in (("content_idea", idea), ("task", task), ("content", content)):
        row = desk.world.sql.execute(f"SELECT cluster_id FROM {table} WHERE id = %s", [id_]).fetchone()
        assert row is not None
        assert public("clu", row[0]) == into
    text = "query($id: ID!) { node(id: $id) { id } }"
    assert await desk.api.data(text, as_=desk.editor, id=other) == {"node": None}
    assert {
        ("DELETED", "Cluster", 1),
        ("UPDATED", "ContentIdea", 1),
        ("UPDATED", "Task", 1),
        ("UPDATED", "Content", 1),
    } <= set(desk.changes())


async def test_a_cluster_with_content_is_not_deleted_without_force(desk: Desk) -> None:
    cluster, graph = await made(desk, "Full", "one"), desk.graph()
    id_ = cluster.removeprefix("clu_")
    idea = graph.idea("Idea", cluster_id=id_)
    task = graph.task("Task", cluster_id=id_, idea_id=idea)
    graph.content("Content", cluster_id=id_, task_id=task)
    assert await desk.refused("deleteClusters", ids=[cluster]) == ("CONFLICT", ["ids"])
    assert await desk.details("deleteClusters", ids=[cluster], force=False) == {"ideas": 1, "tasks": 1, "contents": 1}
    gone = await desk.do("deleteClusters", "deletedIds", ids=[cluster], force=True)
    assert gone["deletedIds"] == [cluster]
    text = "{ clusters { totalCount } ideas { nodes { cluster { id } status } } tasks { nodes { cluster { id } } }"
    left = await desk.api.data(text + " keywords { nodes { status } } }", as_=desk.editor)
    assert left == {
        "clusters": {"totalCount": 0},
        "ideas": {"nodes": [{"cluster": None, "status": "COMPLETED"}]},
        "tasks": {"nodes": [{"cluster": None}]},
        "keywords": {"nodes": [{"status": "NEW"}]},
    }


async def test_many_clusters_are_put_away_and_back_together(desk: Desk) -> None:
    clusters = [await made(desk, f"Cluster {number}") for number in range(3)]
    away = await desk.do("setClustersStatus", "clusters { id status }", ids=clusters, status="ARCHIVED")
    assert away["clusters"] == [{"id": id_, "status": "ARCHIVED"} for id_ in clusters]
    desk.graph().idea("Idea", cluster_id=clusters[1].removeprefix("clu_"))
    assert await desk.refused("setClustersStatus", ids=clusters, status="NEW") == ("NOT_ALLOWED_NOW", ["status"])
    assert await desk.details("setClustersStatus", ids=clusters, status="NEW") == {"possible": "MAPPED"}
    back = await desk.do("setClustersStatus", "clusters { status }", ids=[clusters[1]], status="MAPPED")
    assert back["clusters"] == [{"status": "MAPPED"}]
    given = {"id": clusters[0], "status": "MAPPED"}
    assert await desk.refused("updateCluster", input=given) == ("NOT_ALLOWED_NOW", ["input", "status"])


async def test_the_status_follows_the_ideas(desk: Desk) -> None:
    first, second = await made(desk, "First"), await made(desk, "Second")
    graph, sql = desk.graph(), desk.world.sql

    async def statuses() -> list[str]:
        return [(await desk.cluster(id_))["status"] for id_ in (first, second)]

    idea = graph.idea("Idea", cluster_id=first.removeprefix("clu_"))
    assert await statuses() == ["MAPPED", "NEW"]
    sql.execute("UPDATE content_idea SET cluster_id = %s WHERE id = %s", [second.removeprefix("clu_"), idea])
    assert await statuses() == ["NEW", "MAPPED"]
    sql.execute("DELETE FROM content_idea WHERE id = %s", [idea])
    assert await statuses() == ["NEW", "NEW"]


async def test_bad_input_is_refused_and_changes_nothing(desk: Desk) -> None:
    sector, other_sector = desk.tenant.sector("a"), desk.tenant.sector("b")
    mine, theirs = await made(desk, "Mine", "one"), await made(desk, "Theirs", "two", site="b")
    keyword = public("key", desk.graph("b").keyword("of the other site"))
    field = ["input", "name"]
    for name, code in (
        ("", "VALIDATION"),
        ("x" * 101, "VALIDATION"),
        ("a\x00", "VALIDATION"),
        ("MINE", "ALREADY_EXISTS"),
    ):
        assert await desk.refused("createCluster", input={"sectorId": sector, "name": name}) == (code, field)
    owner = {"role": Role.OWNER}
    made_of = {"sectorId": sector, "name": "New", "keywordIds": [keyword]}
    assert await desk.refused("createCluster", input=made_of, **owner) == ("VALIDATION", ["input", "keywordIds", "0"])
    assert await desk.refused("createCluster", input=made_of) == ("NOT_FOUND", ["input", "keywordIds", "0"])
    beyond = {**made_of, "keywordIds": [public("key", new_id()) for _ in range(1_001)]}
    assert await desk.refused("createCluster", input=beyond) == ("VALIDATION", ["input", "keywordIds"])
    elsewhere = {"sectorId": other_sector, "name": "New"}
    assert await desk.refused("createCluster", input=elsewhere) == ("NOT_FOUND", ["input", "sectorId"])
    for null in ("name", "locked", "status"):
        answer = await desk.refused("updateCluster", input={"id": mine, null: None})
        assert answer == ("VALIDATION", ["input", null])
    assert await desk.refused("mergeClusters", ids=[mine], into=mine) == ("VALIDATION", ["ids"])
    assert await desk.refused("mergeClusters", ids=[], into=mine) == ("VALIDATION", ["ids"])
    assert await desk.refused("mergeClusters", ids=[theirs], into=mine, **owner) == ("VALIDATION", ["ids", "0"])
    assert await desk.refused("mergeClusters", ids=[theirs], into=mine) == ("NOT_FOUND", ["ids", "0"])
    adds = {"clusterId": mine, "keywordIds": [keyword]}
    for mutation in ("addKeywordsToCluster", "removeKeywordsFromCluster"):
        assert await desk.refused(mutation, **adds, **owner) == ("VALIDATION", ["keywordIds", "0"])
        assert await desk.refused(mutation, clusterId=mine, keywordIds=[]) == ("VALIDATION", ["keywordIds"])
    for mutation, more in (("deleteClusters", {}), ("setClustersStatus", {"status": "ARCHIVED"})):
        assert await desk.refused(mutation, ids=[], **more) == ("VALIDATION", ["ids"])
        assert await desk.refused(mutation, ids=[mine, theirs], **more, **owner) == ("VALIDATION", ["ids"])
        assert await desk.refused(mutation, ids=[mine, theirs], **more) == ("NOT_FOUND", ["ids", "1"])
        many = [public("clu", new_id()) for _ in range(1_001)]
        assert await desk.refused(mutation, ids=many, **more) == ("VALIDATION", ["ids"])


async def test_the_plans_limit_is_kept(desk: Desk) -> None:
    desk.world.sql.execute(
        "UPDATE subscription SET plan_id = (SELECT id FROM plan WHERE slug = 'free-trial') WHERE account_id = %s",
        [desk.tenant.id],
    )
    for number in range(100):
        desk.graph().cluster(f"Cluster {number}")
    given = {"sectorId": desk.tenant.sector("a"), "name": "One too many"}
    assert await desk.refused("createCluster", input=given) == ("LIMIT_REACHED", [])
    assert await desk.details("createCluster", input=given) == {"limit": "CLUSTERS", "used": 100, "max": 100}
