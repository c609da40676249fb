"""An article while it is written: clean at every moment, as whoever watches will show it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from igny8.jobs import Item, Running
from igny8.writer import markup

#: Seconds between two looks at a text that grows; models write faster than people read.
_PAUSE: Final = 0.05


class LiveArticle:
    """The draft of one item, kept equal to the cleaned HTML of what a model has written so far."""

    def __init__(self, job: Running, item: Item) -> None:
        self._job, self._item = job, item
        self._raw = self._shown = ""
        self._grown, self._over = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Show what `tell` hears until the block ends. Raises Superseded."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._show())
            try:
                yield
            finally:
                # Told, and not cancelled: a library that swallows a cancellation would leave it waiting for ever.
                self._over.set()
                self._grown.set()

    def tell(self, raw: str) -> None:
        """Take the whole text so far."""
        self._raw = raw
        self._grown.set()

    async def settle(self, html: str) -> None:
        """Show the finished text. Raises Superseded."""
        if html != self._shown:
            same = _shared(self._shown, html)
            await self._job.text(self._item, same, html[same:])
            self._shown = html

    async def _show(self) -> None:
        while not self._over.is_set():
            await self._grown.wait()
            self._grown.clear()
            await self.settle(markup.cleaned(self._raw))
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await self._over.wait()


def _shared(one: str, other: str) -> int:
    """How many characters both texts begin with; they are long and mostly the same, so halves are compared."""
    shared, most = 0, min(len(one), len(other))
    while shared < most:
        middle = (shared + most + 1) // 2
        if one[shared:middle] == other[shared:middle]:
            shared = middle
        else:
            most = middle - 1
    return shared
