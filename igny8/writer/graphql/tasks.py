"""Tasks by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.gql import ids
from igny8.gql.arguments import given, given_id, id_list, kept, kept_id
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.inputs import KEEP
from igny8.planner.tables import ContentStructure, ContentType
from igny8.writer import tasks
from igny8.writer.graphql.types import Task
from igny8.writer.tasks import TaskChange


@strawberry.input
class CreateTaskInput:
    sector_id: ID
    title: str
    description: str | None = UNSET
    cluster_id: ID | None = UNSET
    idea_id: ID | None = UNSET
    keyword_ids: list[ID] | None = strawberry.field(default=UNSET, description="Keywords that it is meant for.")
    content_type: ContentType | None = UNSET
    content_structure: ContentStructure | None = UNSET
    word_count_target: int | None = strawberry.field(default=UNSET, description="50 to 10,000; 1,200 where none is.")
    target_keyword: str | None = UNSET
    priority: int | None = UNSET
    due_at: datetime | None = UNSET
    author_profile_id: ID | None = strawberry.field(default=UNSET, description="The default profile where none is.")
    strategy_id: ID | None = strawberry.field(
        default=UNSET, description="Used in place of the strategies that the account and the sector have."
    )


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateTaskInput:
    id: ID
    title: str | None = UNSET
    description: str | None = UNSET
    cluster_id: ID | None = UNSET
    idea_id: ID | None = UNSET
    keyword_ids: list[ID] | None = UNSET
    content_type: ContentType | None = UNSET
    content_structure: ContentStructure | None = UNSET
    word_count_target: int | None = UNSET
    target_keyword: str | None = UNSET
    priority: int | None = UNSET
    due_at: datetime | None = UNSET
    author_profile_id: ID | None = UNSET
    strategy_id: ID | None = UNSET


@strawberry.type
class CreateTaskPayload(MutationPayload):
    task: Task | None = None


@strawberry.type
class UpdateTaskPayload(MutationPayload):
    task: Task | None = None


@strawberry.type
class DeleteTasksPayload(MutationPayload):
    deleted_ids: list[ID] | None = None


def _change(
    input: CreateTaskInput | UpdateTaskInput, value: Callable[[Any], Any], reference: Callable[..., Any]
) -> TaskChange:
    """`value` and `reference` say what an input means that is left out or null."""
    keywords = value(input.keyword_ids)
    if keywords is not KEEP:
        keywords = id_list("key", keywords, "input", "keywordIds")
    return TaskChange(
        title=value(input.title),
        description=value(input.description),
        cluster_id=reference("clu", input.cluster_id, "input", "clusterId"),
        idea_id=reference("ide", input.idea_id, "input", "ideaId"),
        keyword_ids=keywords,
        content_type=value(input.content_type),
        content_structure=value(input.content_structure),
        word_count_target=value(input.word_count_target),
        target_keyword=value(input.target_keyword),
        priority=value(input.priority),
        due_at=value(input.due_at),
        author_profile_id=reference("aut", input.author_profile_id, "input", "authorProfileId"),
        strategy_id=reference("str", input.strategy_id, "input", "strategyId"),
    )


@strawberry.type
class TaskMutation:
    @mutation(need=Permission.CONTENT_WRITE, description="Plan a piece of content.")
    async def create_task(self, info: Info, input: CreateTaskInput) -> CreateTaskPayload:
        sector_id = ids.given("sec", input.sector_id, "input", "sectorId")
        change = _change(input, given, given_id)
        async with info.context.writing() as write:
            task_id = await tasks.create(write.session, write.viewer.account_id, sector_id, change)
            return write.answered(CreateTaskPayload(task=row(task_id)))

    @mutation(need=Permission.CONTENT_WRITE)
    async def update_task(self, info: Info, input: UpdateTaskInput) -> UpdateTaskPayload:
        task_id = ids.given("tsk", input.id, "input", "id")
        change = _change(input, kept, kept_id)
        async with info.context.writing() as write:
            await tasks.update(write.session, write.viewer.account_id, task_id, change)
            return write.answered(UpdateTaskPayload(task=row(task_id)))

    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Delete tasks of one site. `force` takes those, too, that have content or images, which stay.",
    )
    async def delete_tasks(self, info: Info, ids: list[ID], force: bool | None = None) -> DeleteTasksPayload:
        task_ids = id_list("tsk", ids, "ids")
        async with info.context.writing() as write:
            await tasks.delete(write.session, write.viewer.account_id, task_ids, force=bool(force))
            return write.answered(DeleteTasksPayload(deleted_ids=list(dict.fromkeys(ids))))
