"""One call for all that was asked for while the last one was busy: the more there is, the less each of it costs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from igny8.jobs.failures import passes

AskedT = TypeVar("AskedT")
AnswerT = TypeVar("AnswerT")

_MOST: Final = 100


class Together(Generic[AskedT, AnswerT]):
    """Calls `act` with everything that waits, one call at a time; whoever asks alone is not kept waiting for others.

    `act` answers in the order of what it was given. What it raises for all of them it is asked again for each, so
    that nobody suffers from another's fault; but an outage is told to all at once.
    """

    def __init__(self, act: Callable[[Sequence[AskedT]], Awaitable[Sequence[AnswerT]]]) -> None:
        self._act = act
        self._waiting: list[tuple[AskedT, asyncio.Future[AnswerT]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, asked: AskedT) -> AnswerT:
        future: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._answer(some)
        finally:
            self._working = None

    async def _answer(self, some: Sequence[tuple[AskedT, asyncio.Future[AnswerT]]]) -> None:
        try:
            answers = await self._act([asked for asked, _ in some])
        except Exception as error:  # it is raised where it was asked for
            if len(some) > 1 and not passes(error):
                for one in some:
                    await self._answer([one])
                return
            for _, future in some:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(some, answers, strict=True):
            if not future.done():
                future.set_result(answer)
