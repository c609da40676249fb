"""Joins the domains' parts by hand, so that the whole graph can be seen in one place."""

from typing import Annotated

import strawberry
from sqlalchemy import func
from strawberry.schema.config import StrawberryConfig

from igny8.access import Audience
from igny8.auth.graphql.jobs import JobOfAccount, SiteJobs, SiteSubscription
from igny8.auth.graphql.members import MemberMutation
from igny8.auth.graphql.queries import AuthQuery
from igny8.auth.graphql.signing_in import SigningInMutation
from igny8.auth.graphql.sites import SiteMutation
from igny8.auth.graphql.types import Account, Sector, Site
from igny8.billing.graphql.ledger import LedgerMutation, LedgerQuery
from igny8.billing.graphql.plans import AccountBilling, BillingMutation, BillingQuery
from igny8.estimating.graphql import EstimatingQuery
from igny8.exporting.graphql.exports import ExportMutation, ExportReport
from igny8.files.graphql.uploads import UploadMutation
from igny8.gql.jobs.mutations import JobMutation
from igny8.gql.jobs.subscriptions import JobSubscription
from igny8.gql.jobs.types import Job, JobQuery
from igny8.gql.read.checks import check
from igny8.gql.read.declare import Node, extend, node_by_id, nodes_by_id, sql
from igny8.gql.read.objects import KIND_KEY
from igny8.gql.read.plans import sources_of
from igny8.gql.scalars import SCALARS
from igny8.onboarding.graphql import OnboardingMutation
from igny8.planner.graphql.clustering import ClusteringMutation, ClusteringReport
from igny8.planner.graphql.clusters import ClusterMutation
from igny8.planner.graphql.ideas import IdeaMutation, IdeasReport
from igny8.planner.graphql.keywords import ImportReport, KeywordMutation
from igny8.planner.graphql.types import Cluster, ContentIdea, Keyword, PlannerQuery, SectorPlanner, SitePlanner
from igny8.signed import SignedAddresses
from igny8.system.graphql.mutations import SystemMutation
from igny8.system.graphql.queries import SystemQuery
from igny8.system.graphql.types import SectorSystem
from igny8.writer.graphql.contents import ContentMutation
from igny8.writer.graphql.from_ideas import FromIdeasMutation
from igny8.writer.graphql.images import ImageMutation
from igny8.writer.graphql.tasks import TaskMutation
from igny8.writer.graphql.types import ClusterWriter, IdeaWriter, KeywordWriter, SectorWriter, SiteWriter, WriterQuery
from igny8.writer.graphql.writing import WritingMutation

JobOutcome = Annotated[ImportReport | ClusteringReport | IdeasReport | ExportReport, strawberry.union("JobOutcome")]


@strawberry.type
class OutcomeOfJob:
    """What the domains have to say about their jobs."""

    outcome: JobOutcome | None = sql(
        lambda job: job.outcome.op("||")(func.jsonb_build_object(KIND_KEY, job.outcome_type)),
        description="What the job has to report when it has ended.",
    )


extend(Job, JobOfAccount, OutcomeOfJob)
extend(Account, AccountBilling)
extend(Site, SiteJobs, SitePlanner, SiteWriter)
extend(Sector, SectorSystem, SectorPlanner, SectorWriter)
extend(Keyword, KeywordWriter)
extend(Cluster, ClusterWriter)
extend(ContentIdea, IdeaWriter)


@strawberry.type
class Query(AuthQuery, JobQuery, BillingQuery, LedgerQuery, SystemQuery, PlannerQuery, WriterQuery, EstimatingQuery):
    """Everything that can be read."""

    node: Node | None = node_by_id(need=Audience.SIGNED_IN, description="Any object you may read, by its id.")
    nodes: list[Node | None] = nodes_by_id(
        need=Audience.SIGNED_IN, description="At most 100 objects by their ids, in their order."
    )


@strawberry.type
class Mutation(
    OnboardingMutation,
    SigningInMutation,
    MemberMutation,
    SiteMutation,
    JobMutation,
    BillingMutation,
    LedgerMutation,
    SystemMutation,
    KeywordMutation,
    ClusteringMutation,
    UploadMutation,
    ImageMutation,
    TaskMutation,
    ContentMutation,
    WritingMutation,
    ClusterMutation,
    IdeaMutation,
    FromIdeasMutation,
    ExportMutation,
):
    """Everything that can be done. Mutations of one request run one after the other."""


@strawberry.type
class Subscription(JobSubscription, SiteSubscription):
    """What can be followed, over WebSockets (graphql-transport-ws) and server-sent events."""


def make_schema(addresses: SignedAddresses | None = None) -> strawberry.Schema:
    """The schema of the API. Raises WrongDeclarations when it does not fit its tables.

    Without `addresses` it can be looked at, and fields that show where files are cannot be read.
    """
    config = StrawberryConfig(default_resolver=lambda value, name: getattr(value, name, None), scalar_map=SCALARS)
    made = strawberry.Schema(Query, Mutation, Subscription, config=config)
    made._schema.extensions["addresses"] = addresses
    check(made._schema, sources_of(made._schema))
    return made
