"""What Python adds to the JSON of a statement: computed fields; and edges to rows and documents of several types."""

import json
from typing import Annotated, Any

import orjson
import pytest
import strawberry
from graphql import parse
from sqlalchemy import func

from igny8.access import Permission, Role
from igny8.auth import tables as auth
from igny8.db import Database
from igny8.gql.read.conditions import search
from igny8.gql.read.declarations import Columns
from igny8.gql.read.declare import Connection, Node, computed, many, node_by_id, poly, roots, rows
from igny8.gql.read.reader import Answer, Reader
from igny8.planner import tables as planner
from igny8.writer import tables as writer
from tests.database.reading import credentials_of
from tests.support.graph import Graph
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio
READ = Permission.CONTENT_READ


@strawberry.type
class Word:
    letters: str
    length: int


def shouted(keyword: str, times: int = 1) -> str:
    return f"{keyword.upper()}{'!' * times}"


def split(keyword: str) -> list[dict[str, Any]]:
    return [{"letters": word, "length": len(word)} for word in keyword.split()]


def halved(half: int | None) -> int | None:
    return half


def failing(keyword: str) -> str:
    raise RuntimeError("no such luck")


def none(keyword: str) -> None:
    return None


@rows(planner.Keyword, prefix="key", need=READ)
class Keyword(Node):
    keyword: str
    shout: str = computed(shouted, needs=["keyword"])
    words: list[Word] = computed(split, needs=["keyword"])
    half: int | None = computed(halved, needs={"half": lambda k: k.volume / func.nullif(2, 0)})
    secret: str | None = computed(shouted, needs=["keyword"], need=Permission.BILLING_READ)
    broken: str | None = computed(failing, needs=["keyword"])
    nothing: str = computed(none, needs=["keyword"])


@strawberry.type
class Heading:
    heading: str


@strawberry.type
class Quote:
    quoted: str
    by: str | None


@rows(planner.Idea, prefix="ide", need=READ)
class ContentIdea(Node):
    title: str
    outline: list[Annotated[Heading | Quote, strawberry.union("Block")]]


@rows(planner.Cluster, prefix="clu", need=Permission.BILLING_READ)
class Cluster(Node):
    name: str


@rows(writer.Task, prefix="tsk", need=READ)
class Task(Node):
    title: str
    about: Node | None = poly("target_keyword", "idea_id")


def newest(columns: Columns) -> Any:
    return columns.created_at


@strawberry.type
class Query:
    node: Node | None = node_by_id(need=READ)
    keywords: Connection[Keyword] = roots(need=READ, default=(("KEYWORD", lambda k: k.keyword, False),))
    ideas: Connection[ContentIdea] = roots(need=READ)
    tasks: Connection[Task] = roots(need=READ, default=(("TITLE", lambda t: t.title, False),))


SCHEMA = strawberry.Schema(Query, types=[Keyword, ContentIdea, Cluster, Task])


async def answer(db: Database, tenant: Tenant, text: str, role: Role = Role.OWNER, **variables: Any) -> Answer:
    reader = Reader(SCHEMA._schema, db, largest_answer=1_000_000)
    operation = reader.planner.operation(parse(text), None)
    coerced = reader.planner.coerce(operation, variables)
    assert not isinstance(coerced, list), coerced
    return await reader.read(operation, coerced, credentials_of(tenant[role]))


async def data(db: Database, tenant: Tenant, text: str, role: Role = Role.OWNER, **variables: Any) -> Any:
    found = await answer(db, tenant, text, role, **variables)
    assert not found.errors
    assert not found.denied
    return orjson.loads(found.whole())


@pytest.fixture
def graph(world: World, tenant: Tenant) -> Graph:
    graph = Graph(world, tenant)
    graph.keyword("red rose", volume=10)
    graph.keyword("tulip")
    return graph


async def test_a_function_computes_a_field_from_columns_and_arguments(
    db: Database, tenant: Tenant, graph: Graph
) -> None:
    text = """query Q($times: Int) { keywords { nodes { ...K w: words { __typename n: length letters } half } } }
      fragment K on Keyword { shout loud: shout(times: $times) }"""
    for times in (3, 2):  # one plan: what a function is given is not part of it
        found = await data(db, tenant, text, times=times)
        assert found["keywords"]["nodes"] == [
            {
                "shout": "RED ROSE!",
                "loud": "RED ROSE" + "!" * times,
                "w": [
                    {"__typename": "Word", "n": 3, "letters": "red"},
                    {"__typename": "Word", "n": 4, "letters": "rose"},
                ],
                "half": 5,
            },
            {
                "shout": "TULIP!",
                "loud": "TULIP" + "!" * times,
                "w": [{"__typename": "Word", "n": 5, "letters": "tulip"}],
                "half": None,
            },
        ]


async def test_without_the_permission_a_computed_field_is_null(db: Database, tenant: Tenant, graph: Graph) -> None:
    asked = "{ keywords(first: 1) { nodes { secret } } }"
    assert await data(db, tenant, asked) == {"keywords": {"nodes": [{"secret": "RED ROSE!"}]}}
    assert await data(db, tenant, asked, Role.VIEWER) == {"keywords": {"nodes": [{"secret": None}]}}


async def test_a_function_that_fails_makes_its_field_null_and_is_told(
    db: Database, tenant: Tenant, graph: Graph
) -> None:
    found = await answer(db, tenant, "{ keywords(first: 1) { nodes { keyword broken } } }")
    assert orjson.loads(found.whole()) == {"keywords": {"nodes": [{"keyword": "red rose", "broken": None}]}}
    assert [(error.path, str(error.original_error)) for error in found.errors] == [
        (["keywords", "nodes", 0, "broken"], "no such luck")
    ]


async def test_a_computed_null_rises_to_what_may_be_null(db: Database, tenant: Tenant, graph: Graph) -> None:
    found = await answer(db, tenant, "{ keywords(first: 1) { totalCount nodes { nothing } } }")
    assert not found.parts
    assert found.denied["keywords"].path == ["keywords", "nodes", 0, "nothing"]  # type: ignore[union-attr]  # one of graphql-core
    one = graph.ids["tulip"].hex
    below = await answer(db, tenant, f'{{ node(id: "key_{one}") {{ ... on Keyword {{ nothing }} }} }}')
    assert orjson.loads(below.whole()) == {"node": None}
    assert [error.path for error in below.errors] == [["node", "nothing"]]


async def test_a_row_of_any_kind_is_reached_by_its_stored_kind_and_id(
    db: Database, tenant: Tenant, graph: Graph
) -> None:
    idea = graph.idea("An idea", outline=json.dumps([]))
    graph.task("a: to an idea", target_keyword="content_idea", idea_id=idea)
    graph.task("b: to what is no kind", target_keyword="xyz", idea_id=idea)
    graph.task("c: to no row of that kind", target_keyword="keyword", idea_id=idea)
    graph.task("d: to nothing")
    asked = "{ tasks { nodes { about { __typename id ... on ContentIdea { title } ... on Keyword { shout } } } } }"
    found = await data(db, tenant, asked)
    assert [node["about"] for node in found["tasks"]["nodes"]] == [
        {"__typename": "ContentIdea", "id": f"ide_{idea.hex}", "title": "An idea"},
        None,
        None,
        None,
    ]


async def test_a_row_of_a_kind_that_the_viewer_may_not_read_is_null(
    db: Database, tenant: Tenant, graph: Graph, world: World
) -> None:
    cluster = graph.cluster("Hidden")
    asked = f'{{ node(id: "clu_{cluster.hex}") {{ id }} }}'
    assert await data(db, tenant, asked) == {"node": {"id": f"clu_{cluster.hex}"}}
    assert await data(db, tenant, asked, Role.EDITOR) == {"node": None}


async def test_documents_of_a_union_say_which_they_are(db: Database, tenant: Tenant, graph: Graph) -> None:
    blocks = [
        {"kind": "Heading", "heading": "One"},
        {"kind": "Quote", "quoted": "Two", "by": None},
        {"kind": "Heading", "heading": "Three"},
    ]
    graph.idea("An idea", outline=json.dumps(blocks))
    asked = "{ ideas { nodes { outline { __typename ... on Heading { heading } ... on Quote { q: quoted by } } } } }"
    found = await data(db, tenant, asked)
    assert found["ideas"]["nodes"][0]["outline"] == [
        {"__typename": "Heading", "heading": "One"},
        {"__typename": "Quote", "q": "Two", "by": None},
        {"__typename": "Heading", "heading": "Three"},
    ]


async def test_a_field_an_edge_and_a_filter_take_three_lines(db: Database, tenant: Tenant, graph: Graph) -> None:
    """What a new engineer writes; go-to-definition leads from each name to its column."""

    @strawberry.input
    class WordFilter:
        search: str | None = search("keyword_key", folded=True, description="Part of the word.")

    @rows(planner.Keyword, prefix="key", need=READ)
    class Phrase(Node):
        keyword: str

    @rows(auth.Sector, prefix="sec", need=READ)
    class Part(Node):
        name: str
        phrases: Connection[Phrase] = many(lambda part, phrase: phrase.sector_id == part.id, filter=WordFilter)

    @strawberry.type(name="Query")
    class Three:
        parts: Connection[Part] = roots(need=READ)

    reader = Reader(strawberry.Schema(Three)._schema, db, largest_answer=1_000_000)
    text = '{ parts { nodes { name phrases(filter: {search: "ROSE"}) { nodes { keyword } } } } }'
    operation = reader.planner.operation(parse(text), None)
    coerced: Any = reader.planner.coerce(operation, {})
    found = orjson.loads((await reader.read(operation, coerced, credentials_of(tenant[Role.OWNER]))).whole())
    assert found["parts"]["nodes"] == [
        {"name": "Sector b", "phrases": {"nodes": []}},
        {"name": "Sector a", "phrases": {"nodes": [{"keyword": "red rose"}]}},
    ]
