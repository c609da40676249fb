"""Whether jobs are where they should be: what nobody works on although somebody should, and what ended half."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from igny8.findings import Fault, by_rules

#: Each answers (account, sentence) for what is wrong.
_RULES: Final = (
    # Dispatchers take jobs away from lost workers within seconds.
    """
    SELECT account_id, format('Job %s is with a worker that has said nothing since %s: does a dispatcher run?',
        id, lease_until)
    FROM job WHERE state = 'RUNNING' AND lease_until < now() - interval '1 minute'
    """,
    # Lines move as long as there are workers.
    """
    SELECT account_id, format('%s jobs of the queue %s have been due since %s: do workers run?',
        count(*), queue, min(due_at))
    FROM job WHERE state IN ('QUEUED', 'RETRYING') AND due_at < now() - interval '15 minutes'
    GROUP BY account_id, queue
    """,
    # What has ended has no place in a line, holds nothing, and has no open items.
    "SELECT account_id, format('Job %s has ended and keeps its place.', id) FROM job"
    " WHERE finished_at IS NOT NULL AND hinted_at IS NOT NULL",
    """
    SELECT j.account_id, format('Job %s has ended, and %s credits are still held for it.', j.id, h.amount)
    FROM job j JOIN credit_hold h ON h.account_id = j.account_id AND h.job_id = j.id
    WHERE j.finished_at IS NOT NULL AND h.state = 'PENDING'
    """,
    """
    SELECT h.account_id, format('%s credits are held for job %s, which is not there.', h.amount, h.job_id)
    FROM credit_hold h
    WHERE h.state = 'PENDING' AND NOT EXISTS (
        SELECT FROM job j WHERE j.account_id = h.account_id AND j.id = h.job_id
    )
    """,
    """
    SELECT j.account_id, format('Job %s has ended, and %s of its items have not.', j.id, count(*))
    FROM job j JOIN job_item i ON i.account_id = j.account_id AND i.job_id = j.id
    WHERE j.finished_at IS NOT NULL AND i.state IN ('QUEUED', 'RUNNING', 'RETRYING')
    GROUP BY j.account_id, j.id
    """,
    """
    SELECT j.account_id, format('Job %s counts %s items done and %s failed; %s are, and %s.',
        j.id, j.items_done, j.items_failed, count(*) FILTER (WHERE i.state = 'SUCCEEDED'),
        count(*) FILTER (WHERE i.state = 'FAILED'))
    FROM job j JOIN job_item i ON i.account_id = j.account_id AND i.job_id = j.id
    GROUP BY j.account_id, j.id, j.items_done, j.items_failed
    HAVING (j.items_done, j.items_failed) <> (
        count(*) FILTER (WHERE i.state = 'SUCCEEDED'), count(*) FILTER (WHERE i.state = 'FAILED')
    )
    """,
)


async def faults(session: AsyncSession) -> list[Fault]:
    """All that is wrong. The session is one of the system role on which nothing was read yet."""
    return await by_rules(session, _RULES)
