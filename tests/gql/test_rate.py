"""Points per minute and attempts at public flows, counted in a real Redis by as many processes as like to."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from igny8.errors import RateLimited, TooComplex, Unavailable
from igny8.gql import rate
from igny8.gql.rate import RateLimiter, Throttle

pytestmark = pytest.mark.anyio


@pytest.fixture
def number(worker_id: str) -> int:
    """Of a Redis database that no other test uses at the same time."""
    return 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 1


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        await client.flushdb()
        yield client


@pytest.fixture
def viewer() -> str:
    return f"user:{uuid4()}"


async def end_in(redis: Redis, ms: int) -> None:
    """Let Redis forget its counts soon, as if most of the minute had passed."""
    for key in await redis.keys():
        await redis.pexpire(key, ms)


# Points


async def test_one_process_spends_exactly_the_points_of_a_minute(redis: Redis, viewer: str) -> None:
    limiter = RateLimiter(redis, 100)
    spent = [await limiter.spend(viewer, 7) for _ in range(14)]
    assert [allowance.remaining for allowance in spent] == [100 - 7 * n for n in range(1, 15)]
    assert {(allowance.limit, allowance.cost) for allowance in spent} == {(100, 7)}
    with pytest.raises(RateLimited) as caught:
        await limiter.spend(viewer, 3)
    seconds = caught.value.details["retryAfter"]
    assert caught.value.details == {"limit": 100, "remaining": 2, "retryAfter": seconds}
    assert caught.value.message == (
        f"This costs 3 points and you have 2 of 100 left in this minute. Try again in {seconds} seconds."
    )
    assert isinstance(seconds, int)
    assert 50 < seconds <= 60
    assert (await limiter.spend(viewer, 2)).remaining == 0


async def test_the_window_ends_a_minute_after_its_first_request(redis: Redis, viewer: str) -> None:
    allowance = await RateLimiter(redis, 100).spend(viewer, 1)
    assert abs(allowance.resets_at - ceil(time.time() + 60)) <= 2


async def test_several_processes_never_grant_more_than_the_limit(redis: Redis, viewer: str) -> None:
    limiters = [RateLimiter(redis, 1_000) for _ in range(7)]

    async def spend_all(limiter: RateLimiter) -> int:
        spent = 0
        try:
            while True:
                spent += (await limiter.spend(viewer, 3)).cost
        except RateLimited:
            return spent

    granted = sum(await asyncio.gather(*(spend_all(limiter) for limiter in limiters)))
    # What is left is less than the cost of one request in each process.
    assert 1_000 - 7 * 3 < granted <= 1_000


async def test_a_hundred_requests_at_once_take_one_block_together(redis: Redis, viewer: str) -> None:
    limiter = RateLimiter(redis, 10_000)
    spent = await asyncio.gather(*(limiter.spend(viewer, 5) for _ in range(100)))
    assert sorted(allowance.remaining for allowance in spent) == [10_000 - 5 * n for n in range(100, 0, -1)]
    (key,) = await redis.keys()
    assert await redis.get(key) == b"500"


async def test_many_callers_at_once_are_not_taken_for_a_redis_that_is_away(redis: Redis) -> None:
    limiter = RateLimiter(redis, 100)
    spent = await asyncio.gather(*(limiter.spend(f"address:{uuid4()}", 1) for _ in range(300)))
    assert {allowance.remaining for allowance in spent} == {99}


async def test_callers_do_not_share_their_points(redis: Redis, viewer: str) -> None:
    limiter = RateLimiter(redis, 10)
    assert (await limiter.spend(viewer, 10)).remaining == 0
    assert (await limiter.spend(f"{viewer}0", 10)).remaining == 0


async def test_a_request_dearer_than_a_minute_is_too_complex(redis: Redis, viewer: str) -> None:
    limiter = RateLimiter(redis, 100)
    with pytest.raises(TooComplex) as caught:
        await limiter.spend(viewer, 101)
    assert caught.value.message == "The query costs 101 points; you have 100 a minute. Ask for less."
    assert (await limiter.spend(viewer, 100)).remaining == 0


async def test_a_new_window_brings_all_points_and_voids_those_of_the_last(redis: Redis, viewer: str) -> None:
    limiter = RateLimiter(redis, 100)
    await limiter.spend(viewer, 5)
    await end_in(redis, 200)
    assert (await limiter.spend(viewer, 1)).remaining == 94
    await asyncio.sleep(0.25)
    assert (await limiter.spend(viewer, 1)).remaining == 99


async def test_a_redis_that_lost_its_counts_begins_another_window(redis: Redis, viewer: str) -> None:
    limiter = RateLimiter(redis, 100)
    await limiter.spend(viewer, 3)
    await redis.flushdb()
    await asyncio.sleep(1.1)
    assert (await limiter.spend(viewer, 60)).remaining == 40


async def test_a_forgotten_caller_loses_no_more_than_a_block(redis: Redis, viewer: str) -> None:
    limiter = RateLimiter(redis, 100)
    await limiter.spend(viewer, 1)
    for _ in range(rate.KEPT_LEASES // 500):
        await asyncio.gather(*(limiter.spend(f"address:{uuid4()}", 1) for _ in range(500)))
    assert (await limiter.spend(viewer, 1)).remaining == 100 - 5 - 1


# Attempts


async def test_the_attempt_beyond_the_most_is_refused_until_the_window_ends(redis: Redis, viewer: str) -> None:
    processes = [Throttle(redis), Throttle(redis)]
    for number in range(4):
        await processes[number % 2].hit(viewer, most=4, seconds=60)
    for throttle in processes:
        with pytest.raises(RateLimited) as caught:
            await throttle.hit(viewer, most=4, seconds=60)
        assert caught.value.message == "There were too many attempts. Try again in 60 seconds."
        assert caught.value.details == {"limit": 4, "remaining": 0, "retryAfter": 60}
    await end_in(redis, 0)
    await processes[0].hit(viewer, most=4, seconds=60)


async def test_of_a_hundred_attempts_at_once_no_more_than_the_most_pass(redis: Redis, viewer: str) -> None:
    throttle = Throttle(redis)
    tried = await asyncio.gather(
        *(throttle.hit(viewer, most=20, seconds=60) for _ in range(100)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in tried) == 20
    assert sum(isinstance(outcome, RateLimited) for outcome in tried) == 80


async def test_each_failure_from_the_fifth_on_doubles_the_wait(redis: Redis, viewer: str) -> None:
    throttle = Throttle(redis)
    waits = []
    for _ in range(18):
        await throttle.failed(viewer)
        try:
            await throttle.failures(viewer)
        except RateLimited as error:
            waits.append(error.details["retryAfter"])
        else:
            waits.append(0)
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


async def test_a_wait_ends_and_a_success_forgets_the_failures(redis: Redis, viewer: str) -> None:
    throttle = Throttle(redis)
    for _ in range(5):
        await throttle.failed(viewer)
    with pytest.raises(RateLimited) as caught:
        await throttle.failures(viewer)
    assert caught.value.message == "There were too many failed attempts. Try again in 1 second."
    await asyncio.sleep(1.05)
    await throttle.failures(viewer)
    await throttle.failed(viewer)
    with pytest.raises(RateLimited):
        await throttle.failures(viewer)
    await throttle.succeeded(viewer)
    await throttle.failures(viewer)
    await throttle.failed(viewer)
    await throttle.failures(viewer)


async def test_redis_holds_no_name_that_it_was_given_and_forgets_everything(redis: Redis) -> None:
    secret = f"anna-{uuid4()}@example.com"
    await RateLimiter(redis, 100).spend(secret, 1)
    throttle = Throttle(redis)
    await throttle.hit(secret, most=1, seconds=60)
    await throttle.failed(secret)
    written: list[bytes] = [key async for key in redis.scan_iter()]
    assert sorted(key.rpartition(b":")[0] for key in written) == [
        b"igny8:failures",
        b"igny8:hits",
        b"igny8:points",
    ]
    assert not [key for key in written if b"@" in key or b"anna" in key]
    assert all([0 < await redis.pttl(key) <= 86_400_000 for key in written])


# Redis away


class Door:
    """A way to Redis that can be shut and opened again, and counts who comes."""

    def __init__(self, redis_url: str, path: Path) -> None:
        self.url, self.visitors = f"unix://{path}", 0
        self._redis, self._path = urlsplit(redis_url), path
        self._tasks: set[asyncio.Task[None]] = set()
        self.silent = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_unix_server(self._visit, self._path)
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._path.unlink(missing_ok=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visitors += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.silent:
                await asyncio.sleep(60)
            if self._redis.scheme == "unix":
                there = await asyncio.open_unix_connection(self._redis.path)
            else:
                there = await asyncio.open_connection(self._redis.hostname, self._redis.port)
            try:
                await asyncio.gather(_pipe(reader, there[1]), _pipe(there[0], writer))
            finally:
                there[1].close()
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def door(redis_url: str, tmp_path: Path) -> Door:
    return Door(redis_url, tmp_path / "d.sock")


@pytest.fixture
async def behind_door(door: Door, number: int) -> AsyncIterator[Redis]:
    async with Redis.from_url(door.url, db=number, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
        yield client


async def test_nothing_uncounted_runs_while_redis_is_away_and_all_is_well_once_it_is_back(
    behind_door: Redis, door: Door, viewer: str
) -> None:
    limiter, throttle = RateLimiter(behind_door, 100), Throttle(behind_door)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await limiter.spend(viewer, 1)
        assert caught.value.message == "The service is not complete at the moment. Try again in a few seconds."
        with pytest.raises(Unavailable):
            await throttle.hit(viewer, most=1, seconds=60)
    async with door.open():
        with pytest.raises(Unavailable):
            await limiter.spend(viewer, 1)
        assert door.visitors == 0
        await asyncio.sleep(rate.PAUSE + 0.05)
        assert (await limiter.spend(viewer, 1)).remaining == 99
        await throttle.hit(viewer, most=1, seconds=60)
    # What was taken before is spent all the same.
    assert (await limiter.spend(viewer, 4)).remaining == 95
    with pytest.raises(Unavailable):
        await limiter.spend(viewer, 1)
    await asyncio.sleep(rate.PAUSE + 0.05)
    async with door.open():
        assert (await limiter.spend(viewer, 1)).remaining == 94


async def test_a_redis_that_does_not_answer_is_asked_once_a_second(
    behind_door: Redis, door: Door, viewer: str
) -> None:
    limiter = RateLimiter(behind_door, 100)
    door.silent = True
    async with door.open():
        outcomes = await asyncio.gather(
            *(limiter.spend(f"{viewer}{number}", 1) for number in range(60)), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        asked = door.visitors
        with pytest.raises(Unavailable):
            await limiter.spend(viewer, 1)
        assert door.visitors == asked <= rate.AT_ONCE
