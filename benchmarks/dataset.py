"""The rows that are read: 20 accounts of which one asks, 60 sites, 300 sectors, 6,000 clusters, 180,000 keywords, and
30,000 ideas, tasks and contents. The same for a seed, loaded by COPY past the triggers, whose sums are made afterwards.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg

ACCOUNTS, SITES, SECTORS, CLUSTERS, KEYWORDS, IDEAS = 20, 3, 5, 20, 30, 5  # each in one of the one before
WORDS = [
    "garden",
    "rose",
    "tulip",
    "hedge",
    "lawn",
    "soil",
    "water",
    "pump",
    "tool",
    "shed",
    "bench",
    "path",
    "stone",
    "fence",
    "pond",
    "light",
    "plant",
    "seed",
    "tree",
    "leaf",
]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reader:
    """Who asks: a live session of an account. `site_id` is one of its sites, where it has any."""

    account_id: UUID
    user_id: UUID
    session_id: UUID
    role: str
    site_id: UUID | None = None


@dataclass
class Made:
    """Deterministic ids, times and texts."""

    random: Random
    count: int = 0

    def id(self) -> UUID:
        self.count += 1
        return UUID(int=(0x0190_0000_0000_7000_8000 << 48) + self.count)

    def time(self) -> datetime:
        return BEGIN + timedelta(seconds=self.count * 7)

    def phrase(self, words: int) -> str:
        return " ".join(self.random.choices(WORDS, k=words))


def fill(connection: psycopg.Connection[Any], *, accounts: int = ACCOUNTS) -> list[Reader]:
    """Load everything as a superuser; the owners of the accounts."""
    made = Made(Random(1))
    connection.execute("SET session_replication_role = replica")
    owners = [_account(connection, made, number) for number in range(accounts)]
    owners = [replace(owner, site_id=_graph(connection, made, owner)) for owner in owners]
    _sums(connection)
    connection.execute("RESET session_replication_role")
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    return owners


def _account(connection: psycopg.Connection[Any], made: Made, number: int) -> Reader:
    account = made.id()
    connection.execute(
        "INSERT INTO account (id, name, slug, status) VALUES (%s, %s, %s, 'ACTIVE')",
        (account, f"Agency {number}", f"agency-{number}"),
    )
    connection.execute("INSERT INTO wallet (account_id) VALUES (%s)", (account,))
    connection.execute(
        "INSERT INTO subscription (account_id, id, plan_id, status, current_period_start, current_period_end)"
        " SELECT %s, %s, id, 'ACTIVE', now(), now() + interval '30 days' FROM plan WHERE slug = 'scale'",
        (account, made.id()),
    )
    return person(connection, account, made.id(), made.id(), "OWNER")


def person(connection: psycopg.Connection[Any], account: UUID, user: UUID, session: UUID, role: str) -> Reader:
    email = f"{role.lower()}-{user.hex[-10:]}@example.com"
    connection.execute(
        "INSERT INTO app_user (account_id, id, email, email_key, email_verified, name, role, status)"
        " VALUES (%s, %s, %s, %s, true, 'Reader', %s, 'ACTIVE')",
        (account, user, email, email, role),
    )
    connection.execute(
        "INSERT INTO session (account_id, id, user_id, expires_at) VALUES (%s, %s, %s, now() + interval '30 days')",
        (account, session, user),
    )
    return Reader(account, user, session, role)


def _graph(connection: psycopg.Connection[Any], made: Made, owner: Reader) -> UUID:
    """Everything of one account; the first of its sites."""
    account, lines = owner.account_id, _Lines()
    for s in range(SITES):
        site = made.id()
        lines.site.append((account, site, f"Site {s}", f"site-{s}", "en", "UTC", made.time(), made.time()))
        for x in range(SECTORS):
            sector = made.id()
            lines.sector.append((account, site, sector, f"Sector {x}", f"sector-{x}", made.time(), made.time()))
            for _ in range(CLUSTERS):
                _cluster(made, lines, (account, site, sector))
    first: UUID = lines.site[0][1]
    for table, (columns, rows) in lines.tables().items():
        copy(connection, table, columns, rows)
    return first


def _cluster(made: Made, lines: "_Lines", place: tuple[UUID, UUID, UUID]) -> None:
    account, site, _ = place
    cluster = made.id()
    lines.cluster.append((*place, cluster, f"{made.phrase(2)} {made.count}", "MAPPED", made.time(), made.time()))
    for _ in range(KEYWORDS):
        keyword, text = made.id(), f"{made.phrase(3)} {made.count}"
        volume = None if made.random.random() < 0.1 else made.random.randrange(10, 5000, 10)
        difficulty = None if made.random.random() < 0.1 else made.random.randrange(0, 101)
        lines.keyword.append(
            (*place, keyword, text, text, volume, difficulty, "COMMERCIAL", "CLUSTERED", made.time(), made.time())
        )
        lines.keyword_cluster.append((account, site, keyword, cluster))
    for _ in range(IDEAS):
        idea, task, content = made.id(), made.id(), made.id()
        title = made.phrase(5)
        stamp = (made.time(), made.time())
        lines.content_idea.append((*place, idea, cluster, title, "COMPLETED", *stamp))
        lines.task.append((*place, task, cluster, idea, title, "COMPLETED", *stamp))
        html = f"<h2>{title}</h2><p>{made.phrase(30)}</p>"
        slug = f"{made.count}"
        lines.content.append((*place, content, cluster, task, title, slug, html, 900, "en", "DRAFT", *stamp))


class _Lines:
    """The rows of one account, table by table."""

    def __init__(self) -> None:
        self.site: list[Any] = []
        self.sector: list[Any] = []
        self.cluster: list[Any] = []
        self.keyword: list[Any] = []
        self.keyword_cluster: list[Any] = []
        self.content_idea: list[Any] = []
        self.task: list[Any] = []
        self.content: list[Any] = []

    def tables(self) -> dict[str, tuple[str, list[Any]]]:
        place, stamps = "account_id, site_id, sector_id, id", "created_at, updated_at"
        return {
            "site": (f"account_id, id, name, slug, language, timezone, {stamps}", self.site),
            "sector": (f"account_id, site_id, id, name, slug, {stamps}", self.sector),
            "cluster": (f"{place}, name, status, {stamps}", self.cluster),
            "keyword": (f"{place}, keyword, keyword_key, volume, difficulty, intent, status, {stamps}", self.keyword),
            "keyword_cluster": ("account_id, site_id, keyword_id, cluster_id", self.keyword_cluster),
            "content_idea": (f"{place}, cluster_id, title, status, {stamps}", self.content_idea),
            "task": (f"{place}, cluster_id, idea_id, title, status, {stamps}", self.task),
            "content": (
                f"{place}, cluster_id, task_id, title, slug, html_content, word_count, language, status, {stamps}",
                self.content,
            ),
        }


def copy(connection: psycopg.Connection[Any], table: str, columns: str, rows: Iterable[Any] | Iterator[Any]) -> None:
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as target:
        for row in rows:
            target.write_row(row)


def _sums(connection: psycopg.Connection[Any]) -> None:
    """What the triggers would have kept."""
    connection.execute(
        "UPDATE cluster SET keywords_count = found.n, volume = found.v, difficulty = found.d FROM (SELECT l.account_id,"
        " l.cluster_id, count(*) AS n, coalesce(sum(k.volume), 0) AS v, avg(k.difficulty) AS d FROM keyword_cluster l"
        " JOIN keyword k ON k.account_id = l.account_id AND k.id = l.keyword_id GROUP BY 1, 2) AS found"
        " WHERE cluster.account_id = found.account_id AND cluster.id = found.cluster_id"
    )
