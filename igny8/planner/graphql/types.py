"""Keywords, clusters and ideas in the schema, and the edges they add to sites and sectors."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, and_, func, literal_column, not_, or_
from strawberry import ID, UNSET, lazy

from igny8.access import Permission
from igny8.auth.graphql.types import Sector, Site
from igny8.auth.tables import SearchIntent
from igny8.gql.read.conditions import by_id, search, select_from, through
from igny8.gql.read.declarations import Reference
from igny8.gql.read.declare import Connection, Node, many, one, ordering, roots, rows, sql, where
from igny8.gql.scalars import BigInt, DateTimeFilter, IntFilter
from igny8.planner import tables as t

for _enum in (t.KeywordStatus, t.KeywordSource, t.ClusterStatus, t.IdeaStatus, t.ContentType, t.ContentStructure):
    strawberry.enum(_enum)

READ = Permission.CONTENT_READ


def _in_clusters(keyword: Any, cluster_ids: Any) -> ColumnElement[bool]:
    link = t.KeywordCluster
    linked = select_from(link, link.keyword_id).where(
        link.account_id == keyword.account_id, link.cluster_id == func.any(cluster_ids)
    )
    return keyword.id.in_(linked)  # type: ignore[no-any-return]  # a condition


def _ideas_of(cluster: Any) -> ColumnElement[Any]:
    counted = select_from(t.Idea, func.count()).where(
        t.Idea.account_id == cluster.account_id, t.Idea.cluster_id == cluster.id
    )
    return counted.scalar_subquery()


def _is_clustered(keyword: Any, wanted: Any) -> ColumnElement[bool]:
    none: ColumnElement[int] = literal_column("0")
    return or_(and_(wanted, keyword.clusters_count > none), and_(not_(wanted), keyword.clusters_count == none))


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class KeywordFilter:
    ids: Annotated[list[ID] | None, Reference("key", "id")] = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "site_id")] = UNSET
    sector_id: Annotated[list[ID] | None, Reference("sec", "sector_id")] = UNSET
    cluster_id: Annotated[list[ID] | None, Reference("clu", "id")] = where(_in_clusters)
    search: str | None = search("keyword_key", folded=True, description="Part of the keyword.")
    status: list[t.KeywordStatus] | None = UNSET
    intent: list[SearchIntent] | None = UNSET
    source: list[t.KeywordSource] | None = UNSET
    clustered: bool | None = where(_is_clustered, description="Whether it is in any cluster.")
    volume: IntFilter | None = UNSET
    difficulty: IntFilter | None = UNSET
    created_at: DateTimeFilter | None = UNSET
    updated_at: DateTimeFilter | None = UNSET


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class ClusterFilter:
    ids: Annotated[list[ID] | None, Reference("clu", "id")] = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "site_id")] = UNSET
    sector_id: Annotated[list[ID] | None, Reference("sec", "sector_id")] = UNSET
    search: str | None = search("name", description="Part of the name.")
    status: list[t.ClusterStatus] | None = UNSET
    volume: IntFilter | None = UNSET
    keywords_count: IntFilter | None = UNSET
    locked: bool | None = UNSET
    created_at: DateTimeFilter | None = UNSET
    updated_at: DateTimeFilter | None = UNSET


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class ContentIdeaFilter:
    ids: Annotated[list[ID] | None, Reference("ide", "id")] = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "site_id")] = UNSET
    sector_id: Annotated[list[ID] | None, Reference("sec", "sector_id")] = UNSET
    cluster_id: Annotated[list[ID] | None, Reference("clu", "cluster_id")] = UNSET
    search: str | None = search("title", description="Part of the title.")
    status: list[t.IdeaStatus] | None = UNSET
    content_type: list[t.ContentType] | None = UNSET
    priority: IntFilter | None = UNSET
    created_at: DateTimeFilter | None = UNSET
    updated_at: DateTimeFilter | None = UNSET


KeywordOrder = ordering(
    "KeywordOrder",
    created_at=lambda k: k.created_at,
    keyword=lambda k: k.keyword,
    volume=lambda k: k.volume,
    difficulty=lambda k: k.difficulty,
)
ClusterOrder = ordering(
    "ClusterOrder",
    created_at=lambda c: c.created_at,
    name=lambda c: c.name,
    volume=lambda c: c.volume,
    keywords_count=lambda c: c.keywords_count,
    difficulty=lambda c: c.difficulty,
)
ContentIdeaOrder = ordering(
    "ContentIdeaOrder", created_at=lambda i: i.created_at, priority=lambda i: i.priority, title=lambda i: i.title
)


@rows(t.Keyword, prefix="key", need=READ)
class Keyword(Node):
    """A search phrase."""

    keyword: str
    volume: int | None = strawberry.field(description="Searches a month.")
    difficulty: int | None = strawberry.field(description="0 (easy) to 100.")
    cpc: Decimal | None
    intent: SearchIntent
    status: t.KeywordStatus
    source: t.KeywordSource
    serp_urls: list[str] = strawberry.field(
        description="Result pages seen for this keyword, best first; imported, used by SERP_OVERLAP."
    )
    site: Site = one()
    sector: Sector = one()
    clusters: Connection[Annotated["Cluster", lazy("igny8.planner.graphql.types")]] = many(
        through(t.KeywordCluster, "keyword_id", "cluster_id")
    )
    ideas: Connection[Annotated["ContentIdea", lazy("igny8.planner.graphql.types")]] = many(
        through(t.IdeaKeyword, "keyword_id", "idea_id")
    )
    created_at: datetime
    updated_at: datetime


@strawberry.type(description="A heading of an outline, and what to say below it.")
class OutlineSection:
    heading: str
    level: int
    notes: str | None


@rows(t.Idea, prefix="ide", need=READ)
class ContentIdea(Node):
    """A piece of content that could be written."""

    title: str
    description: str | None
    status: t.IdeaStatus
    priority: int
    target_keyword: str | None
    content_type: t.ContentType
    content_structure: t.ContentStructure
    estimated_word_count: int | None
    outline: list[OutlineSection]
    cluster: Annotated["Cluster", lazy("igny8.planner.graphql.types")] | None = one()
    site: Site = one()
    sector: Sector = one()
    keywords: Connection[Keyword] = many(through(t.IdeaKeyword, "idea_id", "keyword_id"))
    created_at: datetime
    updated_at: datetime


@rows(t.Cluster, prefix="clu", need=READ)
class Cluster(Node):
    """Keywords of one meaning."""

    name: str
    description: str | None
    status: t.ClusterStatus
    locked: bool = strawberry.field(description="A locked cluster is left alone when keywords are clustered again.")
    keywords_count: int
    volume: BigInt = strawberry.field(description="The sum of its keywords' searches a month.")
    difficulty: float | None = strawberry.field(description="The mean of its keywords', weighted by volume.")
    dominant_intent: SearchIntent
    mixed_intent: bool
    ideas_count: int = sql(_ideas_of, never_null=True)
    site: Site = one()
    sector: Sector = one()
    keywords: Connection[Keyword] = many(
        through(t.KeywordCluster, "cluster_id", "keyword_id"), filter=KeywordFilter, order=KeywordOrder
    )
    ideas: Connection[ContentIdea] = many(
        lambda cluster, idea: idea.cluster_id == cluster.id, filter=ContentIdeaFilter, order=ContentIdeaOrder
    )
    created_at: datetime
    updated_at: datetime


@strawberry.type
class SitePlanner:
    """What this domain adds to `Site`."""

    keyword: Keyword | None = one(by_id("key", "site_id"))
    cluster: Cluster | None = one(by_id("clu", "site_id"))
    idea: ContentIdea | None = one(by_id("ide", "site_id"))
    keywords: Connection[Keyword] = many(lambda s, k: k.site_id == s.id, filter=KeywordFilter, order=KeywordOrder)
    clusters: Connection[Cluster] = many(lambda s, c: c.site_id == s.id, filter=ClusterFilter, order=ClusterOrder)
    ideas: Connection[ContentIdea] = many(
        lambda s, i: i.site_id == s.id, filter=ContentIdeaFilter, order=ContentIdeaOrder
    )


@strawberry.type
class SectorPlanner:
    """What this domain adds to `Sector`."""

    keywords: Connection[Keyword] = many(lambda s, k: k.sector_id == s.id, filter=KeywordFilter, order=KeywordOrder)
    clusters: Connection[Cluster] = many(lambda s, c: c.sector_id == s.id, filter=ClusterFilter, order=ClusterOrder)
    ideas: Connection[ContentIdea] = many(
        lambda s, i: i.sector_id == s.id, filter=ContentIdeaFilter, order=ContentIdeaOrder
    )


@strawberry.type
class PlannerQuery:
    keywords: Connection[Keyword] = roots(need=READ, filter=KeywordFilter, order=KeywordOrder)
    clusters: Connection[Cluster] = roots(need=READ, filter=ClusterFilter, order=ClusterOrder)
    ideas: Connection[ContentIdea] = roots(need=READ, filter=ContentIdeaFilter, order=ContentIdeaOrder)
