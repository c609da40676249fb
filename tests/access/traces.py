"""What a request leaves behind in the database."""

from typing import Any

import psycopg
from psycopg import sql

#: The sender of mails works beside every test; whether a mail is there counts, not whether it was sent.
_WHOLE_ROW = sql.SQL("sum(hashtextextended(r::text, 0))::text")
_ONLY_COUNTED = {"mail": sql.SQL("''")}


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
            sql.Literal(name), _ONLY_COUNTED.get(name, _WHOLE_ROW), sql.Identifier(name)
        )
        for name in tables
    ]
    rows = connection.execute(sql.SQL(" UNION ALL ").join(counts)).fetchall()
    return {name: (count, digest) for name, count, digest in rows}


def changed(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> set[str]:
    """The tables in which something is different."""
    return {name for name in after if before[name] != after[name]}
