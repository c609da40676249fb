"""Whose jobs come next: an account has a few places in each queue, and its other jobs wait in line for one.

So a queue in Redis is never long, and whoever comes with one job waits behind a few of everybody else's. A job takes
a place when its hint is sent and leaves it when its attempt ends.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.db import fetch_row, fetch_rows
from igny8.jobs.progress import Line
from igny8.jobs.tables import WAITING, Queue

#: How many jobs of an account may be hinted and not ended, in each queue.
PLACES: Final = 20

_IS_WAITING: Final = "state IN ({}) AND hinted_at IS NULL".format(", ".join(f"'{state}'" for state in WAITING))

#: Whether a job that is started now has a place: one is free, and nobody waits for it. Who starts several at once, or
#: sees only a few sites' jobs, may give away a few too many; the next ones wait until as many have ended.
HAS_PLACE: Final = f"""(
    NOT EXISTS (SELECT FROM job WHERE account_id = %(account_id)s AND queue = %(queue)s AND {_IS_WAITING})
    AND %(places)s > (
        SELECT count(*) FROM job WHERE account_id = %(account_id)s AND queue = %(queue)s AND hinted_at IS NOT NULL
    )
)"""  # noqa: S608  # states of ours

#: Whether the place that a row of the table `ended` leaves may be wanted. Who comes meanwhile, and is not seen yet,
#: looks for a place itself.
SOMEBODY_WAITS: Final = f"""EXISTS (
    SELECT FROM job WHERE account_id = ended.account_id AND queue = ended.queue AND {_IS_WAITING}
)"""  # states of ours

#: Which job has which place is worth no wait for the disk: after a crash of the server it is found out anew.
_LOCK: Final = """
    SELECT set_config('synchronous_commit', 'off', true),
        set_config('idle_in_transaction_session_timeout', '2s', true),
        pg_advisory_xact_lock(key)
    FROM (
        SELECT DISTINCT hashtextextended(account_id || ' ' || queue, 0) AS key
        FROM unnest(CAST(%(accounts)s AS uuid[]), CAST(%(queues)s AS text[])) AS line (account_id, queue)
        ORDER BY key
    ) keys
"""

_ADMIT: Final = f"""
    WITH next AS (
        SELECT line.account_id, line.queue, job.id, job.turn
        FROM unnest(CAST(%(accounts)s AS uuid[]), CAST(%(queues)s AS text[])) AS line (account_id, queue)
        CROSS JOIN LATERAL (
            SELECT count(*) AS taken FROM job
            WHERE account_id = line.account_id AND queue = line.queue AND hinted_at IS NOT NULL
        ) places
        CROSS JOIN LATERAL (
            SELECT id, row_number() OVER (ORDER BY due_at, id) AS turn FROM job
            WHERE account_id = line.account_id AND queue = line.queue AND {_IS_WAITING} AND due_at <= now()
            ORDER BY due_at, id
            LIMIT greatest(0, %(places)s - places.taken)
        ) job
    ), admitted AS (
        UPDATE job SET hinted_at = clock_timestamp()
        FROM next WHERE job.account_id = next.account_id AND job.id = next.id AND {_IS_WAITING}
        RETURNING job.account_id, job.queue, job.id, next.turn
    )
    SELECT account_id, queue, id FROM admitted ORDER BY turn, id
"""  # noqa: S608  # states of ours

#: From one line to the next along the index, so that long lines cost no more than short ones.
_LINES: Final = text(f"""
    WITH RECURSIVE line AS (
        (SELECT account_id, queue FROM job WHERE {_IS_WAITING} ORDER BY account_id, queue LIMIT 1)
        UNION ALL
        SELECT next.account_id, next.queue FROM line CROSS JOIN LATERAL (
            SELECT account_id, queue FROM job
            WHERE {_IS_WAITING} AND (account_id, queue) > (line.account_id, line.queue)
            ORDER BY account_id, queue LIMIT 1
        ) next
    )
    SELECT account_id, queue FROM line
""")  # noqa: S608  # states of ours


async def admit(session: AsyncSession, lines: Collection[Line]) -> list[tuple[Line, UUID]]:
    """Give the free places of these lines to the jobs that are due; hints for these are to be sent after the commit.

    They come in turns: the first of every line, then the second ones. For the system's role.
    """
    if not lines:
        return []
    values = {"accounts": [line.account_id for line in lines], "queues": [line.queue.value for line in lines]}
    await fetch_row(session, _LOCK, values)
    rows = await fetch_rows(session, _ADMIT, {**values, "places": PLACES})
    return [(Line(account_id, Queue(queue)), job_id) for account_id, queue, job_id in rows]


async def waiting_lines(session: AsyncSession) -> list[Line]:
    """Every line in which somebody waits, due or not. For the system's role."""
    return [Line(row.account_id, Queue(row.queue)) for row in await session.execute(_LINES)]
