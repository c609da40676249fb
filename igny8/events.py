"""News between processes: "look again" and live text, carried by Redis and kept nowhere.

What must not be lost lies in PostgreSQL. A message says that there is more to read there; whoever missed one reads
as soon as it is told that it may have missed some, and every so often without being told.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import redis.exceptions
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from igny8.cancelling import ended

log = structlog.get_logger()

PATIENCE: Final = 1.0  # seconds for an answer of Redis
PAUSE: Final = 1.0  # seconds without another try after a failure
KEPT_MESSAGES: Final = 1_000  # that a listener has not taken yet; older ones are forgotten

_PREFIX: Final = "igny8:"
#: Listened to all the time, so that there is always something to listen to.
_ALWAYS: Final = "always"
_FAULTS: Final = (redis.exceptions.RedisError, OSError, TimeoutError)


class Bus:
    """One connection to publish and one to listen, per process; both are made when they are first needed."""

    def __init__(self, redis_url: str) -> None:
        self._sending = _client(redis_url)
        self._receiving = _client(redis_url)
        self._outgoing: list[tuple[str, bytes]] = []
        self._turn = asyncio.Lock()
        self._away_until = 0.0
        self._listeners: dict[str, set[_Listener]] = {}
        self._pubsub: PubSub | None = None
        self._running: asyncio.Task[None] | None = None

    async def publish(self, topic: str, payload: bytes = b"") -> None:
        """Tell all listeners of the topic, in every process. When Redis is away nobody is told, and nothing raised.

        What is published at the same time goes in one message to Redis, the same news once.
        """
        if time.monotonic() < self._away_until:
            return
        self._outgoing.append((topic, payload))
        async with self._turn:
            batch, self._outgoing = dict.fromkeys(self._outgoing), []
            if batch:
                await self._send(list(batch))

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """What is published to the topic from now on.

        It begins with `b""` ("look again") once Redis has taken note, and says so again after each new connection,
        because messages may have been missed.
        """
        listener = _Listener()
        listeners = self._listeners.setdefault(topic, set())
        listeners.add(listener)
        try:
            if self._running is None:
                self._running = asyncio.create_task(self._listen())
            elif len(listeners) == 1:
                await self._tell_redis(topic, subscribe=True)
            else:
                listener.put(b"")
            yield listener
        finally:
            listeners.discard(listener)
            if not listeners and self._listeners.get(topic) is listeners:
                del self._listeners[topic]
                await self._tell_redis(topic, subscribe=False)

    async def close(self) -> None:
        """Nothing is heard or told any more."""
        if self._running is not None:
            await ended(self._running)
            self._running = None
        for client in (self._sending, self._receiving):
            await client.aclose()

    async def _send(self, batch: list[tuple[str, bytes]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                pipeline = self._sending.pipeline(transaction=False)
                for topic, payload in batch:
                    pipeline.publish(_PREFIX + topic, payload)
                await pipeline.execute()
        except _FAULTS as error:
            if self._away_until == 0.0:
                log.warning("events not published: redis unavailable", reason=type(error).__name__)
            self._away_until = time.monotonic() + PAUSE
        else:
            self._away_until = 0.0

    async def _listen(self) -> None:
        told = False
        while True:
            pubsub = self._receiving.pubsub()
            try:
                await pubsub.subscribe(*(_PREFIX + topic for topic in (_ALWAYS, *self._listeners)))
                self._pubsub = pubsub
                async for message in pubsub.listen():
                    told = False
                    self._take(message["type"], message["channel"], message["data"])
            except _FAULTS as error:
                if not told:
                    log.warning("events not heard: redis unavailable", reason=type(error).__name__)
                    told = True
            finally:
                self._pubsub = None
                with contextlib.suppress(*_FAULTS):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's own
            await asyncio.sleep(PAUSE)

    def _take(self, kind: str, channel: bytes, data: bytes | int) -> None:
        payload = data if kind == "message" and isinstance(data, bytes) else b""
        if kind in ("message", "subscribe"):
            for listener in self._listeners.get(channel.decode().removeprefix(_PREFIX), ()):
                listener.put(payload)

    async def _tell_redis(self, topic: str, *, subscribe: bool) -> None:
        """Change what the open connection listens to; a new one begins with all topics."""
        pubsub = self._pubsub
        if pubsub is None:
            return
        with contextlib.suppress(*_FAULTS):
            await (pubsub.subscribe if subscribe else pubsub.unsubscribe)(_PREFIX + topic)


class _Listener:
    """The messages of one topic that were not taken yet."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque(maxlen=KEPT_MESSAGES)
        self._some = asyncio.Event()

    def put(self, message: bytes) -> None:
        """Keep a message; to look again twice is to look once."""
        if message or not self._messages or self._messages[-1]:
            self._messages.append(message)
            self._some.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await self._some.wait()
        message = self._messages.popleft()
        if not self._messages:
            self._some.clear()
        return message


def _client(url: str) -> Redis:
    client: Redis = Redis.from_url(
        url, max_connections=1, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )
    return client
