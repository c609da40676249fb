"""Says for all jobs of a process, every 2 s, that they are still being worked on, and hears who shall stop.

A thread with a connection of its own does it, so that a busy event loop costs no job its lease.
"""

import asyncio
import threading
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog

from igny8.jobs.claiming import LEASE
from igny8.jobs.running import Running

log = structlog.get_logger()

BEAT_SECONDS: Final = 2.0
#: A loop that has not turned for so long will hardly end its jobs: others shall have them.
DEAF_SECONDS: Final = 30.0

# A row that is locked is one that its own job is writing to just now: it is left out, and renewed the next time.
_BEAT: Final = """
    WITH mine AS MATERIALIZED (
        SELECT job.account_id, job.id, job.fence, job.cancel_requested
        FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS held (account_id, id, fence)
        JOIN job ON job.account_id = held.account_id AND job.id = held.id AND job.fence = held.fence
        WHERE job.state = 'RUNNING'
    ), free AS (
        SELECT job.account_id, job.id, mine.fence FROM job
        JOIN mine ON job.account_id = mine.account_id AND job.id = mine.id
        FOR NO KEY UPDATE OF job SKIP LOCKED
    ), renewed AS (
        UPDATE job SET lease_until = clock_timestamp() + %s FROM free
        WHERE job.account_id = free.account_id AND job.id = free.id
            AND job.fence = free.fence AND job.state = 'RUNNING'
    )
    SELECT id, cancel_requested FROM mine
"""


class Stop(Enum):
    """Why an attempt is to end before its time."""

    CANCELLED = auto()
    LOST = auto()
    DRAINING = auto()
    TIMED_OUT = auto()


@dataclass(slots=True, eq=False)
class Attempt:
    """An attempt that runs in this process. Everything but the job's claim is the event loop's."""

    job: Running
    work: asyncio.Task[None]
    stopped: Stop | None = None

    def stop(self, why: Stop) -> None:
        """Interrupt the work; call it in the event loop, and again when the work does not listen."""
        if self.stopped is None or why is Stop.LOST:
            self.stopped = why
        self.job.stopping = True
        self.work.cancel()


class Leases:
    """Keeps the leases of what runs here. The connection is the system's role's: jobs are of many accounts."""

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._url, self._loop = url, loop
        self._attempts: dict[UUID, Attempt] = {}
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._turned_at = time.monotonic()
        self._connection: psycopg.Connection[Any] | None = None
        self._told = False
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(BEAT_SECONDS)

    def keep(self, attempt: Attempt) -> None:
        """Renew the lease of an attempt from now on."""
        with self._guard:
            self._attempts[attempt.job.id] = attempt

    def drop(self, attempt: Attempt) -> None:
        with self._guard:
            self._attempts.pop(attempt.job.id, None)

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            self._loop.call_soon_threadsafe(self._turn)
            if time.monotonic() - self._turned_at > DEAF_SECONDS:
                log.critical("leases not renewed: the event loop does not turn")
                continue
            with self._guard:
                attempts = dict(self._attempts)
            if attempts:
                self._beat(attempts)
        if self._connection is not None:
            self._connection.close()

    def _turn(self) -> None:
        self._turned_at = time.monotonic()

    def _beat(self, attempts: dict[UUID, Attempt]) -> None:
        claims = [attempt.job.claim for attempt in attempts.values()]
        held = ([claim.account_id for claim in claims], list(attempts), [claim.fence for claim in claims])
        try:
            connection = self._connected()
            mine: dict[UUID, bool] = dict(connection.execute(_BEAT, (*held, LEASE)).fetchall())
        except psycopg.Error as error:
            if not self._told:
                log.warning("leases not renewed: database unavailable", reason=type(error).__name__)
                self._told = True
            return
        self._told = False
        for job_id, attempt in attempts.items():
            if job_id not in mine:
                self._loop.call_soon_threadsafe(attempt.stop, Stop.LOST)
            elif mine[job_id]:
                self._loop.call_soon_threadsafe(attempt.stop, Stop.CANCELLED)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=2, application_name="igny8 leases"
            )
        return self._connection
