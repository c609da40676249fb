"""Whether every account's books are right: what must hold between wallet, holds, entries and usage."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from igny8.findings import Fault, by_rules

#: Each answers (account, sentence) for what is wrong.
_RULES: Final = (
    # The entries sum to the balance.
    """
    SELECT w.account_id, format('The %s entries of the ledger sum to %s credits, and the balance is %s.',
        coalesce(e.entries, 0), coalesce(e.total, 0), w.balance)
    FROM wallet w
    LEFT JOIN (SELECT account_id, count(*) AS entries, sum(amount) AS total FROM credit_entry GROUP BY account_id) e
        USING (account_id)
    WHERE coalesce(e.total, 0) <> w.balance
    """,
    # Pending holds are what is held.
    """
    SELECT w.account_id, format('The pending holds sum to %s credits, and the wallet says %s are held.',
        coalesce(h.total, 0), w.held)
    FROM wallet w
    LEFT JOIN (
        SELECT account_id, sum(amount) AS total FROM credit_hold WHERE state = 'PENDING' GROUP BY account_id
    ) h USING (account_id)
    WHERE coalesce(h.total, 0) <> w.held
    """,
    # No more is held than there is.
    """
    SELECT account_id, format('%s credits are held of a balance of %s.', held, balance)
    FROM wallet WHERE held < 0 OR held > balance
    """,
    # Every account has a wallet.
    """
    SELECT a.id, 'The account has no wallet.' FROM account a
    WHERE NOT EXISTS (SELECT FROM wallet w WHERE w.account_id = a.id)
    """,
    # balance_after is a running sum over numbers without a gap.
    """
    SELECT account_id, format('Entry %s says a balance of %s, and the entries up to it sum to %s.',
        number, balance_after, running)
    FROM (
        SELECT account_id, number, balance_after,
            sum(amount) OVER (PARTITION BY account_id ORDER BY number) AS running
        FROM credit_entry
    ) e WHERE balance_after <> running
    """,
    """
    SELECT w.account_id, format('The ledger has %s entries numbered up to %s, and the wallet has counted %s.',
        coalesce(e.entries, 0), coalesce(e.last, 0), w.entries)
    FROM wallet w
    LEFT JOIN (SELECT account_id, count(*) AS entries, max(number) AS last FROM credit_entry GROUP BY account_id) e
        USING (account_id)
    WHERE coalesce(e.entries, 0) <> w.entries OR coalesce(e.last, 0) <> w.entries
    """,
    # A captured hold has exactly one entry, which takes what was captured; other holds have none.
    """
    SELECT h.account_id, format('The hold of job %s was settled for %s credits, and its %s entries take %s.',
        h.job_id, h.captured, count(e.id), coalesce(-sum(e.amount), 0))
    FROM credit_hold h
    LEFT JOIN credit_entry e ON e.account_id = h.account_id AND e.key = 'job:' || h.job_id
    GROUP BY h.account_id, h.job_id, h.captured
    HAVING coalesce(-sum(e.amount), 0) <> h.captured OR count(e.id) <> (h.captured > 0)::int
    """,
    """
    SELECT e.account_id, format('Entry %s takes %s credits for job %s, which has no hold of its own for them.',
        e.number, -e.amount, e.job_id)
    FROM credit_entry e
    LEFT JOIN credit_hold h ON h.account_id = e.account_id AND h.job_id = e.job_id AND e.key = 'job:' || h.job_id
    WHERE e.job_id IS NOT NULL AND h.job_id IS NULL
    """,
    # The usage of a settled job is what it was charged, and nothing is used beside jobs.
    """
    SELECT account_id, format('Job %s was charged %s credits, and its usage log says %s.',
        job_id, h.captured, coalesce(u.used, 0))
    FROM (SELECT * FROM credit_hold WHERE state <> 'PENDING') h
    LEFT JOIN (
        SELECT account_id, job_id, sum(credits_used) AS used FROM credit_usage
        WHERE job_id IS NOT NULL GROUP BY account_id, job_id
    ) u USING (account_id, job_id)
    WHERE coalesce(u.used, 0) <> h.captured
    """,
    """
    SELECT u.account_id, format('The usage log says %s credits for %s, for which nothing was ever held.',
        sum(u.credits_used), coalesce('job ' || u.job_id, 'work without a job'))
    FROM credit_usage u
    LEFT JOIN credit_hold h ON h.account_id = u.account_id AND h.job_id = u.job_id
    WHERE h.job_id IS NULL AND u.credits_used > 0
    GROUP BY u.account_id, u.job_id
    """,
)


async def faults(session: AsyncSession) -> list[Fault]:
    """All that is wrong. The session is one of the system role on which nothing was read yet."""
    return await by_rules(session, _RULES)
