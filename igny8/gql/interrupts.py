"""Two ways to end a request from outside: its body does not arrive, or its client hangs up.

Both cost next to nothing for requests that are done before it comes to that, unlike a task of their own.
"""

import asyncio
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

_PATIENCE: Final = 0.1  # seconds; a client that hangs up on a longer request cancels it


class TimeLimit:
    """Cancels what runs inside it after so many seconds, and raises TimeoutError."""

    fault: type[Exception] = TimeoutError

    def __init__(self, seconds: float) -> None:
        self._seconds, self._interrupted = seconds, False

    def __enter__(self) -> None:
        self._running: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]  # a coroutine runs
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._due)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._interrupted:
            self._running.uncancel()
            raise self.fault

    def _due(self) -> None:
        self._interrupt()

    def _interrupt(self) -> None:
        self._interrupted = True
        self._running.cancel()


class UnlessGone(TimeLimit):
    """Cancels what runs inside it when the client hangs up, and raises ClientDisconnect.

    The body must have been read: it begins to listen after a moment, and takes what comes then for the end.
    """

    fault = ClientDisconnect

    def __init__(self, receive: Receive) -> None:
        super().__init__(_PATIENCE)
        self._receive = receive
        self._listening: asyncio.Task[None] | None = None

    def __exit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
        super().__exit__()

    def _due(self) -> None:
        self._listening = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._interrupt()
