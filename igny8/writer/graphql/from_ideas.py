"""The mutation that makes tasks of ideas."""

from datetime import datetime

import strawberry
from strawberry import ID

from igny8.access import Permission
from igny8.gql.arguments import id_list, optional_id
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, rows
from igny8.writer import from_ideas
from igny8.writer.from_ideas import Wishes
from igny8.writer.graphql.types import Task


@strawberry.type
class CreateTasksFromIdeasPayload(MutationPayload):
    tasks: list[Task] | None = None


@strawberry.type
class FromIdeasMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="A task for each of 1 to 1,000 ideas of one site, as long as the idea says unless"
        " `wordCountTarget` (50 to 10,000) says otherwise.",
    )
    async def create_tasks_from_ideas(
        self,
        info: Info,
        idea_ids: list[ID],
        author_profile_id: ID | None = None,
        strategy_id: ID | None = None,
        word_count_target: int | None = None,
        due_at: datetime | None = None,
    ) -> CreateTasksFromIdeasPayload:
        given = id_list("ide", idea_ids, "ideaIds")
        wishes = Wishes(
            optional_id("aut", author_profile_id, "authorProfileId"),
            optional_id("str", strategy_id, "strategyId"),
            word_count_target,
            due_at,
        )
        async with info.context.writing() as write:
            made = await from_ideas.create(write.session, write.viewer.account_id, given, wishes)
            return write.answered(CreateTasksFromIdeasPayload(tasks=rows(made)))
