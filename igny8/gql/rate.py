# STAND-IN by the lead so that the rest can run: helper 2 overwrites this file.
from dataclasses import dataclass


@dataclass
class Allowance:
    limit: int
    cost: int
    remaining: int
    resets_at: int


class RateLimiter:
    def __init__(self, redis, points):
        self.points = points

    async def spend(self, viewer, points):
        return Allowance(self.points, points, self.points, 0)


class Throttle:
    def __init__(self, redis):
        pass

    async def hit(self, key, *, most, seconds):
        pass

    async def failures(self, key):
        pass

    async def failed(self, key):
        pass

    async def succeeded(self, key):
        pass
