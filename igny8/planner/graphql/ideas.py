"""Ideas: proposed by a model as a job, and changed by hand."""

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.billing import prices
from igny8.gql import ids as public
from igny8.gql.arguments import id_list, kept, kept_id, optional, optional_id
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row, rows
from igny8.inputs import KEEP, Keep
from igny8.planner import idea_generation, ideas
from igny8.planner.graphql.types import ContentIdea
from igny8.planner.idea_inputs import IdeaFields, Section
from igny8.planner.tables import ContentStructure, ContentType, IdeaStatus
from igny8.system.connections import require_connection
from igny8.system.tables import IntegrationType

WRITES = Permission.CONTENT_WRITE


@strawberry.input
class GenerateIdeasInput:
    cluster_ids: list[ID] = strawberry.field(description="1 to 1,000 of one site.")
    per_cluster: int | None = strawberry.field(default=UNSET, description="1 to 20; 5 unless it is said.")
    strategy_id: ID | None = strawberry.field(
        default=UNSET, description="Without it all active strategies that are meant for IDEAS are followed."
    )
    prompt_override: str | None = UNSET


@strawberry.input
class OutlineSectionInput:
    heading: str
    level: int = strawberry.field(description="2 to 4.")
    notes: str | None = UNSET


@strawberry.input
class CreateIdeaInput:
    cluster_id: ID | None = UNSET
    sector_id: ID
    title: str
    description: str | None = UNSET
    priority: int | None = strawberry.field(default=UNSET, description="0 unless it is said; higher ones come first.")
    target_keyword: str | None = UNSET
    content_type: ContentType | None = strawberry.field(default=UNSET, description="POST unless it is said.")
    content_structure: ContentStructure | None = strawberry.field(
        default=UNSET, description="ARTICLE unless it is said."
    )
    estimated_word_count: int | None = UNSET
    outline: list[OutlineSectionInput] | None = strawberry.field(default=UNSET, description="At most 30 headings.")
    keyword_ids: list[ID] | None = strawberry.field(default=UNSET, description="At most 1,000 of the sector.")


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateIdeaInput:
    id: ID
    cluster_id: ID | None = UNSET
    keyword_ids: list[ID] | None = strawberry.field(default=UNSET, description="All keywords from now on.")
    title: str | None = UNSET
    description: str | None = UNSET
    status: IdeaStatus | None = strawberry.field(
        default=UNSET, description="ARCHIVED, or back to what follows from its tasks."
    )
    priority: int | None = UNSET
    target_keyword: str | None = UNSET
    content_type: ContentType | None = UNSET
    content_structure: ContentStructure | None = UNSET
    estimated_word_count: int | None = UNSET
    outline: list[OutlineSectionInput] | None = UNSET


@strawberry.type(description="What a run of generateIdeas made.")
class IdeasReport:
    created: int
    duplicates_dropped: int = strawberry.field(description="They said nearly the same as ideas of their sector.")


@strawberry.type
class GenerateIdeasPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class CreateIdeaPayload(MutationPayload):
    idea: ContentIdea | None = None


@strawberry.type
class UpdateIdeaPayload(MutationPayload):
    idea: ContentIdea | None = None


@strawberry.type
class DeleteIdeasPayload(MutationPayload):
    deleted_ids: list[ID] | None = None


@strawberry.type
class SetIdeasStatusPayload(MutationPayload):
    ideas: list[ContentIdea] | None = None


def _sections(given: list[OutlineSectionInput] | None) -> list[Section] | Keep | None:
    if given is UNSET:
        return KEEP
    return [Section(one.heading, one.level, optional(one.notes)) for one in given or ()]


def _given(input: CreateIdeaInput) -> IdeaFields:
    """A creation's fields: for what is null or left out there are the usual values."""
    given = {
        "description": optional(input.description),
        "priority": optional(input.priority),
        "target_keyword": optional(input.target_keyword),
        "content_type": optional(input.content_type),
        "content_structure": optional(input.content_structure),
        "estimated_word_count": optional(input.estimated_word_count),
        "outline": _sections(optional(input.outline)),
    }
    return IdeaFields(title=input.title, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # each by its name


@strawberry.type
class IdeaMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Have a model propose ideas, as a job with an item for each cluster. Each costs the price of"
        " IDEA_GENERATION, unless nothing new was proposed.",
    )
    async def generate_ideas(self, info: Info, input: GenerateIdeasInput) -> GenerateIdeasPayload:
        settings = info.context.services.settings
        cluster_ids = id_list("clu", input.cluster_ids, "input", "clusterIds")
        strategy_id = optional_id("str", optional(input.strategy_id), "input", "strategyId")
        async with info.context.writing() as write:
            account_id = write.viewer.account_id
            await require_connection(write.session, account_id, IntegrationType.OPENAI, settings)
            job_id = await idea_generation.start(
                write.session,
                account_id,
                cluster_ids,
                await prices.current(write.session, settings),
                per_cluster=optional(input.per_cluster),
                strategy_id=strategy_id,
                prompt_override=optional(input.prompt_override),
                started_by=None if write.viewer.acts_abroad else write.viewer.user_id,
            )
            return write.answered(GenerateIdeasPayload(job=row(job_id)))

    @mutation(need=WRITES)
    async def create_idea(self, info: Info, input: CreateIdeaInput) -> CreateIdeaPayload:
        sector_id = public.given("sec", input.sector_id, "input", "sectorId")
        cluster_id = optional_id("clu", optional(input.cluster_id), "input", "clusterId")
        keyword_ids = id_list("key", optional(input.keyword_ids), "input", "keywordIds")
        async with info.context.writing() as write:
            idea_id = await ideas.create(
                write.session,
                write.viewer.account_id,
                _given(input),
                sector_id=sector_id,
                cluster_id=cluster_id,
                keyword_ids=keyword_ids,
            )
            return write.answered(CreateIdeaPayload(idea=row(idea_id)))

    @mutation(need=WRITES)
    async def update_idea(self, info: Info, input: UpdateIdeaInput) -> UpdateIdeaPayload:
        idea_id = public.given("ide", input.id, "input", "id")
        cluster_id = kept_id("clu", input.cluster_id, "input", "clusterId")
        keywords = input.keyword_ids
        fields = IdeaFields(
            title=kept(input.title),
            description=kept(input.description),
            priority=kept(input.priority),
            target_keyword=kept(input.target_keyword),
            content_type=kept(input.content_type),
            content_structure=kept(input.content_structure),
            estimated_word_count=kept(input.estimated_word_count),
            outline=_sections(input.outline),
        )
        keyword_ids = KEEP if keywords is UNSET else id_list("key", keywords, "input", "keywordIds")
        async with info.context.writing() as write:
            await ideas.update(
                write.session,
                write.viewer.account_id,
                idea_id,
                fields,
                cluster_id=cluster_id,
                keyword_ids=keyword_ids,
                status=kept(input.status),
            )
            return write.answered(UpdateIdeaPayload(idea=row(idea_id)))

    @mutation(
        need=WRITES,
        description="At most 1,000 of one site. Their tasks refuse it, or stay without their idea with `force`.",
    )
    async def delete_ideas(self, info: Info, ids: list[ID], force: bool | None = None) -> DeleteIdeasPayload:
        given = id_list("ide", ids, "ids")
        async with info.context.writing() as write:
            await ideas.delete(write.session, write.viewer.account_id, given, force=bool(force))
            return write.answered(DeleteIdeasPayload(deleted_ids=[ID(public.show("ide", id_)) for id_ in given]))

    @mutation(
        need=WRITES,
        description="ARCHIVED, or back to what follows from their tasks: NEW without, QUEUED with any, COMPLETED once"
        " one is written. At most 1,000 of one site.",
    )
    async def set_ideas_status(self, info: Info, ids: list[ID], status: IdeaStatus) -> SetIdeasStatusPayload:
        given = id_list("ide", ids, "ids")
        async with info.context.writing() as write:
            await ideas.set_status(write.session, write.viewer.account_id, given, status)
            return write.answered(SetIdeasStatusPayload(ideas=rows(given)))
