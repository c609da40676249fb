"""What nobody looks at any more goes: events, items with their drafts, and arguments of jobs that ended long ago.

The job stays, and so does everything that the ledger points to.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import Table, delete, func, select, tuple_, update

from igny8.db import Database, LoginRole
from igny8.jobs.tables import Job, JobEvent, JobItem

KEPT: Final = timedelta(days=90)
_AT_ONCE: Final = 200


async def prune(db: Database) -> int:
    """Prune a few hundred jobs, oldest first; how many there were. Call it again until there were none."""
    due = (
        select(Job.account_id, Job.id)
        .where(Job.finished_at < func.now() - KEPT, Job.arguments.is_not(None))
        .order_by(Job.finished_at)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True, key_share=True)
    )
    async with db.session(LoginRole.SYSTEM) as session:
        jobs = [(account_id, job_id) for account_id, job_id in await session.execute(due)]
        for table in (JobEvent.__table__, JobItem.__table__):
            assert isinstance(table, Table)
            await session.execute(delete(table).where(tuple_(table.c.account_id, table.c.job_id).in_(jobs)))
        await session.execute(update(Job).where(tuple_(Job.account_id, Job.id).in_(jobs)).values(arguments=None))
    return len(jobs)
