"""Composition root of the workers: one process that runs jobs, with the broker and the one actor."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import dramatiq
import httpx2
import structlog
from dramatiq.middleware import CurrentMessage
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import (
    outgoing,
    tables,  # noqa: F401  # rows refer to each other: all of them must be declared
)
from igny8.ai.calls import Connection, Provider
from igny8.ai.catalogue import Catalogue
from igny8.ai.providers import engine
from igny8.ai.steps import DailyCaps, Spending, spent_by_everyone
from igny8.cancelling import ended
from igny8.db import Database, LoginRole
from igny8.events import Bus
from igny8.exporting.job import export_records
from igny8.jobs import Queue, Task
from igny8.jobs.ai import Ai
from igny8.jobs.hints import ACTOR, Hints, broker
from igny8.jobs.host import Files, Host
from igny8.jobs.leases import Leases
from igny8.jobs.presence import Process, present
from igny8.jobs.runner import Runner
from igny8.jobs.turns import Turns
from igny8.planner.clustering_job import cluster_keywords
from igny8.planner.idea_job import generate_ideas
from igny8.planner.importing.job import import_keywords
from igny8.secrets import Keyring
from igny8.settings import Settings
from igny8.signed import SignedAddresses
from igny8.storage import Storage
from igny8.system.connections import connection_for
from igny8.system.tables import IntegrationType
from igny8.writer.image_generation_job import generate_images
from igny8.writer.image_prompts_job import generate_image_prompts
from igny8.writer.writing_job import generate_content

log = structlog.get_logger()

#: Everything that workers can do. A new task is added here by hand.
TASKS: Final[tuple[Task[Any], ...]] = (
    import_keywords,
    cluster_keywords,
    generate_ideas,
    generate_content,
    generate_image_prompts,
    generate_images,
    export_records,
)

POOL_SIZES: Final = {LoginRole.APP: 8, LoginRole.SYSTEM: 4}
#: Milliseconds between two looks into an empty queue.
_LOOK_AGAIN: Final = 20
#: One call to a provider, its answer included: seconds and bytes at most.
_CALL_SECONDS: Final = 600
_LARGEST_ANSWER: Final = 30_000_000
_CONNECTIONS: Final = 300
#: Threads that hand over jobs: each hint takes one for well under a millisecond.
_THREADS: Final = 4


async def serve(settings: Settings, tasks: Sequence[Task[Any]] = TASKS) -> None:
    """Run jobs until SIGTERM or SIGINT; then end what can be ended in time, and give back the rest."""
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with working(settings, tasks):
        log.info("worker ready", tasks=[task.kind for task in tasks])
        await over.wait()
        log.info("worker draining")


@asynccontextmanager
async def working(settings: Settings, tasks: Sequence[Task[Any]]) -> AsyncIterator[None]:
    """A worker of this process, which drains at the end of the block."""
    redis_url = settings.redis_url.get_secret_value()
    db = Database(settings, sizes=POOL_SIZES, read_sizes={})
    bus = Bus(redis_url)
    hints = Hints(db, redis_url, bus)
    leases = Leases(settings.database_system_url.get_secret_value(), asyncio.get_running_loop())
    http = outgoing.client(
        settings.outgoing_private, timeout=_CALL_SECONDS, max_bytes=_LARGEST_ANSWER, max_connections=_CONNECTIONS
    )
    turns = Turns(settings.provider_calls_at_once)
    host = Host(db, POOL_SIZES[LoginRole.APP], bus, hints, turns, ai_of(settings, db, http), files_of(settings))
    runner = Runner(host, leases, tasks, at_once=settings.jobs_at_once)
    consumer = _consumer(redis_url, runner)
    await db.open()
    leases.start()
    consumer.start()
    telling = asyncio.create_task(hints.run())
    try:
        async with present(redis_url, Process.WORKER):
            yield
    finally:
        runner.refuse()
        await asyncio.to_thread(consumer.stop, 5_000)
        await runner.drain(settings.drain_seconds)
        await asyncio.to_thread(leases.stop)
        await ended(telling)
        await hints.close()
        await bus.close()
        await http.aclose()
        await db.close()


def ai_of(settings: Settings, db: Database, http: httpx2.AsyncClient) -> Ai:
    """The providers, the keys that accounts use, and the caps on what the server's own keys spend."""
    keyring = Keyring(settings.secrets_keys)

    async def connect(session: AsyncSession, account_id: UUID, provider: Provider) -> Connection:
        kind = IntegrationType(provider.value)
        return await connection_for(session, account_id, kind, keyring=keyring, settings=settings)

    async def spent() -> Decimal:
        async with db.session(LoginRole.SYSTEM) as session:
            return await spent_by_everyone(session)

    caps = DailyCaps(settings.ai_daily_usd_account, settings.ai_daily_usd)
    return Ai(engine(http, Catalogue.load(settings.ai_models)), connect, Spending(caps, spent))


def files_of(settings: Settings) -> Files:
    return Files(Storage(settings.files_url), SignedAddresses(settings.token_key, settings.public_url))


def _consumer(redis_url: str, runner: Runner) -> dramatiq.Worker:
    """The hints that come from Redis, each handed over to the event loop and then forgotten.

    A hint that is lost with this process is found missing by the sweep, so nothing needs to hold it while its job
    runs: a few threads serve any number of jobs.
    """
    hints = broker(redis_url, CurrentMessage())

    def run(account_id: str, job_id: str) -> None:
        if not runner.offer(UUID(account_id), UUID(job_id)) and (hint := CurrentMessage.get_current_message()):
            hints.enqueue(hint)  # for another worker

    dramatiq.actor(actor_name=ACTOR, queue_name=Queue.AI.value, broker=hints)(run)
    for queue in Queue:
        hints.declare_queue(queue.value)
    return dramatiq.Worker(hints, worker_timeout=_LOOK_AGAIN, worker_threads=_THREADS)
