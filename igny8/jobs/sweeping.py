"""What the dispatcher does every second: give lost jobs to others, move the lines on, and repeat lost hints.

Any number of dispatchers may do it at once. All clocks are the database's.
"""

import random
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from igny8 import transactions
from igny8.changes import Actor
from igny8.db import Database, LoginRole
from igny8.jobs.admission import admit, waiting_lines
from igny8.jobs.ending import Claim, Verdict, While, finish, put_back
from igny8.jobs.failures import CRASHED
from igny8.jobs.hints import Hints
from igny8.jobs.progress import Line
from igny8.jobs.tables import WAITING, Job, JobState, Queue

log = structlog.get_logger()

_AT_ONCE: Final = 500
#: A job that was lost more than once may have been what its worker died of: such ones do not all come back together.
_SPREAD_SECONDS: Final = 6.0
#: How long a hint may lie with a worker that has not claimed its job yet.
_QUICK: Final = timedelta(seconds=2)
_SLOW: Final = timedelta(seconds=30)
_LOST: Final = "The worker was lost; another one goes on."


class Sweep:
    """One second's look at all accounts, with the system's role."""

    def __init__(self, db: Database, hints: Hints) -> None:
        self._db, self._hints = db, hints

    async def once(self) -> None:
        """Raises Unavailable and DBAPIError while the database is away."""
        await self.reap()
        await self.move()
        await self.repeat()

    async def reap(self) -> None:
        """Let others run the jobs whose worker was silent for too long, or end them when it was once too often."""
        expired_now = Job.lease_until < func.clock_timestamp()
        lost = select(Job).where(Job.state == JobState.RUNNING, expired_now).order_by(Job.lease_until).limit(_AT_ONCE)
        async with self._db.session(LoginRole.SYSTEM) as session:
            expired = (await session.execute(lost)).scalars().all()
        for job in expired:
            try:
                await self._reap_one(job)
            except DBAPIError as error:  # one that is locked is looked at again a second later
                log.warning("lost job left for later", job_id=str(job.id), reason=type(error.orig).__name__)

    async def move(self) -> None:
        """Send the hints of jobs that are due and have a place: those that waited, and those that nobody hinted."""
        async with self._db.session(LoginRole.SYSTEM) as session:
            lines = await waiting_lines(session)
        if lines:
            async with self._db.session(LoginRole.SYSTEM) as session:
                admitted = await admit(session, lines)
            await self._hints.send(admitted)

    async def repeat(self) -> None:
        """Send hints again that came to nothing: Redis was emptied, or a worker died with them in its hands."""
        lengths = await self._hints.queue_lengths()
        if lengths is None:
            return
        async with self._db.session(LoginRole.SYSTEM) as session:
            rows = await session.execute(_SILENT, {"quick": _QUICK, "slow": _SLOW})
            silent = {Queue(row.queue): row for row in rows}
        hints: list[tuple[Line, UUID]] = []
        for queue, row in silent.items():
            if row.quickly and lengths[queue] == 0:
                hints += await self._hinted_again(queue, _QUICK)
            elif row.slowly and lengths[queue] < row.hinted:
                hints += await self._hinted_again(queue, _SLOW)
        await self._hints.send(hints)

    async def _reap_one(self, job: Job) -> None:
        claim = Claim(job.account_id, job.id, job.fence, job.credits_held)
        actor = Actor(job.account_id, job.started_by_id, f"job_{job.id.hex}", None, job.kind)
        async with self._db.session(LoginRole.SYSTEM) as session, transactions.logged(session, actor):
            if job.cancel_requested:
                ended = await finish(session, claim, Verdict(cancelled=True), While.EXPIRED)
            elif job.attempt >= job.max_attempts:
                ended = await finish(session, claim, Verdict(error=CRASHED), While.EXPIRED)
            else:
                pause = random.uniform(0, _SPREAD_SECONDS) if job.attempt > 1 else 0.0  # noqa: S311  # no secret
                ended = await put_back(session, claim, While.EXPIRED, pause=pause, message=_LOST)
        if ended:
            log.warning("job lost by its worker", job_id=str(job.id), attempt=job.attempt)
            self._hints.tell(session)

    async def _hinted_again(self, queue: Queue, silence: timedelta) -> list[tuple[Line, UUID]]:
        again = (
            update(Job)
            .where(
                Job.queue == queue,
                Job.state.in_(WAITING),
                Job.hinted_at < func.clock_timestamp() - silence,
            )
            .values(hinted_at=func.clock_timestamp())
            .returning(Job.account_id, Job.id)
        )
        async with self._db.session(LoginRole.SYSTEM) as session:
            rows = (await session.execute(again)).all()
        return [(Line(account_id, queue), job_id) for account_id, job_id in rows]


_SILENT: Final = text("""
    SELECT queue, count(*) AS hinted,
        bool_or(hinted_at < clock_timestamp() - :quick) AS quickly,
        bool_or(hinted_at < clock_timestamp() - :slow) AS slowly
    FROM job WHERE hinted_at IS NOT NULL AND state IN ('QUEUED', 'RETRYING')
    GROUP BY queue
""")
