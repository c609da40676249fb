"""News between processes, over a Redis that may be stopped."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis.asyncio import Redis

from igny8.devstack.embedded import EmbeddedRedis
from igny8.events import KEPT_MESSAGES, Bus
from tests.support.servers import fleeting_servers

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def own_redis() -> Iterator[EmbeddedRedis]:
    with TemporaryDirectory(prefix="igny8-bus-") as folder:
        _, redis = fleeting_servers(Path(folder))
        redis.start()
        yield redis
        redis.stop()


@asynccontextmanager
async def bus_at(url: str) -> AsyncIterator[Bus]:
    bus = Bus(url)
    try:
        yield bus
    finally:
        await bus.close()


async def next_of(messages: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(10):
        return await anext(messages)


async def test_every_process_hears_what_one_publishes(own_redis: EmbeddedRedis) -> None:
    async with bus_at(own_redis.url) as one, bus_at(own_redis.url) as other, other.listen("text:1") as heard:
        assert await next_of(heard) == b""
        await one.publish("text:2", b"not for us")
        await one.publish("text:1", b"a")
        await one.publish("text:1", b"b")
        assert [await next_of(heard), await next_of(heard)] == [b"a", b"b"]


async def test_a_second_listener_is_told_to_look_and_then_hears_the_same(own_redis: EmbeddedRedis) -> None:
    async with bus_at(own_redis.url) as bus, bus.listen("text:1") as first:
        assert await next_of(first) == b""
        async with bus.listen("text:1") as second:
            assert await next_of(second) == b""
            await bus.publish("text:1", b"a")
            assert [await next_of(first), await next_of(second)] == [b"a", b"a"]
        await bus.publish("text:1", b"b")
        assert await next_of(first) == b"b"


async def test_the_same_news_at_the_same_time_is_told_once(own_redis: EmbeddedRedis) -> None:
    async with bus_at(own_redis.url) as bus, bus.listen("jobs:1") as heard:
        assert await next_of(heard) == b""
        await asyncio.gather(*(bus.publish("jobs:1") for _ in range(50)))
        await bus.publish("jobs:1", b"end")
        messages = [await next_of(heard)]
        while messages[-1] != b"end":
            messages.append(await next_of(heard))
        assert len(messages) <= 4


async def test_a_listener_that_takes_nothing_keeps_the_newest(own_redis: EmbeddedRedis) -> None:
    async with bus_at(own_redis.url) as bus, bus.listen("text:1") as idle, bus.listen("text:1") as heard:
        for number in range(KEPT_MESSAGES + 10):
            await bus.publish("text:1", b"%d" % number)
        while await next_of(heard) != b"%d" % (KEPT_MESSAGES + 9):
            pass
        assert await next_of(idle) == b"10"


async def test_many_listeners_share_one_connection(own_redis: EmbeddedRedis) -> None:
    probe: Redis = Redis.from_url(own_redis.url)
    before = len(await probe.client_list())
    async with bus_at(own_redis.url) as bus:
        listening = [bus.listen(f"jobs:{number}") for number in range(50)]
        for one in listening:
            assert await next_of(await one.__aenter__()) == b""
        await asyncio.gather(*(bus.publish(f"jobs:{number}") for number in range(50)))
        assert len(await probe.client_list()) == before + 2
        for one in listening:
            await one.__aexit__(None, None, None)
        assert await probe.pubsub_channels("igny8:jobs:*") == []
    await probe.aclose()


async def test_after_a_restart_of_redis_listeners_look_again_and_hear_again(own_redis: EmbeddedRedis) -> None:
    async with bus_at(own_redis.url) as bus, bus.listen("jobs:1") as heard:
        assert await next_of(heard) == b""
        own_redis.stop()
        await bus.publish("jobs:1", b"lost")
        own_redis.start()
        assert await next_of(heard) == b""
        told = asyncio.create_task(next_of(heard))
        while not told.done():
            await bus.publish("jobs:1", b"found")
            await asyncio.sleep(0.1)
        assert await told == b"found"
