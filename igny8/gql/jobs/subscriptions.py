"""The progress of one job, live."""

from typing import Final

import strawberry
from sqlalchemy import literal_column, not_, or_

from igny8.gql.jobs.types import READ, JobEvent
from igny8.gql.read.declare import events
from igny8.jobs import tables as t

#: What is published when jobs of a scope have new events.
TOPIC: Final = "jobs"


@strawberry.type
class JobSubscription:
    job_events: JobEvent = events(
        t.Job,
        "job",
        "job_id",
        on=lambda job, event: event.job_id == job.id,
        scope=lambda job: job.scope_id,
        ended=lambda job: not_(or_(*(job.state == literal_column(f"'{state}'") for state in t.UNFINISHED))),
        need=READ,
        topic=TOPIC,
        from_start=True,
        live={"textDelta": "text", "textOffset": "offset", "subjectId": "subject"},
        description="Progress of one job: what was missed since `after` first, then live, until the job ends.",
    )
