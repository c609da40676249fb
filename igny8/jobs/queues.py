"""How full the queues are, over all accounts."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.jobs.tables import Queue


@dataclass(frozen=True, slots=True)
class QueueLength:
    """Jobs that wait, run, and have failed in the last hour; how long the one that is due longest has waited."""

    queue: Queue
    queued: int
    running: int
    failed_last_hour: int
    oldest_seconds: int


#: Each branch has a partial index of its own, so that ended jobs are not looked at.
_LENGTHS: Final = text("""
    SELECT queue,
        count(*) FILTER (WHERE state IN ('QUEUED', 'RETRYING')) AS queued,
        count(*) FILTER (WHERE state = 'RUNNING') AS running,
        count(*) FILTER (WHERE state = 'FAILED') AS failed,
        floor(extract(epoch FROM clock_timestamp() - min(due_at)
            FILTER (WHERE state IN ('QUEUED', 'RETRYING') AND due_at <= clock_timestamp())))::int AS oldest
    FROM (
        SELECT queue, state, due_at FROM job WHERE hinted_at IS NOT NULL
        UNION ALL
        SELECT queue, state, due_at FROM job WHERE state IN ('QUEUED', 'RETRYING') AND hinted_at IS NULL
        UNION ALL
        SELECT queue, state, due_at FROM job
        WHERE arguments IS NOT NULL AND finished_at > now() - interval '1 hour' AND state = 'FAILED'
    ) counted
    GROUP BY queue
""")


async def lengths(session: AsyncSession) -> list[QueueLength]:
    """Every queue. The session is one of the system role."""
    rows = {row.queue: row for row in await session.execute(_LENGTHS)}
    found = []
    for queue in Queue:
        row = rows.get(queue.value)
        counts = (row.queued, row.running, row.failed, row.oldest or 0) if row else (0, 0, 0, 0)
        found.append(QueueLength(queue, *counts))
    return found
