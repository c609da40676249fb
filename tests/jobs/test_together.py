"""Many are served by one call, and one is not kept waiting for others."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from igny8.dispatcher import dispatching
from igny8.errors import Unavailable
from igny8.jobs.together import Together
from igny8.settings import Settings
from tests.jobs.conftest import Jobs
from tests.jobs.tasks import Nothing, Recipe, short, write

pytestmark = pytest.mark.anyio


async def test_what_waits_while_a_call_is_busy_goes_together_in_the_next() -> None:
    calls: list[list[int]] = []
    busy = asyncio.Event()

    async def doubled(numbers: Sequence[int]) -> list[int]:
        calls.append(list(numbers))
        await busy.wait()
        return [2 * number for number in numbers]

    together = Together(doubled)
    asked = [asyncio.create_task(together.ask(0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert calls == [[0]]
    asked += [asyncio.create_task(together.ask(number)) for number in range(1, 151)]
    await asyncio.sleep(0)
    gives_up = asked.pop()
    gives_up.cancel()
    busy.set()
    assert await asyncio.gather(*asked) == [2 * number for number in range(150)]
    assert [len(call) for call in calls] == [1, 100, 50]
    assert await together.ask(7) == 14


async def test_what_is_one_s_fault_the_others_do_not_suffer_from() -> None:
    async def inverted(numbers: Sequence[int]) -> list[float]:
        return [1 / number for number in numbers]

    together = Together(inverted)
    outcomes = await asyncio.gather(*map(together.ask, (0, 1, 2)), return_exceptions=True)
    assert isinstance(outcomes[0], ZeroDivisionError)
    assert outcomes[1:] == [1, 0.5]


async def test_an_outage_is_told_to_all_at_once() -> None:
    calls: list[Sequence[int]] = []

    async def away(numbers: Sequence[int]) -> list[int]:
        calls.append(numbers)
        raise Unavailable("The database is away.")

    together = Together(away)
    outcomes = await asyncio.gather(*map(together.ask, (0, 1, 2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert calls == [[0, 1, 2]]


async def test_a_job_that_cannot_be_claimed_keeps_no_other_from_running(
    unheard: Callable[[], Jobs], worker: None, settings: Settings
) -> None:
    broken, sound = unheard(), [unheard() for _ in range(4)]
    stuck = await broken.start(short, Nothing())
    others = [(work, await work.start(short, Nothing())) for work in sound]
    move = "UPDATE change_counter SET value = value + %s WHERE scope_id = %s"
    broken.sql.execute(move, [-1, broken.site_id])  # the next event's cursor is taken
    async with dispatching(settings):
        for work, job_id in others:
            await work.ended(job_id)
        assert broken.job(stuck).state == "QUEUED"
        broken.sql.execute(move, [1, broken.site_id])
        assert (await broken.ended(stuck)).state == "SUCCEEDED"


async def test_jobs_of_many_accounts_end_as_each_by_itself_would(
    jobs_of: Callable[[], Jobs], worker: None, dispatcher: None
) -> None:
    accounts = [jobs_of() for _ in range(4)]
    started = [(work, await work.start(short, Nothing())) for work in accounts for _ in range(8)]
    started += [(work, await work.start(write, Recipe(credits=1), items=1, credits=1)) for work in accounts]
    for work, job_id in started:
        job = await work.ended(job_id)
        assert (job.state, job.phase, job.percent, job.fence) == ("SUCCEEDED", "DONE", 100, 2)
        cursors = [event.cursor for event in work.events(job_id)]
        assert (len(set(cursors)), cursors) == (len(cursors), sorted(cursors))
        assert [event.state for event in work.events(job_id)][:2] == ["QUEUED", "RUNNING"]
        assert work.events(job_id)[-1].state == "SUCCEEDED"
    for work in accounts:
        cursors = work.rows(
            "SELECT cursor FROM change WHERE scope_id = %s UNION ALL SELECT cursor FROM job_event WHERE scope_id = %s",
            work.site_id,
            work.site_id,
        )
        assert sorted(row.cursor for row in cursors) == list(range(1, len(cursors) + 1))
