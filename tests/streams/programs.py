"""The clients of `examples/` as programs, and lines to the server that break or stand still."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PATIENCE = 60.0
SMALL_BUFFER = 4_096
EXAMPLES = Path(__file__).parents[2] / "examples"
PYTHON = (sys.executable, str(EXAMPLES / "follow_job.py"))
NODE = ("node", str(EXAMPLES / "follow_job.mjs"))
CLIENTS = pytest.mark.parametrize(
    "command",
    [
        pytest.param(PYTHON, id="python"),
        pytest.param((*PYTHON, "--websocket"), id="python-websocket"),
        pytest.param(NODE, id="node", marks=pytest.mark.node),
    ],
)


@dataclass
class Line:
    """A proxy's connections to the server, of which it cuts the first ones and may let all stand still."""

    far: tuple[str, int]
    #: Bytes of the answer after which the next connection is cut; twice as many after which the one after it is.
    cut_after: int
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        most, self.cut_after = self.cut_after, self.cut_after * 2
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, self.far)
        far, ask = await asyncio.open_connection(sock=made, limit=SMALL_BUFFER)
        both = [asyncio.create_task(_pass_on(near, ask)), asyncio.create_task(self._answer(far, answer, most))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        for writer in (ask, answer):
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        while most > 0 and (chunk := await reader.read(min(most, 65_536))):
            await self.flowing.wait()
            writer.write(chunk)
            await writer.drain()
            most -= len(chunk)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()


@asynccontextmanager
async def line_to(address: str, *, cut_after: int = 2**40) -> AsyncIterator[tuple[str, Line]]:
    """The address of a proxy, and its line."""
    host, _, port = address.removeprefix("http://").partition(":")
    line = Line((host, int(port)), cut_after)
    line.flowing.set()
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    async with server:
        yield "http://{}:{}".format(*server.sockets[0].getsockname()), line


@dataclass
class Program:
    """A client that runs. What it prints is one line for each event, with fields between tabs."""

    process: asyncio.subprocess.Process

    async def line(self) -> list[str]:
        """The next one that it prints."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.readline()).decode().removesuffix("\n").split("\t")

    async def complaint(self) -> str:
        """The next one that it makes."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stderr.readline()).decode()

    async def end(self) -> tuple[int | None, list[list[str]], str]:
        """Exit code, what else it printed, and what else it complained of."""
        async with asyncio.timeout(PATIENCE):
            out, complaints = await self.process.communicate()
        return (
            self.process.returncode,
            [line.split("\t") for line in out.decode().split("\n")[:-1]],
            complaints.decode(),
        )


@asynccontextmanager
async def started(command: tuple[str, ...], *arguments: str, **variables: str) -> AsyncIterator[Program]:
    """The program, with these variables as IGNY8_...; it ends with the block at the latest."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IGNY8_")}
    environment = {**kept, **{f"IGNY8_{name}": value for name, value in variables.items()}}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, env=environment, stdout=pipe, stderr=pipe, limit=2**20
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
