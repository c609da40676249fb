"""Composition root of the dispatcher: what has to happen without anybody asking for it. Several may run."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from igny8 import tables  # noqa: F401  # rows refer to each other: all of them must be declared
from igny8.auth.outbox import Outbox
from igny8.billing.grants import grant_due
from igny8.billing.low_credits import tell_due
from igny8.cancelling import ended
from igny8.db import Database, LoginRole
from igny8.errors import Unavailable
from igny8.events import Bus
from igny8.files import keeping
from igny8.jobs.hints import Hints
from igny8.jobs.presence import Process, present
from igny8.jobs.pruning import prune
from igny8.jobs.sweeping import Sweep
from igny8.secrets import Keyring
from igny8.settings import Settings
from igny8.storage import Storage

log = structlog.get_logger()

POOL_SIZES: Final = {LoginRole.SYSTEM: 3}
SWEEP_SECONDS: Final = 1.0
PRUNE_SECONDS: Final = 60.0
FILES_SECONDS: Final = 10.0
BOOKS_SECONDS: Final = 60.0


async def serve(settings: Settings) -> None:
    """Sweep and prune until SIGTERM or SIGINT, and end what was begun."""
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with dispatching(settings):
        log.info("dispatcher ready")
        await over.wait()


@asynccontextmanager
async def dispatching(settings: Settings) -> AsyncIterator[None]:
    """A dispatcher of this process, until the block ends."""
    redis_url = settings.redis_url.get_secret_value()
    db = Database(settings, sizes=POOL_SIZES, read_sizes={})
    bus = Bus(redis_url)
    hints = Hints(db, redis_url, bus)
    sweep = Sweep(db, hints)
    storage = Storage(settings.files_url)
    outbox = Outbox(Keyring(settings.secrets_keys), settings.public_url)
    over = asyncio.Event()

    async def prune_some() -> None:
        while await prune(db) and not over.is_set():
            pass

    async def prune_files() -> None:
        while await keeping.prune(db, storage) and not over.is_set():
            pass

    async def keep_books() -> None:
        await grant_due(db)
        await tell_due(db, outbox)

    await db.open()
    telling = asyncio.create_task(hints.run())
    try:
        async with present(redis_url, Process.DISPATCHER), asyncio.TaskGroup() as group:
            group.create_task(_every(SWEEP_SECONDS, sweep.once, over))
            group.create_task(_every(PRUNE_SECONDS, prune_some, over))
            group.create_task(_every(FILES_SECONDS, prune_files, over))
            group.create_task(_every(BOOKS_SECONDS, keep_books, over))
            try:
                yield
            finally:
                over.set()
    finally:
        await ended(telling)
        await hints.close()
        await bus.close()
        await db.close()


async def _every(seconds: float, act: Callable[[], Awaitable[None]], over: asyncio.Event) -> None:
    """Act, and again so many seconds later, until it is over. A database that is away is waited for."""
    while not over.is_set():
        try:
            await act()
        except (Unavailable, DBAPIError) as error:
            log.warning("dispatcher waits: database unavailable", reason=type(error).__name__)
        except Exception:  # a bug in one act must not end the others
            log.exception("dispatcher failed", act=act.__name__)
        try:
            async with asyncio.timeout(seconds):
                await over.wait()
        except TimeoutError:
            continue
