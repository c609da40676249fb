"""Reads on bare libpq: what goes wrong with one never reaches another."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from igny8.db import Database, LoginRole
from igny8.errors import Unavailable
from igny8.read_pool import ACQUIRE_SECONDS, KEPT_STATEMENTS
from igny8.settings import Settings

pytestmark = pytest.mark.anyio
APP = LoginRole.APP


@pytest.fixture
async def one(settings: Settings) -> AsyncIterator[Database]:
    """A database of which reads have one connection."""
    database = Database(settings, read_sizes={APP: 1})
    await database.open()
    yield database
    await database.close()


async def backend(db: Database) -> int:
    row = await db.fetch_row(APP, "SELECT pg_backend_pid()", ())
    assert row is not None
    return int(row[0] or b"0")


def running(superuser: psycopg.Connection[Any], pid: int) -> bool:
    found = superuser.execute("SELECT state = 'active' FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    return found == (True,)


async def until_running(superuser: psycopg.Connection[Any], pid: int) -> None:
    for _ in range(300):
        if running(superuser, pid):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the statement did not begin")


async def test_columns_come_as_text_and_null_as_none(one: Database) -> None:
    row = await one.fetch_row(APP, "SELECT true, 7, NULL::text, '{\"a\" : 1}'::json", ())
    assert row == (b"t", b"7", None, b'{"a" : 1}')
    assert await one.fetch_row(APP, "SELECT 1 WHERE false", ()) is None


async def test_a_cancelled_read_stops_in_the_database_and_its_connection_serves_again(
    one: Database, superuser: psycopg.Connection[Any]
) -> None:
    pid = await backend(one)
    sleeping = asyncio.create_task(one.fetch_row(APP, "SELECT pg_sleep(4)", ()))
    await until_running(superuser, pid)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await backend(one) == pid
    assert not running(superuser, pid)


async def test_a_failed_read_leaves_its_connection_as_it_was(one: Database) -> None:
    pid = await backend(one)
    with pytest.raises(psycopg.errors.DivisionByZero):
        await one.fetch_row(APP, "SELECT 1 / $1::int", (0,))
    with pytest.raises(psycopg.errors.SyntaxError):
        await one.fetch_row(APP, "SELEC", ())
    with pytest.raises(psycopg.DataError):
        await one.fetch_row(APP, "SELECT $1::text", ("nul\0",))
    assert await backend(one) == pid


async def test_a_killed_connection_is_replaced_while_its_read_waits(
    one: Database, superuser: psycopg.Connection[Any]
) -> None:
    pid = await backend(one)
    asked = asyncio.create_task(one.fetch_row(APP, "SELECT pg_backend_pid() FROM pg_sleep(0.3)", ()))
    await until_running(superuser, pid)
    superuser.execute("SELECT pg_terminate_backend(%s)", (pid,))
    row = await asked
    assert row is not None
    assert int(row[0] or b"0") != pid


async def test_reads_wait_for_their_turn_in_order(one: Database) -> None:
    answered: list[int] = []

    async def ask(number: int) -> None:
        await one.fetch_row(APP, "SELECT $1::int FROM pg_sleep(0.01)", (number,))
        answered.append(number)

    await asyncio.gather(*(ask(number) for number in range(20)))
    assert answered == list(range(20))


async def test_who_waits_too_long_is_told_and_holds_no_place(
    one: Database, superuser: psycopg.Connection[Any]
) -> None:
    pid = await backend(one)
    holding = asyncio.create_task(one.fetch_row(APP, f"SELECT pg_sleep({ACQUIRE_SECONDS + 1})", ()))
    await until_running(superuser, pid)
    with pytest.raises(Unavailable):
        await one.fetch_row(APP, "SELECT 1", ())
    await holding
    assert await backend(one) == pid


async def test_no_more_statements_stay_prepared_than_are_kept(one: Database) -> None:
    for number in range(KEPT_STATEMENTS + 10):
        await one.fetch_row(APP, f"SELECT {number}", ())
    counted = "SELECT count(*) FROM pg_prepared_statements"
    assert await one.fetch_row(APP, counted, ()) == (b"%d" % KEPT_STATEMENTS,)
    assert await one.fetch_row(APP, "SELECT 0", ()) == (b"0",)


async def test_parameters_larger_than_the_socket_takes_at_once_arrive_whole(one: Database) -> None:
    text = "x" * 8_000_000
    assert await one.fetch_row(APP, "SELECT length($1::text)", (text,)) == (b"8000000",)
