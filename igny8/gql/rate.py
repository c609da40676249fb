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
from redis.commands.core import AsyncScript

from igny8.errors import RateLimited, TooComplex, Unavailable

log = structlog.get_logger()

WINDOW: Final = 60  # seconds
#: Each process takes this part of a caller's points at a time and spends it without asking Redis.
BLOCKS_PER_WINDOW: Final = 20
KEPT_LEASES: Final = 10_000
PATIENCE: Final = 0.5  # seconds for an answer of Redis
PAUSE: Final = 1.0  # seconds without another try after a failure
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
_AWAY: Final = "The service is not complete at the moment. Try again in a few seconds."


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
        self._redis, self._script = _Redis(), redis.register_script(_LEASE)
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
        granted, left, ms = await self._redis.run(
            self._script,
            f"igny8:points:{_digest(viewer)}",
            *(WINDOW * 1000, self._limit, least, max(least, self._block)),
        )
        ends = asked_at + ms / 1000
        if ends > lease.ends + 1:
            # Redis has begun another window; points of the last one are void.
            lease.points = 0
        lease.points += granted
        lease.in_redis, lease.ends, lease.resets_at = max(0, left), ends, ceil(time.time() + ms / 1000)
        if granted == 0:
            remaining = lease.points + lease.in_redis
            raise RateLimited(
                f"You have used up your points of this minute: this costs {points:,} and {remaining:,} of "
                f"{self._limit:,} are left. {_later(ms)}",
                details={"limit": self._limit, "remaining": remaining, "retryAfter": _seconds(ms)},
            )


class Throttle:
    """Counts attempts at things that nobody does often. Keys are stored as digests: they may hold an address."""

    def __init__(self, redis: Redis) -> None:
        self._redis = _Redis()
        self._hit, self._failed = redis.register_script(_HIT), redis.register_script(_FAILED)
        self._wait, self._forget = redis.register_script(_WAIT), redis.register_script(_FORGET)

    async def hit(self, key: str, *, most: int, seconds: int) -> None:
        """Count an attempt. Raises RateLimited when there were more than `most` within `seconds`; Unavailable."""
        count, ms = await self._redis.run(self._hit, f"igny8:tries:{_digest(key)}", seconds * 1000)
        if count > most:
            raise RateLimited(
                f"There were too many attempts. {_later(ms)}",
                details={"limit": most, "remaining": 0, "retryAfter": _seconds(ms)},
            )

    async def failures(self, key: str) -> None:
        """Raises RateLimited while the wait after the last failure lasts; Unavailable."""
        ms = await self._redis.run(self._wait, _failures(key))
        if ms > 0:
            raise RateLimited(
                f"There were too many failed attempts. {_later(ms)}", details={"retryAfter": _seconds(ms)}
            )

    async def failed(self, key: str) -> None:
        """Count a failure: the fifth makes the next attempt wait 1 s, each further one twice as long as before, at
        most 15 minutes. A day without failures forgets them. Raises Unavailable."""
        limits = (FREE_FAILURES, LONGEST_WAIT * 1000, FAILURES_KEPT * 1000)
        await self._redis.run(self._failed, _failures(key), *limits)

    async def succeeded(self, key: str) -> None:
        """Forget the failures. Raises Unavailable."""
        await self._redis.run(self._forget, _failures(key))


class _Redis:
    """Runs scripts; after a failure it fails at once for a second instead of letting every request wait."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    async def run(self, script: AsyncScript, key: str, *arguments: int) -> Any:
        """What the script answers. Raises Unavailable."""
        if time.monotonic() < self._silent_until:
            raise Unavailable(_AWAY)
        try:
            async with asyncio.timeout(PATIENCE):
                return await script(keys=[key], args=arguments)
        except (redis.exceptions.RedisError, OSError) as error:
            self._silent_until = time.monotonic() + PAUSE
            log.warning("redis unavailable", reason=type(error).__name__)
            raise Unavailable(_AWAY) from error


def _covers(lease: _Lease, points: int) -> bool:
    return lease.points >= points and time.monotonic() < lease.ends


def _failures(key: str) -> str:
    return f"igny8:failures:{_digest(key)}"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _seconds(ms: int) -> int:
    return max(1, ceil(ms / 1000))


def _later(ms: int) -> str:
    seconds = _seconds(ms)
    return f"Try again in {seconds} second{'' if seconds == 1 else 's'}."
