"""What a request leaves behind in the database."""

from typing import Any

import psycopg
from psycopg import sql

_WHOLE_ROW = sql.SQL("sum(hashtextextended(r::text, 0))::text")
#: What works beside every test does not count: the sender of mails, and the hints that are sent for waiting jobs.
_IN_PART = {
    "mail": sql.SQL("''"),
    "job": sql.SQL("sum(hashtextextended((to_jsonb(r) - 'hinted_at')::text, 0))::text"),
}


def traces(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them: equal before and after what changed nothing."""
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
    ]
    counts = [
        sql.SQL("SELECT {}, count(*), {} FROM {} r").format(
            sql.Literal(name), _IN_PART.get(name, _WHOLE_ROW), sql.Identifier(name)
        )
        for name in tables
    ]
    rows = connection.execute(sql.SQL(" UNION ALL ").join(counts)).fetchall()
    return {name: (count, digest) for name, count, digest in rows}


def changed(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> set[str]:
    """The tables in which something is different."""
    return {name for name in after if before[name] != after[name]}
