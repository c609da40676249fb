"""A keyword table as a frontend shows it: 24 pairs of filter and order over an account with 200,000 keywords.

Rare matches, common ones and none, as its owner and as an editor who was granted two of three sites; each the 95th
percentile of requests to the API.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
from click import echo

from benchmarks import dataset
from benchmarks.load import Client
from benchmarks.rows import Row
from benchmarks.stack import Served, Stack
from igny8.gql import ids

KEYWORDS, SITES, SECTORS, CLUSTERS = 200_000, 3, 15, 4_000
MOST_MS, MOST_SEARCH_MS, MOST_COUNT_MS = 15.0, 60.0, 60.0
QUERY = """query List($filter: KeywordFilter, $order: [KeywordOrder!], $after: String, $first: Int, $last: Int) {
  keywords(filter: $filter, orderBy: $order, first: $first, last: $last, after: $after) {
    nodes { id keyword volume difficulty intent status } pageInfo { hasNextPage endCursor } } }"""
COUNT = "query Count($filter: KeywordFilter) { keywords(filter: $filter) { totalCount } }"


@dataclass(frozen=True)
class Account:
    owner: dataset.Reader
    editor: dataset.Reader
    site: str
    sector: str
    cluster: str
    lonely: str  # a cluster without keywords


def fill(connection: psycopg.Connection[Any]) -> Account:
    """The account, its people and its keywords, as a superuser."""
    random, made = Random(3), dataset.Made(Random(3), count=10_000_000)
    connection.execute("SET session_replication_role = replica")
    owner = dataset._account(connection, made, 999)
    editor = dataset.person(connection, owner.account_id, made.id(), made.id(), "EDITOR")
    account, sites, sectors, clusters = owner.account_id, [], [], []
    for s in range(SITES):
        sites.append(made.id())
        connection.execute(
            "INSERT INTO site (account_id, id, name, slug, language, timezone) VALUES (%s, %s, %s, %s, 'en', 'UTC')",
            (account, sites[-1], f"Large {s}", f"large-{s}"),
        )
        if s < 2:
            connection.execute(
                "INSERT INTO site_user_access (account_id, site_id, id, user_id) VALUES (%s, %s, %s, %s)",
                (account, sites[-1], made.id(), editor.user_id),
            )
    for x in range(SECTORS):
        sectors.append((sites[x % SITES], made.id()))
        connection.execute(
            "INSERT INTO sector (account_id, site_id, id, name, slug) VALUES (%s, %s, %s, %s, %s)",
            (account, *sectors[-1], f"Sector {x}", f"sector-{x}"),
        )
    for c in range(CLUSTERS):
        clusters.append((*sectors[c % SECTORS], made.id()))
    dataset.copy(
        connection,
        "cluster",
        "account_id, site_id, sector_id, id, name",
        ((account, *place, f"Cluster {n}") for n, place in enumerate(clusters)),
    )
    keywords, links = [], []
    for n in range(KEYWORDS):
        keyword = made.id()
        site, sector, cluster = (
            clusters[random.randrange(CLUSTERS - 1)] if n % 50 else (*random.choice(sectors), None)
        )
        text = f"{made.phrase(3)} {n}" + (" needle" if n % 20_000 == 7 else "")
        volume = None if random.random() < 0.1 else int(random.paretovariate(1.2) * 10) // 10 * 10
        difficulty = (
            None if random.random() < 0.1 else min(100, int(random.gauss(45, 20)) if random.random() > 0.02 else 1)
        )
        status = "ARCHIVED" if n % 2_000 == 3 else "NEW" if cluster is None else "CLUSTERED"
        intent = random.choices(("INFORMATIONAL", "COMMERCIAL", "UNKNOWN", "TRANSACTIONAL"), (60, 25, 14, 1))[0]
        stamp = made.time()
        source = "IMPORT" if n % 100 else "MANUAL"
        keywords.append(
            (account, site, sector, keyword, text, text, volume, max(0, difficulty) if difficulty is not None else None,
             intent, status, source, stamp, stamp)
        )  # fmt: skip
        if cluster is not None:
            links.append((account, site, keyword, cluster))
    columns = "account_id, site_id, sector_id, id, keyword, keyword_key, volume, difficulty, intent, status, source"
    begun = time.monotonic()
    dataset.copy(connection, "keyword", f"{columns}, created_at, updated_at", keywords)
    echo(f"200,000 keywords copied in {time.monotonic() - begun:.1f} s (triggers off)")
    dataset.copy(connection, "keyword_cluster", "account_id, site_id, keyword_id, cluster_id", links)
    connection.execute("RESET session_replication_role")
    connection.commit()
    connection.autocommit = True
    _vacuum(connection, "keyword", "keyword_cluster", "cluster")
    return Account(
        owner,
        editor,
        ids.show("sit", sites[0]),
        ids.show("sec", sectors[0][1]),
        ids.show("clu", clusters[0][2]),
        ids.show("clu", clusters[-1][2]),
    )


def _vacuum(connection: psycopg.Connection[Any], *tables: str) -> None:
    """As autovacuum would have by the time somebody reads; an old snapshot (its own ANALYZE) can hold it up for a while."""
    for _ in range(30):
        connection.execute(f"VACUUM ANALYZE {', '.join(tables)}")
        seen = connection.execute(
            "SELECT min(relallvisible / greatest(relpages, 1.0)) FROM pg_class WHERE relname = ANY (%s)",
            (list(tables),),
        ).fetchone()
        if seen and seen[0] > 0.95:
            return
        time.sleep(1)
    raise RuntimeError("The new rows do not become visible to all: another transaction is open.")


def pairs(account: Account) -> list[tuple[str, dict[str, Any], tuple[str, str]]]:
    """What is asked, the filter, and the order."""
    newest, by_name = ("CREATED_AT", "DESC"), ("KEYWORD", "ASC")
    by_volume, by_difficulty = ("VOLUME", "DESC"), ("DIFFICULTY", "ASC")
    return [
        ("all", {}, newest),
        ("all", {}, by_name),
        ("all", {}, by_volume),
        ("all", {}, by_difficulty),
        ("common status", {"status": ["CLUSTERED"]}, by_volume),
        ("rare status", {"status": ["ARCHIVED"]}, by_volume),
        ("rare status", {"status": ["ARCHIVED"]}, by_name),
        ("no such source", {"source": ["TEMPLATE"]}, newest),
        ("common volume", {"volume": {"gte": 50}}, by_name),
        ("no such volume", {"volume": {"gte": 2_000_000_000}}, newest),
        ("rare volume", {"volume": {"gte": 20_000}}, by_difficulty),
        ("low difficulty", {"difficulty": {"lte": 1}}, by_volume),
        ("low difficulty", {"difficulty": {"lte": 1}}, newest),
        ("rare intent", {"intent": ["TRANSACTIONAL"]}, by_volume),
        ("rare intent", {"intent": ["TRANSACTIONAL"]}, by_name),
        ("not clustered", {"clustered": False}, by_volume),
        ("clustered", {"clustered": True}, newest),
        ("one cluster", {"clusterId": [account.cluster]}, by_volume),
        ("empty cluster", {"clusterId": [account.lonely]}, newest),
        ("one sector", {"sectorId": [account.sector]}, by_name),
        ("one sector, common status", {"sectorId": [account.sector], "status": ["CLUSTERED"]}, by_volume),
        ("one site, rare status", {"siteId": [account.site], "status": ["ARCHIVED"]}, newest),
        ("search, common", {"search": "garden rose"}, by_volume),
        ("search, none", {"search": "no such words"}, newest),
    ]


def rows(stack: Stack, api: Served, *, times: int) -> Iterator[Row]:
    with psycopg.connect(stack.superuser_url) as connection:
        account = fill(connection)
    readers = {
        who: Client(api, {"Authorization": f"Bearer {stack.token_of(reader)}"})
        for who, reader in (("owner", account.owner), ("editor", account.editor))
    }
    for name, filter, (field, direction) in pairs(account):
        most = MOST_SEARCH_MS if "search" in filter else MOST_MS
        order = [{"field": field, "direction": direction}]
        asked = {"filter": filter, "order": order, "first": 20}
        yield _row(f"keywords: {name}, {field}", readers, QUERY, asked, times, most)
    yield _row(
        "keywords: search, rare, VOLUME", readers, QUERY, {"filter": {"search": "needle"}}, times, MOST_SEARCH_MS
    )
    order = [{"field": "KEYWORD", "direction": "ASC"}]
    deep = _deep_cursor(readers["owner"], order)
    yield _row(
        "keywords: after row 50,000, KEYWORD",
        {"owner": readers["owner"]},
        QUERY,
        {"order": order, "after": deep, "first": 20},
        times,
        MOST_MS,
    )
    yield _row(
        "keywords: the last 20, KEYWORD",
        readers,
        QUERY,
        {"order": [{"field": "KEYWORD", "direction": "ASC"}], "last": 20},
        times,
        MOST_MS,
    )
    for name, counted in (
        ("all", {}),
        ("common status", {"status": ["CLUSTERED"]}),
        ("rare status", {"status": ["ARCHIVED"]}),
    ):
        yield _row(f"keywords: totalCount, {name}", readers, COUNT, {"filter": counted}, times, MOST_COUNT_MS)


def _deep_cursor(client: Client, order: list[dict[str, str]]) -> str:
    """The end of the page that holds row 50,000 (found by steps of 100)."""
    client.reconnect()
    after: str | None = None
    for _ in range(500):
        page = json.loads(client.ask(QUERY, {"order": order, "after": after, "first": 100}))["data"]["keywords"]
        after = page["pageInfo"]["endCursor"]
    return str(after)


def _row(label: str, readers: dict[str, Client], query: str, asked: dict[str, Any], times: int, most: float) -> Row:
    found = {who: _p95(client, query, asked, times) for who, client in readers.items()}
    worst = max(found.values())
    each = ", ".join(f"{who} {ms:.1f}" for who, ms in found.items())
    return Row(f"{label}, p95", f"{worst:.1f} ms", each, f"<= {most:.0f} ms", worst <= most)


def _p95(client: Client, query: str, asked: dict[str, Any], times: int) -> float:
    client.reconnect()
    took = []
    for _ in range(times + 8):
        begun = time.perf_counter()
        client.ask(query, asked)
        took.append((time.perf_counter() - begun) * 1000)
    return sorted(took[8:])[int(times * 0.95)]
