"""Where jobs meet accounts: their site, who started them, and what happens in a site, live."""

import strawberry

from igny8.auth import tables as t
from igny8.auth.graphql.types import Site, User
from igny8.gql.jobs.subscriptions import TOPIC
from igny8.gql.jobs.types import NEWEST, READ, Job, JobEvent, JobFilter, JobOrder
from igny8.gql.read.declare import Connection, events, many, one


@strawberry.type
class JobOfAccount:
    """What this domain adds to `Job`."""

    site: Site | None = one(
        lambda job, site: site.id == job.scope_id, description="Null for jobs of the account, and when it is gone."
    )
    started_by: User | None = one()


@strawberry.type
class SiteJobs:
    """What jobs add to `Site`."""

    jobs: Connection[Job] = many(
        lambda site, job: job.scope_id == site.id, filter=JobFilter, order=JobOrder, default=NEWEST
    )


@strawberry.type
class SiteSubscription:
    site_job_events: JobEvent = events(
        t.Site,
        "sit",
        "site_id",
        on=lambda site, event: event.scope_id == site.id,
        scope=lambda site: site.id,
        need=READ,
        topic=TOPIC,
        from_start=False,
        description="Progress of every job of a site that the viewer may see, in one stream. Without `after` it"
        " begins with the next event.",
    )
