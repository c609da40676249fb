"""What the API is measured against: the same JSON by hand-written SQL behind a bare ASGI application.

The row-level security and the session check are the same; parsing, validation, limits, rate and logs there are none.
"""

import os
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool

from benchmarks.queries import QUERIES

NEWEST = "ORDER BY created_at DESC, id DESC"
GATE = "FROM app_enter($1, $2, $3, $4) AS e"
NO_GATE = "FROM (SELECT 'OWNER' AS role, true AS served) AS e"


def _id(prefix: str, row: str) -> str:
    return f"'id', '{prefix}_' || encode(uuid_send({row}.id), 'hex')"


def _nodes(json: str, rows: str, alias: str) -> str:
    return f"(SELECT json_build_object('nodes', coalesce(json_agg(json_build_object({json})), '[]'::json)) FROM ({rows}) AS {alias})"


def _child(table: str, column: str, parent: str, most: int) -> str:
    return f"SELECT * FROM {table} WHERE account_id = {parent}.account_id AND {column} = {parent}.id {NEWEST} LIMIT {most}"


_KEYWORDS = (
    "SELECT k.* FROM keyword AS k WHERE k.account_id = c.account_id AND k.id IN (SELECT keyword_id FROM keyword_cluster"
    " WHERE account_id = c.account_id AND cluster_id = c.id) ORDER BY k.created_at DESC, k.id DESC LIMIT {most}"
)
_KEYWORD = (
    f"{_id('key', 'k')}, 'keyword', k.keyword, 'volume', k.volume, 'difficulty', k.difficulty, 'intent', k.intent"
)
_CONTENT = (
    f"(SELECT json_build_object({_id('con', 'w')}, 'title', w.title, 'slug', w.slug, 'wordCount', w.word_count,"
    " 'status', w.status) FROM content AS w WHERE w.account_id = t.account_id AND w.task_id = t.id LIMIT 1)"
)


def _cluster(clusters: int, keywords: int, rest: str = "") -> str:
    inner = (
        f"{_id('clu', 'c')}, 'name', c.name, 'status', c.status, 'keywordsCount', c.keywords_count, 'volume', c.volume,"
        f" 'keywords', {_nodes(_KEYWORD, _KEYWORDS.format(most=keywords), 'k')}{rest}"
    )
    return _nodes(inner, _child("cluster", "sector_id", "x", clusters), "c")


def _tree(root: str, clusters: str) -> str:
    sector = f"{_id('sec', 'x')}, 'name', x.name, 'status', x.status, 'clusters', {clusters}"
    sectors = _nodes(sector, _child("sector", "site_id", "s", 5), "x")
    return _nodes(f"{_id('sit', 's')}, 'name', s.name, 'slug', s.slug, 'sectors', {sectors}", root, "s")


def statements(*, gate: bool) -> dict[str, str]:
    """By query. Without the gate: for a superuser, with the account ($1) said at the root."""
    root = f"SELECT * FROM site {'' if gate else 'WHERE account_id = $1'} {NEWEST} LIMIT 3"
    tiny = f"{_id('sit', 's')}, 'name', s.name, 'slug', s.slug, 'language', s.language, 'status', s.status"
    task = f"{_id('tsk', 't')}, 'title', t.title, 'status', t.status, 'content', {_CONTENT}"
    tasks = _nodes(task, _child("task", "idea_id", "i", 1), "t")
    ideas = _nodes(
        f"{_id('ide', 'i')}, 'title', i.title, 'status', i.status, 'tasks', {tasks}",
        _child("content_idea", "cluster_id", "c", 5),
        "i",
    )
    found = {
        "tiny": _nodes(tiny, root, "s"),
        "small": _tree(root, _cluster(3, 5)),
        "large": _tree(root, _cluster(20, 10, f", 'ideas', {ideas}")),
    }
    return {
        name: f"SELECT e.role, e.served, CASE WHEN e.served AND e.role = 'OWNER' THEN {json} END {GATE if gate else NO_GATE}"
        for name, json in found.items()
    }


class _Text(Loader):
    def load(self, data: Buffer) -> bytes:
        return bytes(data)


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    connection.adapters.register_loader("json", _Text)


class Floor:
    """The application: a document it knows by its text, one statement, its JSON."""

    def __init__(self) -> None:
        self._statements = {QUERIES[name]: sql for name, sql in statements(gate=True).items()}
        who = [os.environ[f"BENCH_{name}"] for name in ("ACCOUNT", "USER", "SESSION")]
        self._who = [*(UUID(id) for id in who), None]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        message = await receive()
        asked = orjson.loads(message["body"] or b"{}")
        sql = self._statements.get(asked.get("query", ""))
        if sql is None:
            await self._answer(send, 400, b"{}")
            return
        async with self._pool.connection() as connection:
            cursor = psycopg.AsyncRawCursor(connection)
            await cursor.execute(sql, self._who, prepare=True)
            row = await cursor.fetchone()
        await self._answer(send, 200, b'{"data":{"sites":' + row[2] + b"}}")  # type: ignore[index]  # there is one

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._pool = AsyncConnectionPool(
            os.environ["BENCH_URL"],
            min_size=6,
            max_size=6,
            open=False,
            configure=_configure,
            kwargs={"autocommit": True},
        )
        await self._pool.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, send: Any, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def app() -> Floor:
    return Floor()
