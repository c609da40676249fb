"""How much each caller may ask for in a minute, and how often the public flows may be tried. Redis keeps the counts.

When Redis does not answer, both raise Unavailable: nothing that is counted runs uncounted.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

import redis.exceptions
import structlog
from redis.asyncio import Redis

from igny8.errors import RateLimited, TooComplex, Unavailable

log = structlog.get_logger()

WINDOW: Final = 60  # seconds
#: Each process takes this part of a caller's points at a time and spends it without asking Redis.
BLOCKS_PER_WINDOW: Final = 20
KEPT_LEASES: Final = 10_000
PATIENCE: Final = 1.0  # seconds for an answer of Redis
PAUSE: Final = 1.0  # seconds without another try after a failure
AT_ONCE: Final = 20  # questions to Redis
FREE_FAILURES: Final = 5
LONGEST_WAIT: Final = 900  # seconds
FAILURES_KEPT: Final = 86_400  # seconds

# (window in ms, limit, least, wanted) -> (points granted, points left to others, ms until the window ends).
_LEASE: Final = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local limit, least, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local granted = math.min(wanted, limit - used)
if granted < least then
  return {0, limit - used, redis.call('PTTL', KEYS[1])}
end
redis.call('INCRBY', KEYS[1], granted)
if used == 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return {granted, limit - used - granted, redis.call('PTTL', KEYS[1])}
"""

# (window in ms) -> (how many there were in it, ms until it ends).
_HIT: Final = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return {count, redis.call('PTTL', KEYS[1])}
"""

# (free failures, longest wait in ms, ms until all is forgotten) -> how many there were.
_FAILED: Final = """
local count = redis.call('HINCRBY', KEYS[1], 'count', 1)
local beyond = count - tonumber(ARGV[1])
if beyond >= 0 then
  local time = redis.call('TIME')
  local wait = math.min(1000 * 2 ^ math.min(beyond, 30), tonumber(ARGV[2]))
  redis.call('HSET', KEYS[1], 'until', string.format('%d', time[1] * 1000 + time[2] / 1000 + wait))
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return count
"""

# () -> ms that the next attempt has to wait.
_WAIT: Final = """
local wait = redis.call('HGET', KEYS[1], 'until')
if not wait then
  return 0
end
local time = redis.call('TIME')
return math.floor(math.max(0, wait - time[1] * 1000 - time[2] / 1000))
"""

_FORGET: Final = "return redis.call('DEL', KEYS[1])"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a request cost and what is left until `resets_at` (seconds since 1970).

    `remaining` is exact with one process; with several it does not know what the others spent since this one last
    took points from Redis.
    """

    limit: int
    cost: int
    remaining: int
    resets_at: int


@dataclass(slots=True)
class _Lease:
    """Points of one caller that this process may spend until the window ends (on the monotonic clock)."""

    points: int = 0
    in_redis: int = 0
    ends: float = 0.0
    resets_at: int = 0
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """Points per minute and caller, in windows that begin with a caller's first request.

    A process that ends or forgets a caller takes the unspent rest of a block (a twentieth of the points) with it
    until the window ends.
    """

    def __init__(self, redis: Redis, points_per_minute: int) -> None:
        self._limit = points_per_minute
        self._block = max(1, points_per_minute // BLOCKS_PER_WINDOW)
        self._scripts = _Scripts(redis)
        self._leases: OrderedDict[str, _Lease] = OrderedDict()

    async def spend(self, viewer: str, points: int) -> Allowance:
        """Take `points` from what the viewer has left. Raises RateLimited, Unavailable; TooComplex when no window
        holds as many."""
        if points > self._limit:
            raise TooComplex(f"The query costs {points:,} points; you have {self._limit:,} a minute. Ask for less.")
        lease = self._lease(viewer)
        if not _covers(lease, points):
            async with lease.taking:
                # Whoever waited here may find that the one before took enough for both.
                while not _covers(lease, points):
                    await self._take(lease, viewer, points)
        lease.points -= points
        return Allowance(self._limit, points, lease.points + lease.in_redis, lease.resets_at)

    def _lease(self, viewer: str) -> _Lease:
        lease = self._leases.get(viewer)
        if lease is None:
            lease = self._leases[viewer] = _Lease()
            if len(self._leases) > KEPT_LEASES:
                self._leases.popitem(last=False)
        else:
            self._leases.move_to_end(viewer)
        return lease

    async def _take(self, lease: _Lease, viewer: str, points: int) -> None:
        asked_at = time.monotonic()
        if asked_at >= lease.ends:
            lease.points = 0
        least = max(1, points - lease.points)
        granted, left, ms = await self._scripts.run(
            _LEASE, f"igny8:points:{_digest(viewer)}", WINDOW * 1000, self._limit, least, max(least, self._block)
        )
        ends = asked_at + ms / 1000
        if ends > lease.ends + 1:
            # Redis has begun another window: points of the last one are void.
            lease.points = 0
        lease.points += granted
        lease.in_redis, lease.ends, lease.resets_at = max(0, left), ends, ceil(time.time() + ms / 1000)
        if granted == 0:
            remaining = lease.points + lease.in_redis
            raise _too_often(
                f"This costs {points:,} points and you have {remaining:,} of {self._limit:,} left in this minute.",
                ms,
                limit=self._limit,
                remaining=remaining,
            )


class Throttle:
    """Counts attempts exactly, over all processes. Keys are hashed before they reach Redis."""

    def __init__(self, redis: Redis) -> None:
        self._scripts = _Scripts(redis)

    async def hit(self, key: str, *, most: int, seconds: int) -> None:
        """Count one attempt. Raises RateLimited when it is beyond the `most` of these `seconds`; Unavailable."""
        count, ms = await self._scripts.run(_HIT, f"igny8:hits:{_digest(key)}", seconds * 1000)
        if count > most:
            raise _too_often("There were too many attempts.", ms, limit=most, remaining=0)

    async def failures(self, key: str) -> None:
        """Raises RateLimited while the failures of the key make it wait; Unavailable."""
        ms = await self._scripts.run(_WAIT, _failures_of(key))
        if ms > 0:
            raise _too_often("There were too many failed attempts.", ms)

    async def failed(self, key: str) -> None:
        """Count a failure: from the fifth in a row on, the next attempt waits 1, 2, 4 ... 900 seconds."""
        await self._scripts.run(_FAILED, _failures_of(key), FREE_FAILURES, LONGEST_WAIT * 1000, FAILURES_KEPT * 1000)

    async def succeeded(self, key: str) -> None:
        """Forget the failures."""
        await self._scripts.run(_FORGET, _failures_of(key))


class _Scripts:
    """Runs scripts on one key each. After a failure Redis is left alone for a moment, so that nobody waits for it."""

    def __init__(self, redis: Redis) -> None:
        self._known = {text: redis.register_script(text) for text in (_LEASE, _HIT, _FAILED, _WAIT, _FORGET)}
        self._away_until = 0.0
        # A burst queues up here; the client's pool would refuse it as if Redis were away.
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self, script: str, key: str, *arguments: int) -> Any:
        """The script's answer. Raises Unavailable."""
        async with self._turns:
            if time.monotonic() < self._away_until:
                raise _unavailable()
            try:
                async with asyncio.timeout(PATIENCE):
                    return await self._known[script](keys=[key], args=arguments)
            except (redis.exceptions.RedisError, OSError) as error:
                self._away_until = time.monotonic() + PAUSE
                log.warning("redis unavailable", reason=type(error).__name__)
                raise _unavailable() from error


def _covers(lease: _Lease, points: int) -> bool:
    return lease.points >= points and time.monotonic() < lease.ends


def _failures_of(key: str) -> str:
    return f"igny8:failures:{_digest(key)}"


def _digest(key: str) -> str:
    """Keys name addresses of people, which Redis and its dumps should not hold."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _too_often(said: str, ms: int, **details: int) -> RateLimited:
    seconds = max(1, ceil(ms / 1000))
    unit = "second" if seconds == 1 else "seconds"
    return RateLimited(f"{said} Try again in {seconds} {unit}.", details={**details, "retryAfter": seconds})


def _unavailable() -> Unavailable:
    return Unavailable("The service is not complete at the moment. Try again in a few seconds.")
