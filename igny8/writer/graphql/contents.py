"""Contents by hand: written, edited with versions, moved and deleted."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.gql import ids
from igny8.gql.arguments import given, given_id, id_list, kept, kept_id, optional_id
from igny8.gql.context import Info, Write
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row, rows
from igny8.inputs import KEEP
from igny8.planner.tables import ContentStructure, ContentType
from igny8.writer import contents
from igny8.writer.content_values import ContentChange
from igny8.writer.graphql.types import Content
from igny8.writer.tables import ContentStatus


@strawberry.input(description="What is left out is taken from the task, if there is one.")
class CreateContentInput:
    sector_id: ID
    title: str
    html_content: str = strawberry.field(
        description="Cleaned: scripts, styles, images and unknown tags are left out."
    )
    slug: str | None = strawberry.field(default=UNSET, description="Made of the title when it is left out.")
    excerpt: str | None = UNSET
    language: str | None = strawberry.field(default=UNSET, description="That of the site when it is left out.")
    author_profile_id: ID | None = UNSET
    cluster_id: ID | None = UNSET
    task_id: ID | None = UNSET
    content_type: ContentType | None = UNSET
    content_structure: ContentStructure | None = UNSET
    meta_title: str | None = UNSET
    meta_description: str | None = UNSET
    primary_keyword: str | None = UNSET
    secondary_keywords: list[str] | None = UNSET
    tags: list[str] | None = UNSET
    categories: list[str] | None = UNSET


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateContentInput:
    id: ID
    version: int = strawberry.field(
        description="The version that was edited; STALE_VERSION when somebody else has saved since."
    )
    sector_id: ID | None = UNSET
    cluster_id: ID | None = UNSET
    content_type: ContentType | None = UNSET
    content_structure: ContentStructure | None = UNSET
    author_profile_id: ID | None = UNSET
    language: str | None = UNSET
    title: str | None = UNSET
    slug: str | None = UNSET
    html_content: str | None = UNSET
    excerpt: str | None = UNSET
    meta_title: str | None = UNSET
    meta_description: str | None = UNSET
    primary_keyword: str | None = UNSET
    secondary_keywords: list[str] | None = UNSET
    tags: list[str] | None = UNSET
    categories: list[str] | None = UNSET


@strawberry.type
class CreateContentPayload(MutationPayload):
    content: Content | None = None


@strawberry.type
class UpdateContentPayload(MutationPayload):
    content: Content | None = None


@strawberry.type
class SetContentStatusPayload(MutationPayload):
    contents: list[Content] | None = None


@strawberry.type
class RestoreRevisionPayload(MutationPayload):
    content: Content | None = None


@strawberry.type
class DeleteContentsPayload(MutationPayload):
    deleted_ids: list[ID] | None = None


def _change(
    input: CreateContentInput | UpdateContentInput, value: Callable[[Any], Any], reference: Callable[..., Any]
) -> ContentChange:
    """`value` and `reference` say what an input means that is left out or null."""
    created = isinstance(input, CreateContentInput)
    return ContentChange(
        title=value(input.title),
        html_content=value(input.html_content),
        slug=value(input.slug),
        excerpt=value(input.excerpt),
        language=value(input.language),
        sector_id=KEEP if created else reference("sec", input.sector_id, "input", "sectorId"),
        cluster_id=reference("clu", input.cluster_id, "input", "clusterId"),
        author_profile_id=reference("aut", input.author_profile_id, "input", "authorProfileId"),
        content_type=value(input.content_type),
        content_structure=value(input.content_structure),
        meta_title=value(input.meta_title),
        meta_description=value(input.meta_description),
        primary_keyword=value(input.primary_keyword),
        secondary_keywords=value(input.secondary_keywords),
        tags=value(input.tags),
        categories=value(input.categories),
    )


@strawberry.type
class ContentMutation:
    @mutation(need=Permission.CONTENT_WRITE, description="Keep a content that was written elsewhere.")
    async def create_content(self, info: Info, input: CreateContentInput) -> CreateContentPayload:
        sector_id = ids.given("sec", input.sector_id, "input", "sectorId")
        change = _change(input, given, given_id)
        task_id = optional_id("tsk", input.task_id or None, "input", "taskId")
        async with info.context.writing() as write:
            content_id = await contents.create(
                write.session, write.viewer.account_id, sector_id, change, task_id=task_id, by=_user(write)
            )
            return write.answered(CreateContentPayload(content=row(content_id)))

    @mutation(need=Permission.CONTENT_WRITE, description="Save what is given as a new version.")
    async def update_content(self, info: Info, input: UpdateContentInput) -> UpdateContentPayload:
        content_id = ids.given("con", input.id, "input", "id")
        change = _change(input, kept, kept_id)
        async with info.context.writing() as write:
            await contents.edit(
                write.session,
                write.viewer.account_id,
                content_id,
                change,
                version=input.version,
                by=_user(write),
            )
            return write.answered(UpdateContentPayload(content=row(content_id)))

    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Move contents of one site between DRAFT and REVIEW, and between DRAFT and ARCHIVED.",
    )
    async def set_content_status(self, info: Info, ids: list[ID], status: ContentStatus) -> SetContentStatusPayload:
        content_ids = id_list("con", ids, "ids")
        async with info.context.writing() as write:
            await contents.set_status(write.session, write.viewer.account_id, content_ids, status)
            return write.answered(SetContentStatusPayload(contents=rows(content_ids)))

    @mutation(need=Permission.CONTENT_WRITE, description="Save an earlier version again, as a new one.")
    async def restore_revision(self, info: Info, content_id: ID, version: int) -> RestoreRevisionPayload:
        wanted = ids.given("con", content_id, "contentId")
        async with info.context.writing() as write:
            account_id = write.viewer.account_id
            await contents.restore(write.session, account_id, wanted, version, by=_user(write))
            return write.answered(RestoreRevisionPayload(content=row(wanted)))

    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Delete contents of one site, their images and versions with them; published ones with `force`.",
    )
    async def delete_contents(self, info: Info, ids: list[ID], force: bool | None = None) -> DeleteContentsPayload:
        content_ids = id_list("con", ids, "ids")
        async with info.context.writing() as write:
            await contents.delete(write.session, write.viewer.account_id, content_ids, force=bool(force))
            return write.answered(DeleteContentsPayload(deleted_ids=list(dict.fromkeys(ids))))


def _user(write: Write) -> UUID | None:
    """Who is noted as the author: nobody of another account."""
    return None if write.viewer.acts_abroad else write.viewer.user_id
