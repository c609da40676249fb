"""Events of jobs, and the news that is told once they are committed."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.changes import Entry
from igny8.jobs.tables import Queue


class Subject(NamedTuple):
    """What an item or a result is: the name of its table, and its id."""

    kind: str
    id: UUID


class Line(NamedTuple):
    """The jobs of one account that wait in one queue."""

    account_id: UUID
    queue: Queue


@dataclass(slots=True)
class News:
    """What a transaction has to tell after its commit.

    That is: scopes with new events, lines that may have to move, and jobs that had a place at once.
    """

    scopes: set[UUID] = field(default_factory=set)
    lines: set[Line] = field(default_factory=set)
    admitted: list[tuple[Line, UUID]] = field(default_factory=list)


_NEWS: Final = "news of jobs"
_EVENTS: Final = "events of jobs"
_EVENT: Final = """
    INSERT INTO job_event (account_id, job_id, scope_id, cursor, state, phase, percent, message,
        items_done, items_failed, items_total, subject_kind, subject_id)
    SELECT account_id, id, scope_id, {cursor}, state, phase, percent, message,
        items_done, items_failed, items_total, %(subject_kind)s, CAST(%(subject_id)s AS uuid)
    FROM job, taken WHERE account_id = %(account)s AND id = %(job)s
"""


def events_of(jobs: str, *, change: str = "") -> str:
    """CTEs that write an event for each row of the CTE `jobs`, which has the columns of `job`, for the system's role.

    With `change`, a CTE that inserts into `change` from `numbered`, each row has two cursors, its change's first.
    """
    each = 2 if change else 1
    return f"""
        counted AS (
            SELECT account_id, scope_id, {each} * count(*) AS wanted FROM {jobs} GROUP BY account_id, scope_id
        ),
        taken AS (
            INSERT INTO change_counter AS counter (account_id, scope_id, value)
            SELECT account_id, scope_id, wanted FROM counted ORDER BY scope_id
            ON CONFLICT (account_id, scope_id) DO UPDATE SET value = counter.value + excluded.value
            RETURNING account_id, scope_id, value
        ),
        numbered AS (
            SELECT {jobs}.*, taken.value - counted.wanted
                + {each} * row_number() OVER (PARTITION BY {jobs}.account_id, scope_id ORDER BY {jobs}.id) AS cursor
            FROM {jobs} JOIN counted USING (account_id, scope_id) JOIN taken USING (account_id, scope_id)
        ),
        {change}
        event AS (
            INSERT INTO job_event (account_id, job_id, scope_id, cursor, state, phase, percent, message,
                items_done, items_failed, items_total)
            SELECT account_id, id, scope_id, cursor, state, phase, percent, message,
                items_done, items_failed, items_total
            FROM numbered
        )
    """  # noqa: S608  # names of ours


def news_of(session: AsyncSession) -> News:
    """What the transaction of this session has to tell."""
    news: News = session.info.setdefault(_NEWS, News())
    return news


def note(session: AsyncSession, job_id: UUID, scope_id: UUID, *, subject: Subject | None = None) -> None:
    """Have the transaction end with an event that shows the job as it is then.

    However much happens to a job in a transaction, it is one event. It names the subject when there is but one.
    """
    events: dict[UUID, set[Subject]] = session.info.setdefault(_EVENTS, {})
    news_of(session).scopes.add(scope_id)
    if job_id not in events:
        events[job_id] = set()
        account_id = changes.actor_of(session).account_id
        changes.share(session, scope_id, lambda: _event(account_id, job_id, events.pop(job_id)))
    if subject is not None:
        events[job_id].add(subject)


def _event(account_id: UUID, job_id: UUID, subjects: set[Subject]) -> Entry:
    kind, subject_id = next(iter(subjects)) if len(subjects) == 1 else (None, None)
    values = {"account": account_id, "job": job_id, "subject_kind": kind, "subject_id": subject_id}
    return Entry(_EVENT, values)
