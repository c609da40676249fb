"""How long it took until a job whose worker was killed ran again."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from statistics import median
from typing import Any, Final

import psycopg

from tests.chaos.chaos_tasks import BEGUN

_LIVES: Final = """
    SELECT job_id, extract(epoch FROM at)::float, state, message FROM job_event
    WHERE message LIKE %s OR state = 'RETRYING' ORDER BY job_id, cursor
"""


def revivals(sql: psycopg.Connection[Any], killed: Mapping[int, float]) -> list[float]:
    """Seconds from a worker's death to the next attempt's first word, for each job that it died with.

    `killed` says when which process was.
    """
    lives: dict[Any, list[tuple[float, str, str]]] = {}
    for job_id, *event in sql.execute(_LIVES, [f"{BEGUN} %"]).fetchall():
        lives.setdefault(job_id, []).append(tuple(event))
    return sorted(seconds for life in lives.values() for seconds in _of_one(life, killed))


def told(seconds: list[float]) -> str:
    return f"median {median(seconds):.1f} s, longest {max(seconds):.1f} s" if seconds else "none"


def _of_one(life: Iterable[tuple[float, str, str]], killed: Mapping[int, float]) -> Iterable[float]:
    """Death lies between a beginning and the next event, which gives the job to another worker."""
    ended: float | None = None
    for (at, _, said), (next_at, state, next_said) in pairwise(life):
        death = killed.get(int(said.removeprefix(BEGUN))) if said.startswith(BEGUN) else None
        if death is not None and at <= death <= next_at and state == "RETRYING":
            ended = death
        if ended is not None and next_said.startswith(BEGUN):
            yield next_at - ended
            ended = None
