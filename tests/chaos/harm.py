"""What goes wrong, at random: all faults are shuffled like cards and dealt, again and again."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from igny8.jobs.claiming import LEASE
from tests.chaos.house import WORKERS, House
from tests.chaos.load import Load
from tests.chaos.lossy import Loss

#: Statements whose reply is lost: the end of a transaction, and whatever comes next.
_STATEMENTS: Final = (b"COMMIT", b"COMMIT", b"")
_MOST_SECONDS_BETWEEN: Final = 3.5

Fault = Callable[[], Awaitable[str]]


@dataclass
class Harm:
    """Each fault tells in a few words what it did."""

    random: Random
    house: House
    load: Load
    tell: Callable[[str], None]
    done: Counter[str] = field(default_factory=Counter)
    _thawing: set[asyncio.Task[None]] = field(default_factory=set)

    async def rage(self, over: asyncio.Event) -> None:
        """One fault after the other, while others last."""
        deck: list[Fault] = []
        while not over.is_set():
            deck = deck or self._deck()
            fault = deck.pop()
            said = await fault()
            self.done[fault.__name__] += 1
            self.tell(f"{fault.__name__.replace('_', ' ')}: {said}")
            await asyncio.sleep(self.random.uniform(0.5, _MOST_SECONDS_BETWEEN))

    def end(self) -> None:
        """All that is frozen thaws, and nothing more is lost."""
        for task in self._thawing:
            task.cancel()
        for program in self.house.programs.values():
            program.signal(signal.SIGCONT)
        self.house.database.forgive()
        self.house.provider.forgive()

    def _deck(self) -> list[Fault]:
        """Each fault once, and before these, which are taken from the end, some of them more often."""
        kinds: list[Fault] = [
            self.kill_worker,
            self.kill_dispatcher,
            self.kill_api,
            self.replace_worker,
            self.freeze_process,
            self.freeze_worker_beyond_its_lease,
            self.flush_redis,
            self.crash_redis,
            self.crash_postgres,
            self.lose_replies_of_postgres,
            self.lose_replies_of_provider,
            self.repeat_hints,
        ]
        more: list[Fault] = [
            self.kill_worker,
            self.kill_worker,
            self.lose_replies_of_postgres,
            self.lose_replies_of_postgres,
            self.lose_replies_of_provider,
            self.repeat_hints,
        ]
        return [*self.random.sample(more, len(more)), *self.random.sample(kinds, len(kinds))]

    async def kill_worker(self) -> str:
        return self._signal(self.random.choice(WORKERS), signal.SIGKILL)

    async def kill_dispatcher(self) -> str:
        return self._signal("dispatcher", signal.SIGKILL)

    async def kill_api(self) -> str:
        return self._signal("api", signal.SIGKILL)

    async def replace_worker(self) -> str:
        """As an operator does."""
        return self._signal(self.random.choice(WORKERS), signal.SIGTERM)

    async def freeze_process(self) -> str:
        name = self.random.choice((*WORKERS, "dispatcher", "api"))
        return self._freeze(name, self.random.uniform(0.5, 4.0))

    async def freeze_worker_beyond_its_lease(self) -> str:
        return self._freeze(self.random.choice(WORKERS), LEASE.total_seconds() + self.random.uniform(2.0, 5.0))

    async def flush_redis(self) -> str:
        try:
            async with Redis.from_url(self.house.servers.redis_url) as redis:
                await redis.flushall()
        except (RedisError, OSError) as error:
            return type(error).__name__
        return "everything is forgotten"

    async def crash_redis(self) -> str:
        await self.house.stores.crash_redis()
        return "it is back"

    async def crash_postgres(self) -> str:
        await self.house.stores.crash_postgres()
        return "it is back"

    async def lose_replies_of_postgres(self) -> str:
        marks = [self.random.choice(_STATEMENTS) for _ in range(self.random.randint(1, 6))]
        self.house.database.lose(*(Loss(mark) for mark in marks))
        return f"{len(marks)}"

    async def lose_replies_of_provider(self) -> str:
        heard = [self.random.choice((0, 0, 1, 3)) for _ in range(self.random.randint(1, 3))]
        self.house.provider.lose(*(Loss(b"POST ", pieces) for pieces in heard))
        return f"{len(heard)}"

    async def repeat_hints(self) -> str:
        await self.load.repeat_hints()
        return "three times each"

    def _signal(self, name: str, number: signal.Signals) -> str:
        self.house.programs[name].signal(number)
        return f"{name} by {number.name}"

    def _freeze(self, name: str, seconds: float) -> str:
        program = self.house.programs[name]
        program.signal(signal.SIGSTOP)

        async def thaw() -> None:
            await asyncio.sleep(seconds)
            program.signal(signal.SIGCONT)

        task = asyncio.create_task(thaw())
        self._thawing.add(task)
        task.add_done_callback(self._thawing.discard)
        return f"{name} for {seconds:.1f} s"
