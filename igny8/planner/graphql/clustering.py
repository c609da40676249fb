"""Clustering as a job, and what it reports."""

import strawberry
from sqlalchemy import Text, Uuid, cast, column, func, select
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.billing import prices
from igny8.gql.arguments import id_list, optional, optional_id
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.gql.read.declare import listed
from igny8.planner import clustering
from igny8.planner.clustering import Wanted
from igny8.planner.clustering_job import ClusteringMethod
from igny8.planner.graphql.types import Keyword
from igny8.system.connections import require_connection
from igny8.system.tables import IntegrationType

strawberry.enum(ClusteringMethod)


@strawberry.input(description="Either `keywordIds` (1 to 1,000 of one sector) or `sectorId`: all its NEW keywords.")
class ClusterKeywordsInput:
    keyword_ids: list[ID] | None = UNSET
    sector_id: ID | None = UNSET
    method: ClusteringMethod | None = strawberry.field(
        default=UNSET, description="AI unless it is said; the others are free."
    )
    preview: bool | None = strawberry.field(
        default=UNSET, description="Write nothing: the proposals are the job's outcome."
    )
    prompt_override: str | None = UNSET


@strawberry.type
class ClusterProposal:
    name: str
    description: str | None
    keyword_ids: list[ID]
    score: float = strawberry.field(description="0 to 1: how alike the keywords are in their words.")


@strawberry.type(description="What a clustering run did, or proposes with `preview`.")
class ClusteringReport:
    proposals: list[ClusterProposal]
    left_over: list[Keyword] = listed(
        lambda report, keyword: keyword.id.in_(
            select(cast(func.substr(column("value", Text), 5), Uuid())).select_from(
                func.jsonb_array_elements_text(report["leftOver"]).table_valued("value").render_derived()
            )
        ),
        most=1_000,
        description="Keywords that fit nowhere; the first 1,000.",
    )
    clusters_created: int
    clusters_extended: int
    requests: int = strawberry.field(description="Requests to the model.")


@strawberry.type
class ClusterKeywordsPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class ClusteringMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Group keywords by meaning, as a job. AI costs the price of CLUSTERING for each 200 keywords.",
    )
    async def cluster_keywords(self, info: Info, input: ClusterKeywordsInput) -> ClusterKeywordsPayload:
        method, settings = optional(input.method) or ClusteringMethod.AI, info.context.services.settings
        keyword_ids = id_list("key", optional(input.keyword_ids), "input", "keywordIds")
        async with info.context.writing() as write:
            account_id = write.viewer.account_id
            if method is ClusteringMethod.AI:
                await require_connection(write.session, account_id, IntegrationType.OPENAI, settings)
            wanted = Wanted(
                keyword_ids if optional(input.keyword_ids) is not None else None,
                optional_id("sec", optional(input.sector_id), "input", "sectorId"),
                method,
            )
            job_id = await clustering.start(
                write.session,
                account_id,
                wanted,
                await prices.current(write.session, settings),
                preview=optional(input.preview) or False,
                prompt_override=optional(input.prompt_override),
                started_by=None if write.viewer.acts_abroad else write.viewer.user_id,
            )
            return write.answered(ClusterKeywordsPayload(job=row(job_id)))
