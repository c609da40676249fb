"""Jobs: how soon they begin, how many end, and whether one account's many delay another's one.

Commits reach the disk here, as they do in production, for us and for procrastinate alike.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Iterator
from typing import Final

import uvloop

from benchmarks.house import House, house, median_and_worst
from benchmarks.lasting import commits_that_last
from benchmarks.queues import Counted, Entered, dramatiq, ours, procrastinate
from benchmarks.rows import Row, at_least, at_most, ratio
from benchmarks.stack import Stack
from benchmarks.tasks import Named, Nothing, enter, nothing

#: Enqueuing for a burst: so many at a time.
_STARTERS: Final = 4
_BURST: Final = 1_000
_MANY, _AT_A_TIME, _PROBES = 5_000, 500, 8


def rows(running: Stack, *, samples: int, rounds: int) -> Iterator[Row]:
    with commits_that_last(running.superuser_url):
        yield from uvloop.run(_rows(running, samples, rounds))


async def _rows(running: Stack, samples: int, rounds: int) -> list[Row]:
    random.seed(1)
    async with house(running) as made, ours(made) as mine, procrastinate(made) as other, dramatiq(made) as stock:
        latencies = await _latencies(made, {"ours": mine, "procrastinate": other, "Dramatiq": stock}, samples)
    async with house(running) as made, ours(made) as mine, procrastinate(made) as other:
        rates = await _rates({"ours": mine, "procrastinate": other}, rounds)
        made.clear()
        delay = await _delay(made)
    return [*_begin_rows(latencies), *_rate_rows(rates), delay]


async def _latencies(made: House, queues: dict[str, Entered | None], samples: int) -> dict[str, list[float]]:
    """Milliseconds from commit to task, of queues that had nothing to do; one sample of each in turn."""
    found: dict[str, list[float]] = {name: [] for name, queue in queues.items() if queue is not None}
    for number in range(samples + 5):  # the first ones warm up
        for who, queue in queues.items():
            if queue is None:
                continue
            await asyncio.sleep(random.uniform(0.05, 0.15))
            name = made.name(who)
            committed = await queue.enter(name)
            begun = await made.stamps.named(name)
            if number >= 5:
                found[who].append((begun.at - committed) * 1000)
    return found


def _begin_rows(latencies: dict[str, list[float]]) -> Iterator[Row]:
    both = {who: median_and_worst(values) for who, values in latencies.items()}
    for at, (name, most) in enumerate((("p50", 25.0), ("p99", 100.0))):
        beside = ", ".join(f"{who} {values[at]:.1f} ms" for who, values in both.items() if who != "ours")
        missing = "procrastinate" not in both
        row = at_most(f"idle: commit to task entered, {name}", both["ours"][at], most, "ms", beside)
        yield (
            Row(row.measure, row.value, f"procrastinate could not run; {beside}", row.target, None)
            if missing
            else row
        )


async def _rates(queues: dict[str, Counted | None], rounds: int) -> dict[str, float]:
    """Short jobs a second, from the first enqueue to the last end: medians of rounds in turn."""
    found: dict[str, list[float]] = {name: [] for name, queue in queues.items() if queue is not None}
    for number in range(rounds + 1):  # the first one warms up
        for who, queue in queues.items():
            if queue is not None:
                rate = await _burst(queue, _BURST if number else 100)
                if number:
                    found[who].append(rate)
    return {who: statistics.median(rates) for who, rates in found.items()}


async def _burst(queue: Counted, jobs: int) -> float:
    numbers = iter(range(jobs))

    async def start() -> None:
        for number in numbers:
            await queue.nothing(number)

    begun = time.monotonic()
    await asyncio.gather(*(start() for _ in range(_STARTERS)))
    while queue.left():  # noqa: ASYNC110  # others work on them
        await asyncio.sleep(0.02)
    return jobs / (time.monotonic() - begun)


def _rate_rows(rates: dict[str, float]) -> Iterator[Row]:
    measure = "short jobs, enqueue to end, one worker"
    yield ratio(f"{measure}: procrastinate", rates["ours"], rates.get("procrastinate"), "/s", least=0.7)
    yield at_least(measure, rates["ours"], 100, "/s")


async def _delay(made: House) -> Row:
    """The longest wait of one account's single jobs while another account's five thousand are worked off."""
    many, one = made.running.readers[:2]
    for _ in range(_MANY // _AT_A_TIME):
        await made.start(nothing, *[Nothing()] * _AT_A_TIME, owner=many)
    waits = []
    for _ in range(_PROBES):
        name = made.name("probe")
        committed = await made.start(enter, Named(name=name), owner=one)
        waits.append((await made.stamps.named(name)).at - committed)
        await asyncio.sleep(0.5)
    left = made.left()
    if not left:
        raise RuntimeError("the many jobs ended before the single ones were started")
    await made.all_ended(300)
    detail = f"{_PROBES} jobs, {left:,} others left after the last"
    return at_most(f"one account's job beside another's {_MANY:,}", max(waits), 2.0, "s", detail)
