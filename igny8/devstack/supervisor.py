"""Several processes in one terminal: labelled output, one Ctrl-C for all, and a clear sentence when one ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self, TextIO
from urllib.parse import urlsplit

from igny8.devstack.tether import tied

COLOURS: Final = (36, 32, 35, 34, 33)
LONGEST_LINE: Final = 65_536
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Child:
    """A process to run; `environment` is added to our own."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def say(line: str, screen: TextIO | None = None) -> None:
    """A line of our own, not of a child."""
    screen = screen or sys.stderr
    # A closed terminal must not keep us from stopping the children.
    with suppress(OSError, ValueError):
        screen.write(f"{_painted('igny8 |', 1, screen)} {line}\n")
        screen.flush()


class Server(Protocol):
    """A process that others started and that must not end while the children run."""

    @property
    def name(self) -> str: ...

    @property
    def exit_code(self) -> int | None: ...


@dataclass
class _Running:
    child: Child
    process: asyncio.subprocess.Process
    output: asyncio.Task[None]


class Supervisor:
    """`async with` starts the children in order and stops them in the reverse order.

    The children are in sessions of their own: the terminal's Ctrl-C reaches only us. If we die, the kernel ends them.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        servers: Sequence[Server] = (),
        screen: TextIO | None = None,
        patience: float = 10.0,
    ) -> None:
        self._children = children
        self._servers = servers
        self._screen = screen or sys.stderr
        self._patience = patience
        self._width = max((len(child.name) for child in children), default=0)
        self._running: list[_Running] = []
        self._watching: list[asyncio.Task[None]] = []
        self._over: asyncio.Future[int] = asyncio.Future()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end_asked)
        try:
            for child, colour in zip(self._children, COLOURS * len(self._children), strict=False):
                self._running.append(await self._start(child, colour))
        except BaseException:
            await self._stop()
            raise
        self._watching = [asyncio.create_task(self._watch(running)) for running in self._running]
        self._watching.append(asyncio.create_task(self._watch_servers()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def wait(self) -> int:
        """The exit code, when it is over: 0 after a signal, 1 after a child or a server ended by itself."""
        return await asyncio.shield(self._over)

    async def ready(self, probe: str | Callable[[], Awaitable[bool]], seconds: float = 60.0) -> bool:
        """True when `probe` (an http address that answers 200, or a question) says so; False when it is over before.

        Running out of time is told, and it is over too.
        """
        ask = probe if callable(probe) else lambda: answers(probe)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not self._over.done():
            if await ask():
                return not self._over.done()
            if loop.time() > deadline:
                self._end(1, f"The stack was not ready within {seconds:g} s; what it waits for is above.")
                break
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _start(self, child: Child, colour: int) -> _Running:
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *tied(child.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **child.environment},
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return _Running(child, process, asyncio.create_task(self._show(child.name, colour, reading)))

    async def _show(self, name: str, colour: int, reading: int) -> None:
        """Copy the output line by line, until every process that holds it is gone."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
        )
        label = _painted(f"{name:<{self._width}} |", colour, self._screen)
        rest = b""
        try:
            while chunk := await reader.read(LONGEST_LINE):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) >= LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                self._write(label, lines)
            if rest:
                self._write(label, [rest])
        finally:
            transport.close()

    async def _watch(self, running: _Running) -> None:
        code = await running.process.wait()
        await _finished(running.output)
        self._end(1, f"{running.child.name} {_how(code)}; its last lines are above. Stopping the rest.")

    async def _watch_servers(self) -> None:
        while True:
            for server in self._servers:
                if (code := server.exit_code) is not None:
                    self._end(1, f"{server.name} {_how(code)}. Stopping the rest.")
                    return
            await asyncio.sleep(POLL_SECONDS)

    def _end_asked(self) -> None:
        if not self._over.done():
            self._end(0, "Stopping (once more: at once) ...")
            return
        for running in self._running:
            _kill(running.process.pid)

    def _end(self, code: int, why: str) -> None:
        if not self._over.done():
            say(why, self._screen)
            self._over.set_result(code)

    def _write(self, label: str, lines: Sequence[bytes]) -> None:
        with suppress(OSError, ValueError):
            self._screen.writelines(f"{label} {line.decode(errors='replace').rstrip()}\n" for line in lines)
            self._screen.flush()

    async def _stop(self) -> None:
        for task in self._watching:
            task.cancel()
        for running in reversed(self._running):
            await self._stop_one(running)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    async def _stop_one(self, running: _Running) -> None:
        process = running.process
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), self._patience)
            except TimeoutError:
                say(f"{running.child.name} did not end within {self._patience:g} s and is killed.", self._screen)
        # Whatever the child itself started and left behind.
        _kill(process.pid)
        await process.wait()
        await _finished(running.output)


async def run_children(
    children: Sequence[Child],
    *,
    servers: Sequence[Server] = (),
    ready: str | Callable[[], Awaitable[bool]],
    announce: Callable[[], None],
) -> int:
    """Run the children until one ends or we are told to; `announce` is called when `ready` says so. The exit code."""
    async with Supervisor(children, servers=servers) as supervisor:
        if await supervisor.ready(ready):
            announce()
        return await supervisor.wait()


async def answers(url: str) -> bool:
    """Whether an http address answers 200 at this moment."""
    parts = urlsplit(url)
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                writer.write(request.encode())
                status = await reader.readline()
            finally:
                writer.close()
    except OSError:
        return False
    return status.split()[1:2] == [b"200"]


async def _finished(output: asyncio.Task[None]) -> None:
    """Let the last lines through; a grandchild that holds the output open does not keep us."""
    await asyncio.wait([output], timeout=1)
    output.cancel()


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _how(code: int) -> str:
    return f"ended by itself with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"


def _painted(text: str, colour: int, screen: TextIO) -> str:
    plain = not screen.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{colour}m{text}\x1b[0m"
