"""What is on its way to one client, and no more than that: whoever does not read is not waited for."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

MOST_FRAMES: Final = 256
MOST_CHARACTERS: Final = 4_000_000
#: For one frame to leave; a client that takes longer does not read.
SEND_SECONDS: Final = 30.0

Send = Callable[[str], Awaitable[None]]


class Outbox:
    """Sends frames one after the other; a task does it while there are any, so that idle clients cost none."""

    def __init__(self, send: Send, broken: Callable[[], None]) -> None:
        """`broken` is called once when a frame could not be sent."""
        self._send, self._broken = send, broken
        self._frames: deque[tuple[str, ...]] = deque()
        self._characters = 0
        self._closed = False
        self._writing: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def full(self) -> bool:
        return len(self._frames) >= MOST_FRAMES or self._characters >= MOST_CHARACTERS

    def put(self, *parts: str) -> None:
        """Send a frame after all others. Its parts are joined when it leaves: many clients may share one of them."""
        if self._closed:
            return
        self._frames.append(parts)
        self._characters += sum(map(len, parts))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def room(self) -> None:
        """Wait until at most half of it is taken."""
        while len(self._frames) > MOST_FRAMES // 2 or self._characters > MOST_CHARACTERS // 2:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting

    async def flushed(self) -> None:
        """Wait until everything has been sent, or cannot be."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        self._frames.clear()
        self._characters = 0
        if self._writing is not None:
            self._writing.cancel()
        self._wake()

    async def _write(self) -> None:
        try:
            while self._frames:
                parts = self._frames.popleft()
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send("".join(parts))
                self._characters -= sum(map(len, parts))
                self._wake()
        except (OSError, TimeoutError, RuntimeError):
            # RuntimeError: the server has closed the connection already.
            self._closed = True
            self._frames.clear()
            self._wake()
            self._broken()
        finally:
            self._writing = None

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
