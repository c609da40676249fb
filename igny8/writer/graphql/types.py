"""Tasks, contents and images in the schema, and the edges they add to what lies below them."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, literal_column, select
from strawberry import ID, UNSET, lazy

from igny8.access import Permission
from igny8.auth.graphql.types import Sector, Site
from igny8.gql.jobs.types import NEWEST as NEWEST_JOB
from igny8.gql.jobs.types import Job
from igny8.gql.read.conditions import by_id, equal, search, select_from, through
from igny8.gql.read.declarations import Reference
from igny8.gql.read.declare import Connection, Node, many, one, ordering, root, roots, rows, sql, where
from igny8.gql.scalars import BigInt, DateTimeFilter, FloatFilter, IntFilter
from igny8.jobs import tables as jobs
from igny8.planner import tables as planner
from igny8.planner.graphql.types import Cluster, ContentIdea, Keyword
from igny8.planner.tables import ContentStructure, ContentType
from igny8.system.graphql.types import AuthorProfile, Strategy
from igny8.system.tables import ImageStyle
from igny8.writer import tables as t

if TYPE_CHECKING:
    from igny8.writer.graphql.revisions import ContentRevision, GenerationRecord

for _enum in (
    t.TaskStatus,
    t.ContentStatus,
    t.ContentSource,
    t.SyncStatus,
    t.ImageType,
    t.ImageStatus,
):
    strawberry.enum(_enum)

READ = Permission.CONTENT_READ
NEWEST_VERSION = (("VERSION", lambda revision: revision.version, True),)


def _has_content(task: Any, wanted: Any) -> ColumnElement[bool]:
    written = select_from(t.Content, t.Content.id).where(
        t.Content.account_id == task.account_id, t.Content.task_id == task.id
    )
    return equal(written.exists(), wanted)


def _of_idea(content: Any, idea_ids: Any) -> ColumnElement[bool]:
    tasks = select_from(t.Task, t.Task.id).where(
        t.Task.account_id == content.account_id, t.Task.idea_id == func.any(idea_ids)
    )
    return equal(content.task_id.in_(tasks), literal_column("true"))


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class TaskFilter:
    ids: Annotated[list[ID] | None, Reference("tsk", "id")] = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "site_id")] = UNSET
    sector_id: Annotated[list[ID] | None, Reference("sec", "sector_id")] = UNSET
    cluster_id: Annotated[list[ID] | None, Reference("clu", "cluster_id")] = UNSET
    idea_id: Annotated[list[ID] | None, Reference("ide", "idea_id")] = UNSET
    search: str | None = search("title", description="Part of the title.")
    status: list[t.TaskStatus] | None = UNSET
    content_type: list[ContentType] | None = UNSET
    has_content: bool | None = where(_has_content)
    due_at: DateTimeFilter | None = UNSET
    created_at: DateTimeFilter | None = UNSET
    updated_at: DateTimeFilter | None = UNSET


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class ContentFilter:
    ids: Annotated[list[ID] | None, Reference("con", "id")] = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "site_id")] = UNSET
    sector_id: Annotated[list[ID] | None, Reference("sec", "sector_id")] = UNSET
    cluster_id: Annotated[list[ID] | None, Reference("clu", "cluster_id")] = UNSET
    task_id: Annotated[list[ID] | None, Reference("tsk", "task_id")] = UNSET
    idea_id: Annotated[list[ID] | None, Reference("ide", "id")] = where(_of_idea)
    author_profile_id: Annotated[list[ID] | None, Reference("aut", "author_profile_id")] = UNSET
    search: str | None = search("title", description="Part of the title.")
    status: list[t.ContentStatus] | None = UNSET
    source: list[t.ContentSource] | None = UNSET
    sync_status: list[t.SyncStatus] | None = UNSET
    content_type: list[ContentType] | None = UNSET
    tag: list[str] | None = where(lambda c, tags: c.tags.overlap(tags), description="Has one of these tags.")
    category: list[str] | None = where(
        lambda c, categories: c.categories.overlap(categories), description="Is in one of these categories."
    )
    language: list[str] | None = UNSET
    external_id: list[str] | None = UNSET
    word_count: IntFilter | None = UNSET
    score: FloatFilter | None = UNSET
    published_at: DateTimeFilter | None = UNSET
    created_at: DateTimeFilter | None = UNSET
    updated_at: DateTimeFilter | None = UNSET


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class ImageFilter:
    ids: Annotated[list[ID] | None, Reference("img", "id")] = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "site_id")] = UNSET
    content_id: Annotated[list[ID] | None, Reference("con", "content_id")] = UNSET
    task_id: Annotated[list[ID] | None, Reference("tsk", "task_id")] = UNSET
    image_type: list[t.ImageType] | None = UNSET
    status: list[t.ImageStatus] | None = UNSET
    created_at: DateTimeFilter | None = UNSET


TaskOrder = ordering(
    "TaskOrder",
    created_at=lambda x: x.created_at,
    priority=lambda x: x.priority,
    title=lambda x: x.title,
    due_at=lambda x: x.due_at,
    status=lambda x: x.status,
)
ContentOrder = ordering(
    "ContentOrder",
    created_at=lambda c: c.created_at,
    updated_at=lambda c: c.updated_at,
    published_at=lambda c: c.published_at,
    title=lambda c: c.title,
    word_count=lambda c: c.word_count,
    score=lambda c: c.score,
)
ImageOrder = ordering("ImageOrder", created_at=lambda i: i.created_at, position=lambda i: i.position)


@rows(t.Image, prefix="img", need=READ)
class Image(Node):
    """A picture of a content or task: a prompt first, a file later."""

    image_type: t.ImageType
    status: t.ImageStatus
    style: ImageStyle | None
    prompt: str
    alt_text: str | None
    position: int | None
    mime_type: str | None
    bytes: int | None
    width: int | None
    height: int | None
    provider: str | None
    model: str | None
    cost_usd: Decimal | None = sql(lambda i: i.cost_usd, need=Permission.BILLING_READ)
    task: Annotated["Task", lazy("igny8.writer.graphql.types")] | None = one()
    content: Annotated["Content", lazy("igny8.writer.graphql.types")] | None = one()
    site: Site = one()
    sector: Sector = one()
    created_at: datetime
    updated_at: datetime


def _latest_about(task: Any, job: Any) -> ColumnElement[bool]:
    item = jobs.JobItem
    latest = select_from(item, item.job_id).where(item.account_id == task.account_id, item.subject_id == task.id)
    return equal(job.id, latest.order_by(item.id.desc()).limit(literal_column("1")).scalar_subquery())


@rows(t.Task, prefix="tsk", need=READ)
class Task(Node):
    """A piece of content to be written."""

    title: str
    description: str | None
    status: t.TaskStatus
    priority: int
    content_type: ContentType
    content_structure: ContentStructure
    word_count_target: int | None
    target_keyword: str | None
    due_at: datetime | None
    site: Site = one()
    sector: Sector = one()
    cluster: Cluster | None = one()
    idea: ContentIdea | None = one()
    keywords: Connection[Keyword] = many(through(t.TaskKeyword, "task_id", "keyword_id"))
    content: Annotated["Content", lazy("igny8.writer.graphql.types")] | None = one(
        lambda task, content: content.task_id == task.id
    )
    images: Connection[Image] = many(lambda task, image: image.task_id == task.id)
    author_profile: AuthorProfile | None = one()
    strategy: Strategy | None = one()
    latest_job: Job | None = one(_latest_about)
    created_at: datetime
    updated_at: datetime


def _idea_of(content: Any, idea: Any) -> ColumnElement[bool]:
    task = select_from(t.Task, t.Task.idea_id).where(
        t.Task.account_id == content.account_id, t.Task.id == content.task_id
    )
    return equal(idea.id, task.scalar_subquery())


def _concerns(content: Any, job: Any) -> ColumnElement[bool]:
    item, result = jobs.JobItem, jobs.JobResult
    worked_on = select_from(item, item.job_id).where(
        item.account_id == content.account_id, item.subject_id == content.id
    )
    made = select_from(result, result.job_id).where(
        result.account_id == content.account_id, result.result_id == content.id
    )
    return equal(job.id.in_(worked_on.union_all(made)), literal_column("true"))


@rows(t.Content, prefix="con", need=READ)
class Content(Node):
    """A written piece."""

    title: str
    slug: str
    html_content: str
    excerpt: str | None
    word_count: int
    status: t.ContentStatus
    content_type: ContentType
    content_structure: ContentStructure
    source: t.ContentSource
    sync_status: t.SyncStatus
    language: str
    meta_title: str | None
    meta_description: str | None
    primary_keyword: str | None
    secondary_keywords: list[str]
    tags: list[str]
    categories: list[str]
    score: float | None = strawberry.field(description="Overall of the newest analysis.")
    version: int = strawberry.field(
        description="Rises by one with every saved change; pass it back to updateContent to be told of a conflict."
    )
    wp_post_id: BigInt | None
    external_id: str | None
    external_url: str | None
    published_at: datetime | None
    generated_at: datetime | None
    task: Task | None = one()
    idea: ContentIdea | None = one(_idea_of)
    cluster: Cluster | None = one()
    site: Site = one()
    sector: Sector = one()
    author_profile: AuthorProfile | None = one()
    images: Connection[Image] = many(lambda content, image: image.content_id == content.id, filter=ImageFilter)
    revisions: Connection[Annotated["ContentRevision", lazy("igny8.writer.graphql.revisions")]] = many(
        lambda content, revision: revision.content_id == content.id,
        default=NEWEST_VERSION,
        description="What was saved, the newest version first.",
    )
    generation: Annotated["GenerationRecord", lazy("igny8.writer.graphql.revisions")] | None = one(
        lambda content, record: record.content_id == content.id,
        description="How a model wrote it, the last time that one did.",
    )
    jobs: Connection[Job] = many(
        _concerns, default=NEWEST_JOB, description="Jobs that worked on it, or made or changed it."
    )
    created_at: datetime
    updated_at: datetime


@strawberry.type(description="How far the work of a site or sector has come, stage by stage.")
class PipelineStats:
    keywords: int
    keywords_clustered: int
    clusters: int
    ideas: int
    tasks: int
    tasks_completed: int
    contents: int
    contents_published: int
    images: int
    words: BigInt
    search_volume: BigInt
    search_volume_covered: BigInt


def _stats(scope: str) -> Any:
    """The counts below a site or sector as one document, each from one scan of an index."""

    def read(owner: Any) -> ColumnElement[Any]:
        def counted(table: type[Any], **measures: Any) -> Any:
            columns = [measure.label(name) for name, measure in measures.items()]
            mine = (table.account_id == owner.account_id, getattr(table, scope) == owner.id)
            return select_from(table, *columns).where(*mine).subquery()

        keyword, task, content = planner.Keyword, t.Task, t.Content
        clustered = keyword.status == planner.KeywordStatus.CLUSTERED.value
        parts = [
            counted(
                keyword,
                keywords=func.count(),
                keywordsClustered=func.count().filter(clustered),
                searchVolume=func.coalesce(func.sum(keyword.volume), 0),
                searchVolumeCovered=func.coalesce(func.sum(keyword.volume).filter(clustered), 0),
            ),
            counted(planner.Cluster, clusters=func.count()),
            counted(planner.Idea, ideas=func.count()),
            counted(
                task,
                tasks=func.count(),
                tasksCompleted=func.count().filter(task.status == t.TaskStatus.COMPLETED.value),
            ),
            counted(
                content,
                contents=func.count(),
                contentsPublished=func.count().filter(content.status == t.ContentStatus.PUBLISHED.value),
                words=func.coalesce(func.sum(cast(content.word_count, BigInteger)), 0),
            ),
            counted(t.Image, images=func.count()),
        ]
        pairs: list[Any] = []
        for column in (column for part in parts for column in part.c):
            pairs += [literal_column(f"'{column.name}'"), column]
        document = select(func.jsonb_build_object(*pairs)).select_from(*parts)
        return document.correlate_except(*parts).scalar_subquery()

    return sql(read, never_null=True)


@strawberry.type
class SiteWriter:
    """What this domain adds to `Site`."""

    stats: PipelineStats = _stats("site_id")
    task: Task | None = one(by_id("tsk", "site_id"))
    image: Image | None = one(by_id("img", "site_id"))
    tasks: Connection[Task] = many(lambda s, x: x.site_id == s.id, filter=TaskFilter, order=TaskOrder)
    contents: Connection[Content] = many(lambda s, c: c.site_id == s.id, filter=ContentFilter, order=ContentOrder)
    images: Connection[Image] = many(lambda s, i: i.site_id == s.id, filter=ImageFilter, order=ImageOrder)


@strawberry.type
class SectorWriter:
    """What this domain adds to `Sector`."""

    stats: PipelineStats = _stats("sector_id")
    tasks: Connection[Task] = many(lambda s, x: x.sector_id == s.id, filter=TaskFilter, order=TaskOrder)
    contents: Connection[Content] = many(lambda s, c: c.sector_id == s.id, filter=ContentFilter, order=ContentOrder)
    images: Connection[Image] = many(lambda s, i: i.sector_id == s.id, filter=ImageFilter, order=ImageOrder)


def _contents_of(cluster: Any) -> ColumnElement[Any]:
    counted = select_from(t.Content, func.count()).where(
        t.Content.account_id == cluster.account_id, t.Content.cluster_id == cluster.id
    )
    return counted.scalar_subquery()


@strawberry.type
class ClusterWriter:
    """What this domain adds to `Cluster`."""

    contents_count: int = sql(_contents_of, never_null=True)
    tasks: Connection[Task] = many(lambda c, x: x.cluster_id == c.id, filter=TaskFilter, order=TaskOrder)
    contents: Connection[Content] = many(
        lambda cluster, content: content.cluster_id == cluster.id, filter=ContentFilter, order=ContentOrder
    )


@strawberry.type
class KeywordWriter:
    """What this domain adds to `Keyword`."""

    tasks: Connection[Task] = many(through(t.TaskKeyword, "keyword_id", "task_id"))


def _content_of_idea(idea: Any, content: Any) -> ColumnElement[bool]:
    tasks = select_from(t.Task, t.Task.id).where(t.Task.account_id == idea.account_id, t.Task.idea_id == idea.id)
    return equal(content.task_id.in_(tasks), literal_column("true"))


@strawberry.type
class IdeaWriter:
    """What this domain adds to `ContentIdea`."""

    tasks: Connection[Task] = many(lambda idea, task: task.idea_id == idea.id)
    contents: Connection[Content] = many(_content_of_idea)


def _content(
    content: Any,
    id: Annotated[ID | None, Reference("con", "id")] = None,
    site_id: Annotated[ID | None, Reference("sit", "site_id")] = None,
    slug: str | None = None,
) -> ColumnElement[bool]:
    if id is None and (site_id is None or slug is None):
        return literal_column("false")
    asked = (
        (content.id, id),
        (content.site_id, site_id),
        (func.lower(content.slug), None if slug is None else func.lower(slug)),
    )
    return and_(*(equal(column, value) for column, value in asked if value is not None))


@strawberry.type
class WriterQuery:
    tasks: Connection[Task] = roots(need=READ, filter=TaskFilter, order=TaskOrder)
    contents: Connection[Content] = roots(need=READ, filter=ContentFilter, order=ContentOrder)
    content: Content | None = root(_content, need=READ, description="By its id, or by its site and slug.")
    images: Connection[Image] = roots(need=READ, filter=ImageFilter, order=ImageOrder)
