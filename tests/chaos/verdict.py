"""Looks at all that is left when everything has ended, and says in sentences what must not be so."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from igny8.db import Database
from igny8.doctor import examine
from igny8.gql import ids
from igny8.secrets import Keyring
from tests.chaos.followers import Follower

#: Each answers what is wrong, a sentence a row.
_RULES: Final = (
    # No job is lost.
    "SELECT format('Job %s is %s for ever.', id, state) FROM job WHERE finished_at IS NULL",
    "SELECT format('Job %s has ended and keeps its place.', id) FROM job WHERE hinted_at IS NOT NULL",
    """
    SELECT format('Item %s of job %s, which is %s, is %s.', i.id, j.id, j.state, i.state)
    FROM job_item i JOIN job j ON j.account_id = i.account_id AND j.id = i.job_id
    WHERE i.state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED') OR j.state = 'SUCCEEDED' AND i.state <> 'SUCCEEDED'
    """,
    """
    SELECT format('Job %s counts %s items done and %s failed of %s; %s are, and %s.',
        j.id, j.items_done, j.items_failed, j.items_total, i.done, i.failed)
    FROM job j JOIN (
        SELECT account_id, job_id, count(*) AS items, count(*) FILTER (WHERE state = 'SUCCEEDED') AS done,
            count(*) FILTER (WHERE state = 'FAILED') AS failed
        FROM job_item GROUP BY account_id, job_id
    ) i ON i.account_id = j.account_id AND i.job_id = j.id
    WHERE (j.items_total, j.items_done, j.items_failed) <> (i.items, i.done, i.failed)
    """,
    # No effect is there twice, and none is missing.
    """
    SELECT format('Item %s is %s, and its effect is there %s times.', i.id, i.state, count(e.item_id))
    FROM job_item i LEFT JOIN chaos_effect e ON e.item_id = i.id
    GROUP BY i.id, i.state HAVING count(e.item_id) <> (i.state = 'SUCCEEDED')::int
    """,
    """
    SELECT format('%s was done %s times, by a job and those that ran it again.', subject_id, count(*))
    FROM chaos_effect GROUP BY subject_id HAVING count(*) > 1
    """,
    # No credit is lost or charged twice.
    "SELECT format('The hold of job %s was never settled.', job_id) FROM credit_hold WHERE state = 'PENDING'",
    """
    SELECT format('Job %s says it used %s credits, its hold %s, and its items are worth %s.',
        j.id, j.credits_used, coalesce(h.captured, 0), i.used)
    FROM job j
    JOIN (SELECT account_id, job_id, sum(credits_used) AS used FROM job_item GROUP BY account_id, job_id) i
        ON i.account_id = j.account_id AND i.job_id = j.id
    LEFT JOIN credit_hold h ON h.account_id = j.account_id AND h.job_id = j.id
    WHERE j.credits_used <> i.used OR coalesce(h.captured, 0) <> i.used
        OR i.used <> j.items_done * (j.arguments->>'price')::int
    """,
    # A job's last event is its end, and there is one for each state it was in.
    """
    SELECT format('Job %s is %s, and its last event says %s.', j.id, j.state, coalesce(e.state, 'nothing'))
    FROM job j LEFT JOIN LATERAL (
        SELECT state, items_done, items_failed FROM job_event
        WHERE account_id = j.account_id AND job_id = j.id ORDER BY cursor DESC LIMIT 1
    ) e ON true
    WHERE (j.state, j.items_done, j.items_failed) IS DISTINCT FROM (e.state, e.items_done, e.items_failed)
    """,
    # A job without items that succeeded has said what it saw.
    "SELECT format('Job %s has no report.', id) FROM job WHERE items_total = 0 AND state = 'SUCCEEDED' AND outcome IS NULL",
    # No more calls of a job came to nothing without an answer of the provider than attempts of it did.
    """
    SELECT format('Job %s gave up %s calls in %s attempts.', j.id, count(*), j.fence)
    FROM job j JOIN ai_call c ON c.account_id = j.account_id AND c.job_id = j.id
    WHERE c.state IN ('ABANDONED', 'STARTED')
    GROUP BY j.id, j.fence HAVING count(*) > j.fence
    """,
)
_STATES: Final = "SELECT state, count(*) FROM ai_call GROUP BY state"
_EVENTS: Final = """
    SELECT scope_id, job_id, cursor, state, message, items_done, items_failed FROM job_event ORDER BY cursor
"""


@dataclass(frozen=True)
class Paid:
    """Calls as the sandbox counted them (`refused` ones cost nothing), and as the product did."""

    calls: int
    refused: int
    questions: int
    replies_lost: int
    stored: int
    failed: int
    in_flight: int

    @classmethod
    def of(cls, calls: Sequence[dict[str, Any]], replies_lost: int, sql: psycopg.Connection[Any]) -> "Paid":
        paid = [call for call in calls if call["state"] != "refused"]
        rows = Counter(dict(sql.execute(_STATES).fetchall()))
        return cls(
            calls=len(paid),
            refused=len(calls) - len(paid),
            questions=len({call["prompt_hash"] for call in paid}),
            replies_lost=replies_lost,
            stored=rows["STORED"],
            failed=rows["FAILED"],
            in_flight=rows["ABANDONED"] + rows["STARTED"],
        )

    def __str__(self) -> str:
        return (
            f"{self.calls} calls paid for {self.questions} questions, {self.refused} refused;"
            f" {self.stored} answers stored, {self.in_flight} in flight at a fault, {self.replies_lost} replies lost"
        )

    def faults(self) -> list[str]:
        """What is wrong with the sums; each holds because a call is noted before it is made."""
        rules = {
            "More was paid for than was stored, in flight or lost.": (
                self.calls <= self.stored + self.in_flight + self.replies_lost
            ),
            "More was asked than was noted.": (
                self.calls + self.refused <= self.stored + self.in_flight + self.failed
            ),
            "More calls failed than were refused or lost.": self.failed <= self.refused + self.replies_lost,
            "More answers are stored than questions were asked.": self.stored <= self.questions,
        }
        return [f"{says} {self}" for says, holds in rules.items() if not holds]


async def faults(
    sql: psycopg.Connection[Any],
    db: Database,
    keyring: Keyring,
    told: Collection[UUID],
    followers: Sequence[Follower],
    paid: Paid,
) -> list[str]:
    """All that is wrong; `told` are the jobs that somebody was told to have started."""
    found = [sentence for rule in _RULES for (sentence,) in sql.execute(rule).fetchall()]
    there = {id_ for (id_,) in sql.execute("SELECT id FROM job").fetchall()}
    found += [f"Job {id_} was started, and is not there." for id_ in told if id_ not in there]
    found += (await examine(db, keyring))[1]
    return [*found, *paid.faults(), *_heard_wrong(sql, followers)]


def _heard_wrong(sql: psycopg.Connection[Any], followers: Sequence[Follower]) -> list[str]:
    """Followers who did not hear each event once, in order, as it is stored."""
    stored: dict[str, list[dict[str, Any]]] = {}
    for scope_id, job_id, *event in sql.execute(_EVENTS).fetchall():
        shown = _shown(job_id, *event)
        stored.setdefault(ids.show("sit", scope_id), []).append(shown)
        stored.setdefault(shown["job"]["id"], []).append(shown)
    return [
        f"A follower of {one.id} heard {_difference(one.seen, stored[one.id])}, in {one.connections} connections."
        for one in followers
        if one.seen != stored[one.id]
    ]


def _shown(job_id: UUID, cursor: int, state: str, message: str, done: int, failed: int) -> dict[str, Any]:
    return {
        "cursor": str(cursor),
        "state": state,
        "message": message,
        "itemsDone": done,
        "itemsFailed": failed,
        "job": {"id": ids.show("job", job_id)},
    }


def _difference(seen: list[dict[str, Any]], stored: list[dict[str, Any]]) -> str:
    for number, (heard, there) in enumerate(zip(seen, stored, strict=False)):
        if heard != there:
            return f"{heard} in place of {there} as event {number}"
    return f"{len(seen)} events of {len(stored)}"
