"""Writing as a job."""

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.billing import prices
from igny8.gql.arguments import id_list, optional, optional_id
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.system.connections import require_connection
from igny8.system.tables import IntegrationType
from igny8.writer import writing
from igny8.writer.writing import Wanted


@strawberry.input(description="1 to 50 tasks of one site.")
class GenerateContentInput:
    task_ids: list[ID]
    author_profile_id: ID | None = strawberry.field(
        default=UNSET, description="The voice, in place of what the tasks name; else the default profile."
    )
    replace: bool | None = strawberry.field(
        default=UNSET, description="Write anew where a task has content already, as a new version of it."
    )
    prompt_override: str | None = UNSET


@strawberry.type
class GenerateContentPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class WritingMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Write tasks, as a job. Costs the price of CONTENT_GENERATION for each started 100 words that are"
        " written, at most a fifth more than the words that were asked for.",
    )
    async def generate_content(self, info: Info, input: GenerateContentInput) -> GenerateContentPayload:
        settings = info.context.services.settings
        wanted = Wanted(
            id_list("tsk", input.task_ids, "input", "taskIds"),
            optional_id("aut", optional(input.author_profile_id), "input", "authorProfileId"),
            optional(input.replace) or False,
            optional(input.prompt_override),
        )
        async with info.context.writing() as write:
            account_id = write.viewer.account_id
            await require_connection(write.session, account_id, IntegrationType.OPENAI, settings)
            job_id = await writing.start(
                write.session,
                account_id,
                wanted,
                await prices.current(write.session, settings),
                started_by=None if write.viewer.acts_abroad else write.viewer.user_id,
            )
            return write.answered(GenerateContentPayload(job=row(job_id)))
