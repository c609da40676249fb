"""Runs jobs in one event loop: claims them, works on them, and ends each attempt in one way or another."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.errors import Unavailable
from igny8.jobs.claiming import Claimed, claim
from igny8.jobs.ending import Claim, Outcome, Verdict, finish, put_back, succeed
from igny8.jobs.failures import Cancelled, Error, JobFailure, Superseded, cause_of, failure_of, passes
from igny8.jobs.host import Host
from igny8.jobs.leases import Attempt, Leases, Stop
from igny8.jobs.running import Running
from igny8.jobs.tables import JobErrorCode
from igny8.jobs.tasks import Task
from igny8.jobs.together import Together

log = structlog.get_logger()

#: Seconds before the second, third ... attempt.
PAUSES: Final = (2.0, 10.0, 30.0)
#: How long an attempt's end is tried to be written; then its lease is over anyway, and another worker's business.
_PERSISTENCE: Final = 30
#: How often work that does not listen is told to stop, a second each.
_WARNINGS: Final = 30
#: Seconds for work to notice that its worker ends.
_GIVING_BACK: Final = 5.0


class Runner:
    """At most `at_once` jobs of the given tasks. Threads offer jobs; everything else happens in the event loop."""

    def __init__(self, host: Host, leases: Leases, tasks: Sequence[Task[Any]], *, at_once: int) -> None:
        self._host, self._leases = host, leases
        self._tasks = {task.kind: task for task in tasks}
        self._loop = asyncio.get_running_loop()
        self._places = threading.Semaphore(at_once)
        self._draining = threading.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._attempts: set[Attempt] = set()
        self._claiming, self._ending = Together(self._claim), Together(self._succeed)

    def offer(self, account_id: UUID, job_id: UUID) -> bool:
        """Run the job; False when this worker takes no more. It waits for a place: for threads, not for the loop."""
        while not self._draining.is_set():
            if self._places.acquire(timeout=0.2):
                self._loop.call_soon_threadsafe(self._begin, account_id, job_id)
                return True
        return False

    def refuse(self) -> None:
        """Take no more from now on; another worker shall have what is offered."""
        self._draining.set()

    async def drain(self, seconds: float) -> None:
        """Let what runs end in so many seconds, and give the rest back to be run elsewhere."""
        await asyncio.sleep(0)  # what a thread handed over just now has to begin first
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for attempt in self._attempts:
            attempt.stop(Stop.DRAINING)
        if self._running:
            await asyncio.wait(self._running, timeout=_GIVING_BACK)

    def _begin(self, account_id: UUID, job_id: UUID) -> None:
        running = self._loop.create_task(self._run(account_id, job_id))
        self._running.add(running)
        running.add_done_callback(self._over)

    def _over(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        self._places.release()

    async def _run(self, account_id: UUID, job_id: UUID) -> None:
        try:
            claimed = await self._claiming.ask((account_id, job_id))
            if claimed is not None:
                await self._attempt(claimed)
        except Exception as error:
            # Not claimed: the sweep sends another hint. Not ended: the lease ends, and the job is run again.
            if passes(error):
                reason = type(error).__name__
                log.warning("job left to others: database unavailable", job_id=str(job_id), reason=reason)
            else:
                log.exception("job left to others", job_id=str(job_id))

    async def _claim(self, wanted: Sequence[tuple[UUID, UUID]]) -> list[Claimed | None]:
        async with self._host.across() as session:
            return await claim(session, wanted, self._tasks)

    async def _succeed(self, ended: Sequence[tuple[Claim, Outcome | None]]) -> list[bool]:
        async with self._host.across() as session:
            return await succeed(session, ended)

    async def _attempt(self, claimed: Claimed) -> None:
        job, task = Running(self._host, claimed), self._tasks[claimed.kind]
        attempt = Attempt(job, self._loop.create_task(task.run(job, claimed.arguments)))
        self._attempts.add(attempt)
        self._leases.keep(attempt)
        try:
            await asyncio.wait({attempt.work}, timeout=task.time_limit)
            if not attempt.work.done():
                attempt.stop(Stop.TIMED_OUT)
            await _listened(attempt)
            await self._conclude(job, attempt, task)
        finally:
            self._leases.drop(attempt)
            self._attempts.discard(attempt)

    async def _conclude(self, job: Running, attempt: Attempt, task: Task[Any]) -> None:
        error, stopped = _raised(attempt.work), attempt.stopped
        if stopped is Stop.LOST or isinstance(error, Superseded):
            log.warning("job lost: its lease had ended", job_id=str(job.id), attempt=job.attempt)
        elif error is None:
            await self._end_work(job)
        elif stopped is Stop.CANCELLED:
            await self._finish(job, Verdict(cancelled=True, outcome=job.outcome))
        elif stopped is Stop.DRAINING:
            await self._put_back(job, 0.0, "The worker is being replaced; another one goes on.", counted=False)
        elif stopped is Stop.TIMED_OUT:
            said = f"The work took longer than {task.time_limit:g} seconds."
            await self._fail(job, JobFailure(JobErrorCode.TIMEOUT, said, retryable=True))
        else:
            await self._fail(job, failure_of(error))

    async def _end_work(self, job: Running) -> None:
        """The function has returned: all is done that could be done in this attempt."""
        if not job.passing_failures:
            if job.items_total or job.claim.credits_held or not await self._succeeded(job):
                await self._finish(job, Verdict(outcome=job.outcome))
            return
        waits = max(failure.retry_after or 0.0 for failure in job.passing_failures)
        await self._try_again(job, job.passing_failures[0], waits)

    async def _fail(self, job: Running, failure: JobFailure) -> None:
        if failure.retryable and job.attempt < job.max_attempts:
            await self._try_again(job, failure, failure.retry_after or 0.0)
        else:
            await self._finish(job, Verdict(error=Error.of(failure), outcome=job.outcome))

    async def _try_again(self, job: Running, failure: JobFailure, waits: float) -> None:
        pause = max(waits, PAUSES[min(job.attempt, len(PAUSES)) - 1])
        await self._put_back(job, pause, f"{failure.message} Trying again in {pause:.0f} s.", Error.of(failure))

    async def _put_back(
        self, job: Running, pause: float, message: str, error: Error | None = None, *, counted: bool = True
    ) -> None:
        async def back(session: AsyncSession) -> bool:
            return await put_back(session, job.claim, pause=pause, message=message, error=error, counted=counted)

        if not await self._written(job, back):
            # Somebody has asked for the job's end meanwhile, if it is still ours at all.
            await self._finish(job, Verdict(cancelled=True, outcome=job.outcome))

    async def _succeeded(self, job: Running) -> bool:
        """Whether the job's end could be written together with others'."""
        try:
            return await self._ending.ask((job.claim, job.outcome))
        except (Unavailable, DBAPIError) as error:
            if not passes(error):
                raise
            return False  # by itself it is tried for longer, and finds what was written after all

    async def _finish(self, job: Running, verdict: Verdict) -> None:
        await self._written(job, lambda session: finish(session, job.claim, verdict))

    async def _written(self, job: Running, act: Callable[[AsyncSession], Awaitable[bool]]) -> bool:
        """Write the end of an attempt, while the database can be waited for."""
        for _ in range(_PERSISTENCE):
            try:
                async with self._host.transaction(job.actor) as session:
                    return await act(session)
            except (Unavailable, DBAPIError) as error:
                if not passes(error):
                    raise
            await asyncio.sleep(1)
        raise Unavailable("The end of the attempt could not be written.")


async def _listened(attempt: Attempt) -> None:
    """Wait for the end of work that was told to stop."""
    for _ in range(_WARNINGS):
        if attempt.work.done():
            return
        await asyncio.wait({attempt.work}, timeout=1)
        attempt.work.cancel()
    log.error("work does not stop", job_id=str(attempt.job.id))


def _raised(work: asyncio.Task[None]) -> Exception | None:
    """What the work ended with; None when it ended well, even if it was told to stop too late."""
    if not work.done() or work.cancelled():
        return Cancelled()
    error = work.exception()
    return cause_of(error) if isinstance(error, Exception) else None
