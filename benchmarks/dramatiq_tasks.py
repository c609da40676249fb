"""The yardstick Dramatiq as it comes, with its broker for Redis: `python -m dramatiq benchmarks.dramatiq_tasks`."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.stamps import stamp

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS_URL"]))


@dramatiq.actor
def enter(name: str) -> None:
    stamp(name)
