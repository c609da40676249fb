"""Several processes in one terminal: labelled output, one Ctrl-C, and a clear sentence when one of them ends."""

import asyncio
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from igny8.devstack.embedded import ends_with_its_parent

STOP_SECONDS: Final = 15.0
READY_SECONDS: Final = 60.0
_COLOURS: Final = (36, 35, 33, 32, 34)


@dataclass(frozen=True, slots=True)
class Child:
    """A process to run: what its lines are labelled with, its command and whole environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


class PortTaken(Exception):
    """Another program listens where we want to; the message says what to do."""


def refuse_taken_port(host: str, port: int) -> None:
    """Raise PortTaken when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortTaken(
                f"Port {port} is in use by another program: stop it, or choose another with --port."
            ) from None


async def run(children: Sequence[Child], *, ready_url: str, banner: str) -> int:
    """Run the children until Ctrl-C or until one ends; the exit code of all of it.

    `banner` is printed once `ready_url` answers 200. Children stop in reverse order.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stopping.set)
    width = max(len(child.name) for child in children)
    started = [await _Running.start(child, width, colour) for child, colour in zip(children, _COLOURS, strict=False)]
    told = asyncio.create_task(_tell_when_ready(ready_url, banner))
    ends = {asyncio.create_task(one.process.wait()): one for one in started}
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({stop, *ends}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    ended = [one for task, one in ends.items() if task.done()]
    for one in ended if not stopping.is_set() else []:
        say(f"{one.child.name} {_how(one.process.returncode)}; its last lines are above. Everything is stopped.")
    for one in reversed(started):
        await one.stop()
    stop.cancel()
    return 0 if stopping.is_set() else 1


def say(line: str) -> None:
    """A line of the supervisor's own."""
    print(_label("igny8", 5, 1) + line, file=sys.stderr, flush=True)  # noqa: T201  # a terminal program


class _Running:
    def __init__(self, child: Child, process: asyncio.subprocess.Process, label: str) -> None:
        self.child, self.process, self._label = child, process, label
        self._copying = asyncio.create_task(self._copy())

    @classmethod
    async def start(cls, child: Child, width: int, colour: int) -> "_Running":
        process = await asyncio.create_subprocess_exec(
            *child.command,
            env={**child.environment, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # A session of its own: the terminal's Ctrl-C reaches the supervisor alone, which stops all in order.
            start_new_session=True,
            preexec_fn=ends_with_its_parent(signal.SIGTERM),
            limit=1_000_000,
        )
        return cls(child, process, _label(child.name, width, colour))

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                say(f"{self.child.name} did not stop within {STOP_SECONDS:.0f} s and was killed.")
                self.process.kill()
                await self.process.wait()
        await self._copying

    async def _copy(self) -> None:
        stream = self.process.stdout
        while stream is not None and (line := await stream.readline()):
            sys.stderr.write(self._label + line.decode(errors="replace"))
            sys.stderr.flush()


def _label(name: str, width: int, colour: int) -> str:
    text = f"{name:<{width}} | "
    return f"\033[{colour}m{text}\033[0m" if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else text


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended by itself with exit code {code}"


async def _tell_when_ready(url: str, banner: str) -> None:
    begun = time.monotonic()
    await asyncio.to_thread(wait_for, url)
    for line in banner.splitlines():
        say(line)
    say(f"Ready after {time.monotonic() - begun:.1f} s. Ctrl-C stops everything.")


def wait_for(url: str, *, seconds: float = READY_SECONDS) -> bool:
    """Wait until the address answers 200; False when it does not in time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if answers(url):
            return True
        time.sleep(0.1)
    return False


def answers(url: str) -> bool:
    """Whether the address answers 200 at this moment."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  # our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
