"""A worker dies with a job in its hands: when another one has begun it anew."""

import signal
import time
from contextlib import ExitStack
from typing import Final

import uvloop

from benchmarks.house import House, house
from benchmarks.processes import Process
from benchmarks.rows import Row, at_most
from benchmarks.stack import Stack
from benchmarks.tasks import Named, stay

_MOST_SECONDS: Final = 20.0


def rows(running: Stack, *, rounds: int) -> list[Row]:
    return uvloop.run(_rows(running, rounds))


async def _rows(running: Stack, rounds: int) -> list[Row]:
    async with house(running) as made:
        with made.program("dispatcher"), ExitStack() as programs:
            workers = [programs.enter_context(made.worker())]
            took = []
            for _ in range(rounds):
                workers.append(programs.enter_context(made.worker()))
                took.append(await _crash(made, workers))
        detail = f"the longest of {rounds} crashes"
        return [at_most("worker killed: task entered again", max(took), _MOST_SECONDS, "s", detail)]


async def _crash(made: House, workers: list[Process]) -> float:
    """Kill the one of two workers that has the job; the seconds until the other one has it."""
    name = made.name("stay")
    await made.start(stay, Named(name=name))
    first = await made.stamps.named(f"{name}-1")
    victim = next(worker for worker in workers if worker.pid == first.pid)
    victim.popen.send_signal(signal.SIGKILL)
    victim.popen.wait()
    workers.remove(victim)
    killed = time.monotonic()
    again = await made.stamps.named(f"{name}-2")
    await made.all_ended()
    return again.at - killed
