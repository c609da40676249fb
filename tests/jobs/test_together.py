"""Many are served by one call, and one is not kept waiting for others."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from igny8.jobs.together import Together
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


async def test_what_a_call_raises_all_of_it_are_told_and_the_next_goes_on() -> None:
    async def inverted(numbers: Sequence[int]) -> list[float]:
        return [1 / number for number in numbers]

    together = Together(inverted)
    outcomes = await asyncio.gather(together.ask(0), together.ask(1), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ZeroDivisionError, ZeroDivisionError]
    assert await together.ask(4) == 0.25


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
