"""A TCP proxy that loses replies: the far side has done what it was asked to, and the asker never hears of it."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

#: Connects a protocol to the far side.
Dial = Callable[[Callable[[], asyncio.Protocol]], Awaitable[Any]]


@dataclass(frozen=True)
class Loss:
    """The next request that contains `mark` is let through, `heard` pieces of its reply too, and no more."""

    mark: bytes
    heard: int = 0


@dataclass
class Lossy:
    """Passes everything on, but for the losses that were asked for."""

    dial: Dial
    port: int = 0
    lost: int = 0
    lines: "weakref.WeakSet[_Line]" = field(default_factory=weakref.WeakSet)
    _asked: list[Loss] = field(default_factory=list)

    def lose(self, *losses: Loss) -> None:
        """Lose a reply for each of these, one after the other, as soon as a request fits."""
        self._asked.extend(losses)

    def forgive(self) -> None:
        """Lose no more."""
        self._asked.clear()

    def loss_of(self, request: bytes) -> Loss | None:
        """What becomes of the reply to this request."""
        if self._asked and self._asked[0].mark in request:
            return self._asked.pop(0)
        return None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Line(self).near, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for line in list(self.lines):
                line.tear()
            await server.wait_closed()


class _Line:
    """One connection through the proxy: the end of the asker and the far one."""

    def __init__(self, proxy: Lossy) -> None:
        self.near, self.far = _End(self, self._asked), _End(self, self._answered)
        self.near.other, self.far.other = self.far, self.near
        self._proxy = proxy
        self._dialling: asyncio.Task[None] | None = None
        self._loss: Loss | None = None
        self._heard = 0
        #: Said while the far side was still being dialled.
        self._early = b""

    def made(self, end: "_End") -> None:
        if end is self.near:
            self._proxy.lines.add(self)
            self._dialling = asyncio.create_task(self._dial())

    def tear(self) -> None:
        for end in (self.near, self.far):
            if end.transport is not None:
                end.transport.abort()

    async def _dial(self) -> None:
        try:
            await self._proxy.dial(lambda: self.far)
        except OSError:
            self.tear()
        else:
            self.far.transport.write(self._early)
            if self.near.transport.is_closing():
                self.tear()

    def _asked(self, chunk: bytes) -> None:
        if self._loss is None:
            self._loss = self._proxy.loss_of(chunk)
        if self.far.transport is None:
            self._early += chunk
        else:
            self.far.transport.write(chunk)

    def _answered(self, chunk: bytes) -> None:
        if self._loss is not None and self._heard == self._loss.heard:
            self._proxy.lost += 1
            self.tear()
            return
        self._heard += self._loss is not None
        self.near.transport.write(chunk)


class _End(asyncio.Protocol):
    """One of the two sockets; when it ends or falls behind, so does the other."""

    transport: Any = None
    other: "_End"

    def __init__(self, line: _Line, take: Callable[[bytes], None]) -> None:
        self._line, self._take = line, take

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._line.made(self)

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or self.other.transport is None:
            self._line.tear()
        else:
            self.other.transport.close()  # once what is still to be sent to it is sent

    def pause_writing(self) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.resume_reading()
