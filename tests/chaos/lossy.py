"""A TCP proxy that loses replies: the far side has done what it was asked to, and the asker never hears of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK = 65_536


@dataclass(frozen=True)
class Loss:
    """The next request that contains `mark` is let through, `heard` pieces of its reply too, and no more."""

    mark: bytes
    heard: int = 0


@dataclass
class Lossy:
    """Passes everything on, but for the losses that were asked for."""

    dial: Callable[[], Awaitable[Streams]]
    port: int = 0
    lost: int = 0
    _asked: list[Loss] = field(default_factory=list)
    _lines: set[asyncio.Task[None]] = field(default_factory=set)

    def lose(self, *losses: Loss) -> None:
        """Lose a reply for each of these, one after the other, as soon as a request fits."""
        self._asked.extend(losses)

    def forgive(self) -> None:
        """Lose no more."""
        self._asked.clear()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for line in self._lines:
                line.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._serve(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self.dial()
        except OSError:
            writer.transport.abort()
            return
        line = _Line(self)
        pumps = {
            asyncio.create_task(_pump(reader, far_writer, line.asking)),
            asyncio.create_task(_pump(far_reader, writer, line.replying)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
            for end in (writer, far_writer):
                # What is still to be sent is sent; only a line that lost a reply is torn.
                end.transport.abort() if line.torn else end.close()

    def _next(self, chunk: bytes) -> Loss | None:
        if self._asked and self._asked[0].mark in chunk:
            return self._asked.pop(0)
        return None


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Lossy) -> None:
        self._proxy = proxy
        self._loss: Loss | None = None
        self._heard = 0
        self.torn = False

    def asking(self, chunk: bytes) -> bool:
        if self._loss is None:
            self._loss = self._proxy._next(chunk)
        return True

    def replying(self, chunk: bytes) -> bool:
        """Whether the piece is passed on; with the first that is not, the line ends."""
        if self._loss is None:
            return True
        self._heard += 1
        self.torn = self._heard > self._loss.heard
        self._proxy.lost += self.torn
        return not self.torn


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: Callable[[bytes], bool]) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            if not passes(chunk):
                return
            writer.write(chunk)
            await writer.drain()
