"""Turns: of accounts in a queue, and of accounts at a provider."""

import asyncio
from collections.abc import Callable

import pytest

from igny8 import jobs
from igny8.db import Database, LoginRole, new_id
from igny8.jobs import Queue
from igny8.jobs.admission import PLACES, admit, waiting_lines
from igny8.jobs.progress import Line
from igny8.jobs.turns import Turns
from tests.jobs.conftest import Jobs, until
from tests.jobs.tasks import Nothing, Recipe, short, write

pytestmark = pytest.mark.anyio


async def test_an_account_has_a_few_places_in_each_queue_and_others_come_between(
    db: Database, unheard: Callable[[], Jobs]
) -> None:
    many, few = unheard(), unheard()
    for _ in range(PLACES + 5):
        await many.start(short, Nothing())
    await many.start(write, Recipe())
    ours = [await few.start(short, Nothing()) for _ in range(2)]
    many.take_places()
    few.take_places()
    async with db.session(LoginRole.SYSTEM) as session:
        lines = await waiting_lines(session)
        admitted = await admit(session, lines)
    assert set(lines) == {
        Line(many.tenant.id, Queue.WORK),
        Line(many.tenant.id, Queue.AI),
        Line(few.tenant.id, Queue.WORK),
    }
    counts = {line: sum(1 for other, _ in admitted if other == line) for line in lines}
    assert counts == {
        Line(many.tenant.id, Queue.WORK): PLACES,
        Line(many.tenant.id, Queue.AI): 1,
        Line(few.tenant.id, Queue.WORK): 2,
    }
    assert [job_id for _, job_id in admitted].index(ours[1]) < 6
    async with db.session(LoginRole.SYSTEM) as session:
        assert await admit(session, await waiting_lines(session)) == []


async def test_who_comes_while_there_are_places_has_one_at_once(unheard: Callable[[], Jobs]) -> None:
    work = unheard()
    started = [await work.start(short, Nothing()) for _ in range(PLACES + 2)]
    other_queue = await work.start(write, Recipe())
    placed = [row.id for row in work.rows("SELECT id FROM job WHERE hinted_at IS NOT NULL ORDER BY id")]
    assert placed == [*started[:PLACES], other_queue]
    work.sql.execute("UPDATE job SET hinted_at = NULL WHERE id = %s", [started[0]])
    late = await work.start(short, Nothing())
    assert work.job(late).hinted_at is None, "somebody who came before waits"


async def test_places_are_not_given_twice_by_those_who_admit_at_once(
    db: Database, unheard: Callable[[], Jobs]
) -> None:
    work = unheard()
    for _ in range(PLACES + 10):
        await work.start(short, Nothing())
    work.take_places()

    async def move() -> int:
        async with db.session(LoginRole.SYSTEM) as session:
            return len(await admit(session, [Line(work.tenant.id, Queue.WORK)]))

    assert sum(await asyncio.gather(*(move() for _ in range(5)))) == PLACES


async def test_one_accounts_many_jobs_do_not_hold_up_anothers_one(
    jobs_of: Callable[[], Jobs], worker: None, dispatcher: None
) -> None:
    many, one = jobs_of(), jobs_of()
    async with many.writing() as session:
        for _ in range(300):
            await jobs.enqueue(session, short, Nothing(), site_id=many.site_id)
    await until(lambda: len(many.rows("SELECT FROM job WHERE state = 'SUCCEEDED'")) > 5)
    job_id = await one.start(short, Nothing())
    job = await one.ended(job_id)
    ahead = many.rows("SELECT FROM job WHERE finished_at BETWEEN %s AND %s", job.queued_at, job.started_at)
    assert len(ahead) < 3 * PLACES
    await until(lambda: many.rows("SELECT FROM job WHERE finished_at IS NULL") == [])


async def test_accounts_take_turns_at_a_provider() -> None:
    turns = Turns(2)
    served: list[str] = []
    going = asyncio.Event()
    names = {new_id(): "first", new_id(): "second"}
    first, second = names

    async def call(account_id: object) -> None:
        async with turns.turn("openai", account_id):  # type: ignore[arg-type]  # an id
            served.append(names[account_id])  # type: ignore[index]  # an id
            await going.wait()

    calls = [asyncio.create_task(call(first)) for _ in range(5)]
    await asyncio.sleep(0)
    calls += [asyncio.create_task(call(second)) for _ in range(2)]
    await asyncio.sleep(0)
    assert served == ["first", "first"]
    async with turns.turn("runware", first):
        pass
    going.set()
    await asyncio.gather(*calls)
    assert served == ["first", "first", "first", "second", "first", "second", "first"]


async def test_a_turn_that_is_not_awaited_any_more_is_given_to_the_next() -> None:
    turns = Turns(1)
    account_id = new_id()

    async def call() -> None:
        async with turns.turn("openai", account_id):
            await asyncio.sleep(0)

    async with turns.turn("openai", account_id):
        calls = [asyncio.create_task(call()) for _ in range(3)]
        await asyncio.sleep(0)
        calls[0].cancel()
        await asyncio.sleep(0)
    calls[1].cancel()  # it was given the place just now
    await asyncio.gather(*calls, return_exceptions=True)
    assert [task.cancelled() for task in calls] == [True, True, False]
    async with asyncio.timeout(1), turns.turn("openai", account_id):
        pass
