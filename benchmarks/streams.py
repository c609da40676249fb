"""Progress: how soon one subscriber hears of it, how soon two thousand do, what these cost, and how much is written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvloop

from benchmarks.house import House, house, median_and_worst
from benchmarks.lasting import commits_that_last
from benchmarks.listeners import Audience, listening
from benchmarks.rows import Row, at_least, at_most
from benchmarks.stack import Served, Stack, api, served
from benchmarks.tasks import Rush, Speech, rush, speak
from igny8.gql import ids

SUBSCRIBERS: Final = 2_000
_STEPS, _PAUSE = 200, 0.05
_STEPS_TO_MANY, _PAUSE_BETWEEN = 10, 1.5
#: Jobs that write at the same time, over how many accounts, and for how many seconds.
_WRITERS, _ACCOUNTS, _RUSH_SECONDS = 16, 8, 5.0


def rows(running: Stack, *, rounds: int) -> list[Row]:
    with (
        commits_that_last(running.superuser_url),
        served("streams", api(running), running.environment, running.folder) as server,
    ):
        return uvloop.run(_rows(running, server, rounds))


async def _rows(running: Stack, server: Served, rounds: int) -> list[Row]:
    async with house(running) as made:
        idle = await _idle(made, server)
        with made.worker(), made.program("dispatcher"):
            return [await _one(made, server), await _many(made, server), idle, await _written(made, rounds)]


@asynccontextmanager
async def _speech(
    made: House, server: Served, listeners: int, steps: int, pause: float
) -> AsyncIterator[tuple[Speech, Audience]]:
    """A job that speaks at once, and its listeners."""
    name = made.name("speech")
    speech = Speech(name=name, steps=steps, pause=pause, go=made.running.folder / f"{name}-go")
    (job_id,), _ = await made.started(speak, speech)
    token = made.running.token_of(made.running.reader)
    async with listening(server, token, [ids.show("job", job_id)] * listeners) as audience:
        speech.go.touch()
        yield speech, audience


async def _one(made: House, server: Served) -> Row:
    """Milliseconds from the commit of a step to its arrival at the one subscriber."""
    async with _speech(made, server, 1, _STEPS, _PAUSE) as (speech, audience):
        took = []
        for step in range(speech.steps):
            name = f"{speech.name}-{step}"
            (heard,) = await audience.all_heard(name, 1)
            took.append((heard - (await made.stamps.named(name)).at) * 1000)
    await made.all_ended()
    median, worst = median_and_worst(took[5:])
    return at_most("progress, stored to received, p50", median, 10.0, "ms", f"p99 {worst:.1f} ms")


async def _many(made: House, server: Served) -> Row:
    """The longest that any event took to any subscriber; one that gets lost ends the run."""
    async with _speech(made, server, SUBSCRIBERS, _STEPS_TO_MANY, _PAUSE_BETWEEN) as (speech, audience):
        took = []
        for step in range(speech.steps):
            name = f"{speech.name}-{step}"
            heard = await audience.all_heard(name, SUBSCRIBERS)
            took.append(max(heard) - (await made.stamps.named(name)).at)
    await made.all_ended()
    detail = f"the last of all, median of {speech.steps} events {sorted(took)[speech.steps // 2]:.2f} s"
    return at_most(f"{SUBSCRIBERS:,} subscribers of one job: stored to received", max(took), 1.0, "s", detail)


async def _idle(made: House, server: Served) -> Row:
    """What as many subscriptions cost, each to a job of its own and on a connection of its own."""
    token = made.running.token_of(made.running.reader)
    waiting = Rush(name="never", seconds=0)
    found, _ = await made.started(rush, *[waiting] * SUBSCRIBERS)
    job_ids = [ids.show("job", id_) for id_ in found]
    async with listening(server, token, job_ids[:1]):
        before = server.resident_mb()
    async with listening(server, token, job_ids):
        await asyncio.sleep(5)
        cost = server.resident_mb() - before
    made.clear()
    return at_most(f"{SUBSCRIBERS:,} idle subscriptions, resident", cost, 100.0, "MB", f"over {before:.0f} MB")


async def _written(made: House, rounds: int) -> Row:
    """Events that the jobs of one worker write in a second: the median of the rounds."""
    rates = []
    for _ in range(rounds):
        before = _events(made)
        for number in range(_WRITERS):
            given = Rush(name=made.name("rush"), seconds=_RUSH_SECONDS)
            await made.start(rush, given, owner=made.running.readers[number % _ACCOUNTS])
        await made.all_ended()
        # Three of a job's events are its start, its claim and its end.
        rates.append((_events(made) - before - 3 * _WRITERS) / _RUSH_SECONDS)
    detail = f"{_WRITERS} jobs of {_ACCOUNTS} accounts, one worker"
    return at_least("progress events stored", sorted(rates)[len(rates) // 2], 1_000, "/s", detail)


def _events(made: House) -> int:
    row = made.sql.execute("SELECT count(*) FROM job_event").fetchone()
    return int(row[0]) if row else 0
