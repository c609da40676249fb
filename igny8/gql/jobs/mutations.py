"""What can be done with a job once it is there."""

import strawberry
from strawberry import ID

from igny8 import jobs
from igny8.access import Permission
from igny8.gql import ids
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row


@strawberry.type
class CancelJobPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class RetryJobPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class JobMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="End a job that waits at once, and one that runs soon; what it got done is kept and charged.",
    )
    async def cancel_job(self, info: Info, id: ID) -> CancelJobPayload:
        job_id = ids.given("job", id, "id")
        async with info.context.writing() as write:
            await jobs.request_cancel(write.session, job_id)
            return write.answered(CancelJobPayload(job=row(job_id)))

    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Run what a job did not get done again, as a new job; what it got done is left as it is.",
    )
    async def retry_job(self, info: Info, id: ID) -> RetryJobPayload:
        job_id = ids.given("job", id, "id")
        async with info.context.writing() as write:
            started_by = None if write.viewer.acts_abroad else write.viewer.user_id
            retried = await jobs.retry(write.session, job_id, started_by=started_by)
            return write.answered(RetryJobPayload(job=row(retried)))
