"""The graph from sites to images: edges both ways, sums that are always right, filters, orders and pages."""

from typing import Any

import pytest

from igny8.access import Role
from igny8.gql import ids
from tests.support.api import Api
from tests.support.graph import Graph
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def graph(world: World, tenant: Tenant) -> Graph:
    """Two clusters that share a keyword, an idea with a task, its content and an image."""
    made = Graph(world, tenant)
    made.cluster("roses")
    made.cluster("tools")
    made.keyword("Climbing roses", "roses", volume=300, difficulty=20, intent="INFORMATIONAL", cpc="1.10")
    made.keyword("Buy roses", "roses", volume=100, difficulty=60, intent="TRANSACTIONAL")
    made.keyword("Rose shears", "roses", "tools", volume=50)
    made.keyword("Spade", "tools", volume=None, difficulty=10, intent="INFORMATIONAL")
    made.keyword("Lonely", volume=7)
    idea = made.idea(
        "How to prune", cluster_id=made.ids["roses"], outline='[{"heading": "Why", "level": 2, "notes": null}]'
    )
    task = made.task("Write how to prune", idea_id=idea, cluster_id=made.ids["roses"], status="COMPLETED")
    content = made.content(
        "How to prune roses", task_id=task, cluster_id=made.ids["roses"], word_count=900, tags=["a", "b"]
    )
    made.image("A rose", content_id=content, task_id=task)
    return made


async def test_every_edge_leads_there_and_back(api: Api, tenant: Tenant, graph: Graph) -> None:
    data = await api.data(
        """{ sites(first: 1, filter: {search: "Site a"}) { nodes { clusters(first: 3, orderBy: [{field: NAME, direction: ASC}]) { nodes {
            name keywords(orderBy: [{field: KEYWORD, direction: ASC}]) { nodes { keyword clusters { totalCount } } }
            ideas(first: 2) { nodes { title outline { heading level notes } tasks(first: 2) { nodes { title
              content { title images(first: 2) { nodes { prompt task { title } content { slug } } } idea { title } }
              cluster { name } } } contents { nodes { title } } } } } } } } }""",
        as_=tenant[Role.OWNER],
    )
    roses, tools = data["sites"]["nodes"][0]["clusters"]["nodes"]
    assert [k["keyword"] for k in roses["keywords"]["nodes"]] == ["Buy roses", "Climbing roses", "Rose shears"]
    assert [k["clusters"]["totalCount"] for k in roses["keywords"]["nodes"]] == [1, 1, 2]
    assert [k["keyword"] for k in tools["keywords"]["nodes"]] == ["Rose shears", "Spade"]
    assert roses["ideas"]["nodes"] == [
        {
            "title": "How to prune",
            "outline": [{"heading": "Why", "level": 2, "notes": None}],
            "tasks": {
                "nodes": [
                    {
                        "title": "Write how to prune",
                        "content": {
                            "title": "How to prune roses",
                            "images": {
                                "nodes": [
                                    {
                                        "prompt": "A rose",
                                        "task": {"title": "Write how to prune"},
                                        "content": {"slug": "how-to-prune-roses"},
                                    }
                                ]
                            },
                            "idea": {"title": "How to prune"},
                        },
                        "cluster": {"name": "roses"},
                    }
                ]
            },
            "contents": {"nodes": [{"title": "How to prune roses"}]},
        }
    ]
    assert tools["ideas"]["nodes"] == []


async def _sums(api: Api, tenant: Tenant) -> dict[str, Any]:
    data = await api.data(
        "{ clusters(orderBy: [{field: NAME, direction: ASC}]) { nodes {"
        " name keywordsCount volume difficulty dominantIntent mixedIntent ideasCount contentsCount } } }",
        as_=tenant[Role.OWNER],
    )
    return {node.pop("name"): node for node in data["clusters"]["nodes"]}


async def test_the_sums_of_a_cluster_follow_its_keywords(
    api: Api, tenant: Tenant, graph: Graph, world: World
) -> None:
    roses = {
        "keywordsCount": 3,
        "volume": 450,
        "difficulty": 30.0,
        "dominantIntent": "INFORMATIONAL",
        "mixedIntent": True,
        "ideasCount": 1,
        "contentsCount": 1,
    }
    assert (await _sums(api, tenant))["roses"] == roses
    world.sql.execute("UPDATE keyword SET volume = 500 WHERE id = %s", (graph.ids["Buy roses"],))
    world.sql.execute("DELETE FROM keyword WHERE id = %s", (graph.ids["Rose shears"],))
    after = await _sums(api, tenant)
    assert after["roses"] == {**roses, "keywordsCount": 2, "volume": 800, "difficulty": 45.0}
    assert (after["tools"]["keywordsCount"], after["tools"]["volume"], after["tools"]["mixedIntent"]) == (1, 0, False)


async def test_a_keyword_is_clustered_while_it_is_in_a_cluster(
    api: Api, tenant: Tenant, graph: Graph, world: World
) -> None:
    async def statuses() -> dict[str, str]:
        data = await api.data("{ keywords { nodes { keyword status } } }", as_=tenant[Role.OWNER])
        return {node["keyword"]: node["status"] for node in data["keywords"]["nodes"]}

    assert (await statuses())["Lonely"] == "NEW"
    world.sql.execute("UPDATE keyword SET status = 'ARCHIVED' WHERE id = %s", (graph.ids["Spade"],))
    world.sql.execute("DELETE FROM cluster WHERE id = %s", (graph.ids["tools"],))
    assert await statuses() == {
        "Climbing roses": "CLUSTERED",
        "Buy roses": "CLUSTERED",
        "Rose shears": "CLUSTERED",
        "Spade": "ARCHIVED",
        "Lonely": "NEW",
    }


async def test_pipeline_stats_count_what_is_there(api: Api, tenant: Tenant, graph: Graph) -> None:
    stats = "stats { keywords keywordsClustered clusters ideas tasks tasksCompleted contents contentsPublished images words searchVolume searchVolumeCovered }"
    data = await api.data(
        f"query($id: ID!) {{ site(id: $id) {{ {stats} sectors {{ nodes {{ {stats} }} }} }} }}",
        as_=tenant[Role.EDITOR],
        id=tenant.site("a"),
    )
    wanted = {
        "keywords": 5,
        "keywordsClustered": 4,
        "clusters": 2,
        "ideas": 1,
        "tasks": 1,
        "tasksCompleted": 1,
        "contents": 1,
        "contentsPublished": 0,
        "images": 1,
        "words": 900,
        "searchVolume": 457,
        "searchVolumeCovered": 450,
    }
    assert data["site"]["stats"] == wanted
    assert data["site"]["sectors"]["nodes"] == [{"stats": wanted}]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('search: "ROSES"', {"Climbing roses", "Buy roses"}),
        ("clustered: false", {"Lonely"}),
        ("clustered: true, volume: {gte: 100}", {"Climbing roses", "Buy roses"}),
        ("volume: {isNull: true}", {"Spade"}),
        ("volume: {in: [7, 50]}", {"Lonely", "Rose shears"}),
        ("difficulty: {lte: 20}", {"Climbing roses", "Spade"}),
        ("intent: [TRANSACTIONAL, UNKNOWN], status: [CLUSTERED]", {"Buy roses", "Rose shears"}),
        ("source: [IMPORT]", set()),
        ('createdAt: {lt: "2001-01-01T00:00:00+00:00"}', set()),
        ("search: null, ids: null", {"Climbing roses", "Buy roses", "Rose shears", "Spade", "Lonely"}),
    ],
)
async def test_keyword_filters(api: Api, tenant: Tenant, graph: Graph, condition: str, found: set[str]) -> None:
    data = await api.data(
        "{ keywords(filter: {" + condition + "}) { totalCount nodes { keyword } } }", as_=tenant[Role.OWNER]
    )
    assert {node["keyword"] for node in data["keywords"]["nodes"]} == found
    assert data["keywords"]["totalCount"] == len(found)


async def test_keywords_of_a_cluster_by_its_id(api: Api, tenant: Tenant, graph: Graph) -> None:
    data = await api.data(
        "query($ids: [ID!]) { keywords(filter: {clusterId: $ids}, orderBy: [{field: KEYWORD, direction: ASC}]) { nodes { keyword } } }",
        as_=tenant[Role.VIEWER],
        ids=[ids.show("clu", graph.ids["tools"])],
    )
    assert [node["keyword"] for node in data["keywords"]["nodes"]] == ["Rose shears", "Spade"]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("order", ["VOLUME", "DIFFICULTY", "KEYWORD", "CREATED_AT"])
async def test_pages_in_both_directions_meet_with_nulls_last(
    api: Api, tenant: Tenant, graph: Graph, order: str, direction: str
) -> None:
    by = f"orderBy: [{{field: {order}, direction: {direction}}}]"
    page = "{ nodes { keyword volume difficulty } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
    owner = tenant[Role.OWNER]
    whole = (await api.data(f"{{ keywords({by}) {page} }}", as_=owner))["keywords"]["nodes"]
    if order in ("VOLUME", "DIFFICULTY"):
        values = [node[order.lower()] for node in whole]
        known = [value for value in values if value is not None]
        assert values == sorted(known, reverse=direction == "DESC") + [None] * (len(values) - len(known))

    forward: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        query = f"query($after: String) {{ keywords(first: 2, after: $after, {by}) {page} }}"
        found = (await api.data(query, as_=owner, after=after))["keywords"]
        assert found["pageInfo"]["hasPreviousPage"] == bool(forward)
        forward += found["nodes"]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert forward == whole

    backward: list[dict[str, Any]] = []
    before: str | None = None
    while True:
        query = f"query($before: String) {{ keywords(last: 2, before: $before, {by}) {page} }}"
        found = (await api.data(query, as_=owner, before=before))["keywords"]
        assert found["pageInfo"]["hasNextPage"] == bool(backward)
        backward = found["nodes"] + backward
        before = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            break
    assert backward == whole


async def test_contents_are_found_by_slug_tag_idea_and_id(api: Api, tenant: Tenant, graph: Graph) -> None:
    data = await api.data(
        """query($site: ID!, $idea: ID!, $id: ID!) {
          content(siteId: $site, slug: "HOW-TO-PRUNE-ROSES") { title }
          byTag: contents(filter: {tag: ["b", "x"]}) { totalCount }
          noTag: contents(filter: {tag: ["x"]}) { totalCount }
          byIdea: contents(filter: {ideaId: [$idea]}) { totalCount }
          tasks(filter: {hasContent: true}) { totalCount }
          images(filter: {imageType: [FEATURED]}) { nodes { prompt costUsd } }
          node(id: $id) { id ... on Content { wordCount } } }""",
        as_=tenant[Role.OWNER],
        site=tenant.site("a"),
        idea=ids.show("ide", graph.ids["How to prune"]),
        id=ids.show("con", graph.ids["How to prune roses"]),
    )
    assert data == {
        "content": {"title": "How to prune roses"},
        "byTag": {"totalCount": 1},
        "noTag": {"totalCount": 0},
        "byIdea": {"totalCount": 1},
        "tasks": {"totalCount": 1},
        "images": {"nodes": [{"prompt": "A rose", "costUsd": None}]},
        "node": {"id": ids.show("con", graph.ids["How to prune roses"]), "wordCount": 900},
    }
