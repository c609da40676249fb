"""Two hundred calls to a provider that one worker process waits for, and what they cost it in memory."""

import asyncio
import json
import sys
import time
import urllib.request
from typing import Final

import uvloop

from benchmarks.house import House, house
from benchmarks.rows import Row, at_most
from benchmarks.stack import Served, Stack, served
from benchmarks.tasks import Call, ask
from igny8.devstack.providers import SANDBOX_KEY
from igny8.jobs.admission import PLACES

CALLS: Final = 200
#: How long the provider takes, in seconds: long enough for all calls to be there at once.
_SLOW: Final = 15
_MOST_MB: Final = 200.0
#: About as long as the prompt for a cluster of keywords is.
_PROMPT: Final = "Write a title and a short text about gardens in autumn. " * 200


def rows(running: Stack) -> list[Row]:
    words = [sys.executable, "-m", "igny8.devstack.sandbox", "openai", "--port", "{port}"]
    with served("sandbox", words, running.environment, running.folder) as sandbox:
        return uvloop.run(_rows(running, sandbox))


async def _rows(running: Stack, sandbox: Served) -> list[Row]:
    provider = {
        "IGNY8_OPENAI_API_KEY": SANDBOX_KEY,
        "IGNY8_OPENAI_BASE_URL": f"http://127.0.0.1:{sandbox.port}/v1",
        "IGNY8_OUTGOING_PRIVATE": "true",
    }
    async with house(running) as made:
        with made.worker(**provider) as worker, made.program("dispatcher"):
            before = worker.resident_mb()
            await _start(made)
            seen = await _all_in_flight(sandbox)
            waiting = worker.resident_mb()
            await made.all_ended()
            highest = worker.resident_mb(highest=True)
    detail = f"{before:.0f} MB before, {waiting:.0f} MB while {seen} wait"
    return [at_most(f"worker, {CALLS} AI calls in flight, most resident", highest, _MOST_MB, "MB", detail)]


async def _start(made: House) -> None:
    """As many jobs of each account as may run at once."""
    call = Call(model=f"sandbox-text:slow-{_SLOW}", prompt=_PROMPT)
    for owner in made.running.readers[: -(-CALLS // PLACES)]:
        await made.start(ask, *[call] * PLACES, owner=owner)


async def _all_in_flight(sandbox: Served) -> int:
    """Wait until the provider works on all calls at once. Raises RuntimeError when it never does."""
    ends, seen = time.monotonic() + _SLOW, 0
    while time.monotonic() < ends:
        seen = await asyncio.to_thread(_in_flight, sandbox)
        if seen == CALLS:
            return seen
        await asyncio.sleep(0.2)
    raise RuntimeError(f"only {seen} of {CALLS} calls were in flight at once")


def _in_flight(sandbox: Served) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{sandbox.port}/sandbox/calls") as answer:
        return sum(call["state"] == "started" for call in json.load(answer)["calls"])
