"""How many calls to one provider this process makes at once, and whose turn is next."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID


class Turns:
    """At most `most` at once for each provider. Accounts that wait take turns, whatever the number of their calls."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, OrderedDict[UUID, deque[asyncio.Future[None]]]] = {}

    @asynccontextmanager
    async def turn(self, provider: str, account_id: UUID) -> AsyncIterator[None]:
        """One call's place at the provider."""
        if self._taken.get(provider, 0) < self._most:
            self._taken[provider] = self._taken.get(provider, 0) + 1
        else:
            await self._wait(provider, account_id)
        try:
            yield
        finally:
            self._pass_on(provider)

    async def _wait(self, provider: str, account_id: UUID) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(provider, OrderedDict()).setdefault(account_id, deque()).append(place)
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled():
                self._pass_on(provider)
            raise

    def _pass_on(self, provider: str) -> None:
        """Give the place to the next account that waits; an account that was served goes to the end."""
        waiting = self._waiting.get(provider, OrderedDict())
        while waiting:
            account_id, places = waiting.popitem(last=False)
            place = places.popleft()
            if places:
                waiting[account_id] = places
            if not place.done():
                place.set_result(None)
                return
        self._taken[provider] -= 1
