"""Commits that reach the disk, as they do in production; the stack's own do not wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

_LASTING: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@contextmanager
def commits_that_last(superuser_url: str) -> Iterator[None]:
    with psycopg.connect(superuser_url, autocommit=True) as sql:
        for name, value in _LASTING.items():
            sql.execute(f"ALTER SYSTEM SET {name} = {value}")
        sql.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            for name in _LASTING:
                sql.execute(f"ALTER SYSTEM RESET {name}")
            sql.execute("SELECT pg_reload_conf()")
