"""Pages stay right while rows come and go between them: what stays is seen once, in its order, whatever else happens."""

from random import Random
from typing import Any

import psycopg
import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.graph import Graph
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

ORDERS = [
    [],
    [("VOLUME", "DESC")],
    [("VOLUME", "ASC")],
    [("DIFFICULTY", "ASC"), ("KEYWORD", "DESC")],
    [("VOLUME", "DESC"), ("DIFFICULTY", "ASC"), ("CREATED_AT", "DESC")],
    [("KEYWORD", "ASC")],
]
QUERY = """query Page($order: [KeywordOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  keywords(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    nodes { keyword }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


class Restless:
    """Keywords that stay and keywords that do not."""

    def __init__(self, world: World, tenant: Tenant, sql: psycopg.Connection[Any], seed: str) -> None:
        self.graph, self.sql, self.random = Graph(world, tenant), sql, Random(seed)
        self.made = 0
        self.staying = {self.make("stays") for _ in range(14)}
        for _ in range(14):
            self.make("goes")

    def make(self, kind: str) -> str:
        """A keyword with values that many others have too, or none."""
        self.made += 1
        name = f"{self.random.choice('abc')} {kind} {self.made}"
        volume, difficulty = self.random.choice((None, 10, 10, 20)), self.random.choice((None, 5, 5, 50))
        self.graph.keyword(name, volume=volume, difficulty=difficulty)
        return name

    def turmoil(self) -> None:
        """Some of the others are removed, changed and added: the row that the cursor stands for may be among them."""
        others = [name for name in self.graph.ids if " goes " in name]
        for name in self.random.sample(others, min(3, len(others))):
            self.sql.execute("DELETE FROM keyword WHERE id = %s", (self.graph.ids.pop(name),))
        for name in self.random.sample(others, min(2, len(others))):
            if name in self.graph.ids:
                volume = self.random.choice((None, 1, 10, 20))
                self.sql.execute("UPDATE keyword SET volume = %s WHERE id = %s", (volume, self.graph.ids[name]))
        for _ in range(3):
            self.make("goes")


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ",".join(name for name, _ in order) or "default")
async def test_a_walk_sees_what_stays_once(
    api: Api, world: World, tenant: Tenant, superuser: psycopg.Connection[Any], order: Any, forward: bool
) -> None:
    rows = Restless(world, tenant, superuser, f"{order}{forward}")
    keys = [{"field": name, "direction": direction} for name, direction in order] or None
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(60):
        size = {"first": 3, "after": cursor} if forward else {"last": 3, "before": cursor}
        page = (await api.data(QUERY, as_=tenant[Role.OWNER], order=keys, **size))["keywords"]
        names = [node["keyword"] for node in page["nodes"]]
        seen = seen + names if forward else names + seen
        cursor = page["pageInfo"]["endCursor" if forward else "startCursor"]
        if not page["pageInfo"]["hasNextPage" if forward else "hasPreviousPage"]:
            break
        rows.turmoil()
    else:
        raise AssertionError("the walk did not end")
    stayed = [name for name in seen if name in rows.staying]
    assert len(stayed) == len(set(stayed))
    whole = await api.data(QUERY, as_=tenant[Role.OWNER], order=keys, first=100)
    assert stayed == [node["keyword"] for node in whole["keywords"]["nodes"] if node["keyword"] in rows.staying]
    assert set(stayed) == rows.staying


async def test_a_cursor_outlives_its_row(
    api: Api, world: World, tenant: Tenant, superuser: psycopg.Connection[Any]
) -> None:
    graph = Graph(world, tenant)
    for name in "abcde":
        graph.keyword(name, volume=7)
    order = [{"field": "KEYWORD", "direction": "ASC"}]
    page = (await api.data(QUERY, as_=tenant[Role.OWNER], order=order, first=2))["keywords"]
    superuser.execute("DELETE FROM keyword WHERE id = %s", (graph.ids["b"],))
    after = await api.data(QUERY, as_=tenant[Role.OWNER], order=order, first=2, after=page["pageInfo"]["endCursor"])
    assert [node["keyword"] for node in after["keywords"]["nodes"]] == ["c", "d"]
    assert after["keywords"]["pageInfo"]["hasPreviousPage"] is True
