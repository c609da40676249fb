"""What can be exported: for each type of record its table and its columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, literal_column, select

from igny8.auth.tables import Sector, Site
from igny8.credits import CreditUsage
from igny8.db import Base
from igny8.gql.read.statement import public_id
from igny8.planner.tables import Cluster, Idea, Keyword, KeywordCluster
from igny8.writer.tables import Content, Image, Task


class ExportType(StrEnum):
    """Which records."""

    KEYWORDS = "KEYWORDS"
    CLUSTERS = "CLUSTERS"
    IDEAS = "IDEAS"
    TASKS = "TASKS"
    CONTENTS = "CONTENTS"
    IMAGES = "IMAGES"
    CREDIT_USAGE = "CREDIT_USAGE"


@dataclass(frozen=True, slots=True)
class Column:
    """A value of a record, by its heading in CSV and its key in JSON; `mark` joins the parts of a list in a cell."""

    heading: str
    key: str
    value: ColumnElement[Any]
    mark: str = "; "


Columns = Callable[[Any], Sequence[Column]]
Condition = Callable[[Any], Sequence[ColumnElement[bool]]]


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one type, in the order in which they were made."""

    table: type[Base]
    columns: Columns
    in_sector: bool = True

    def page(
        self, account_id: UUID, site_id: UUID | None, where: Condition, *, after: UUID | None, most: int
    ) -> tuple[Sequence[Column], Select[Any]]:
        """The columns, and the statement for the next records; its first value is the id to go on after."""
        record = self._record()
        columns = [*self.columns(record), *_about(record, in_sector=self.in_sector)]
        asked = select(record.c.id, *(column.value for column in columns)).where(
            *_mine(record, account_id, site_id), *where(record.c)
        )
        if after is not None:
            asked = asked.where(record.c.id > after)
        return columns, asked.order_by(record.c.id).limit(most)

    def count(self, account_id: UUID, site_id: UUID | None, where: Condition) -> Select[int]:
        record = self._record()
        return select(func.count()).select_from(record).where(*_mine(record, account_id, site_id), *where(record.c))

    def _record(self) -> FromClause:
        return self.table.__table__.alias("record")


def _mine(record: FromClause, account_id: UUID, site_id: UUID | None) -> list[ColumnElement[bool]]:
    mine = [record.c.account_id == account_id]
    return mine if site_id is None else [*mine, record.c.site_id == site_id]


def _named(record: Any, table: type[Site] | type[Sector] | type[Cluster], column: str, name: str = "name") -> Any:
    """The name of the row that a column of the record refers to."""
    other = table.__table__.alias()
    there = and_(other.c.account_id == record.c.account_id, other.c.id == record.c[column])
    return select(other.c[name]).where(there).correlate(record).scalar_subquery()


def _about(record: Any, *, in_sector: bool) -> list[Column]:
    """What every record ends with."""
    columns = [Column("Site", "site", _named(record, Site, "site_id"))]
    if in_sector:
        columns.append(Column("Sector", "sector", _named(record, Sector, "sector_id")))
    return [*columns, Column("Created at", "createdAt", record.c.created_at)]


def _id(prefix: str, column: ColumnElement[Any], heading: str = "ID", key: str = "id") -> Column:
    return Column(heading, key, public_id(prefix, column))


def _keywords(record: Any) -> list[Column]:
    r, link, cluster = record.c, KeywordCluster.__table__.alias(), Cluster.__table__.alias()
    names = (
        select(func.array_agg(cluster.c.name))
        .select_from(
            link.join(cluster, and_(cluster.c.account_id == link.c.account_id, cluster.c.id == link.c.cluster_id))
        )
        .where(link.c.account_id == r.account_id, link.c.keyword_id == r.id)
        .correlate(record)
        .scalar_subquery()
    )
    return [
        Column("Keyword", "keyword", r.keyword),
        Column("Volume", "volume", r.volume),
        Column("Difficulty", "difficulty", r.difficulty),
        Column("CPC", "cpc", r.cpc),
        # An empty cell is what an import leaves as it is, as it does with an intent that nobody knows.
        Column("Intent", "intent", func.nullif(r.intent, literal_column("'UNKNOWN'"))),
        Column("SERP URLs", "serpUrls", r.serp_urls, mark=" "),
        Column("Status", "status", r.status),
        Column("Source", "source", r.source),
        Column("Clusters", "clusters", names),
        _id("key", r.id),
    ]


def _clusters(record: Any) -> list[Column]:
    r = record.c
    return [
        Column("Name", "name", r.name),
        Column("Description", "description", r.description),
        Column("Status", "status", r.status),
        Column("Locked", "locked", r.locked),
        Column("Keywords", "keywordsCount", r.keywords_count),
        Column("Volume", "volume", r.volume),
        Column("Difficulty", "difficulty", r.difficulty),
        Column("Dominant intent", "dominantIntent", r.dominant_intent),
        Column("Mixed intent", "mixedIntent", r.mixed_intent),
        _id("clu", r.id),
    ]


def _ideas(record: Any) -> list[Column]:
    r = record.c
    return [
        Column("Title", "title", r.title),
        Column("Description", "description", r.description),
        Column("Status", "status", r.status),
        Column("Priority", "priority", r.priority),
        Column("Target keyword", "targetKeyword", r.target_keyword),
        Column("Content type", "contentType", r.content_type),
        Column("Content structure", "contentStructure", r.content_structure),
        Column("Estimated words", "estimatedWordCount", r.estimated_word_count),
        Column("Outline", "outline", r.outline),
        Column("Cluster", "cluster", _named(record, Cluster, "cluster_id")),
        _id("ide", r.id),
    ]


def _tasks(record: Any) -> list[Column]:
    r = record.c
    return [
        Column("Title", "title", r.title),
        Column("Description", "description", r.description),
        Column("Status", "status", r.status),
        Column("Priority", "priority", r.priority),
        Column("Target keyword", "targetKeyword", r.target_keyword),
        Column("Content type", "contentType", r.content_type),
        Column("Content structure", "contentStructure", r.content_structure),
        Column("Words wanted", "wordCountTarget", r.word_count_target),
        Column("Due at", "dueAt", r.due_at),
        Column("Cluster", "cluster", _named(record, Cluster, "cluster_id")),
        _id("tsk", r.id),
    ]


def _contents(record: Any) -> list[Column]:
    r = record.c
    return [
        Column("Title", "title", r.title),
        Column("Slug", "slug", r.slug),
        Column("Status", "status", r.status),
        Column("Content type", "contentType", r.content_type),
        Column("Content structure", "contentStructure", r.content_structure),
        Column("Source", "source", r.source),
        Column("Language", "language", r.language),
        Column("Words", "wordCount", r.word_count),
        Column("Score", "score", r.score),
        Column("Primary keyword", "primaryKeyword", r.primary_keyword),
        Column("Secondary keywords", "secondaryKeywords", r.secondary_keywords),
        Column("Meta title", "metaTitle", r.meta_title),
        Column("Meta description", "metaDescription", r.meta_description),
        Column("Tags", "tags", r.tags),
        Column("Categories", "categories", r.categories),
        Column("Excerpt", "excerpt", r.excerpt),
        Column("HTML", "htmlContent", r.html_content),
        Column("Version", "version", r.version),
        Column("Published at", "publishedAt", r.published_at),
        Column("External URL", "externalUrl", r.external_url),
        Column("Cluster", "cluster", _named(record, Cluster, "cluster_id")),
        _id("con", r.id),
    ]


def _images(record: Any) -> list[Column]:
    """Without their addresses, which expire, and what they cost, which not everybody may see."""
    r = record.c
    return [
        Column("Type", "imageType", r.image_type),
        Column("Status", "status", r.status),
        Column("Style", "style", r.style),
        Column("Prompt", "prompt", r.prompt),
        Column("Alternative text", "altText", r.alt_text),
        Column("Position", "position", r.position),
        Column("MIME type", "mimeType", r.mime_type),
        Column("Bytes", "bytes", r.bytes),
        Column("Width", "width", r.width),
        Column("Height", "height", r.height),
        Column("Provider", "provider", r.provider),
        Column("Model", "model", r.model),
        _id("con", r.content_id, "Content ID", "contentId"),
        _id("img", r.id),
    ]


def _usage(record: Any) -> list[Column]:
    r = record.c
    return [
        Column("Operation", "operationType", r.operation_type),
        Column("Credits", "creditsUsed", r.credits_used),
        Column("Cost in USD", "costUsd", r.cost_usd),
        Column("Provider", "provider", r.provider),
        Column("Model", "model", r.model),
        Column("Tokens in", "tokensInput", r.tokens_input),
        Column("Tokens out", "tokensOutput", r.tokens_output),
        _id("job", r.job_id, "Job ID", "jobId"),
        _id("cus", r.id),
    ]


RECORDS: Final[Mapping[ExportType, Records]] = {
    ExportType.KEYWORDS: Records(Keyword, _keywords),
    ExportType.CLUSTERS: Records(Cluster, _clusters),
    ExportType.IDEAS: Records(Idea, _ideas),
    ExportType.TASKS: Records(Task, _tasks),
    ExportType.CONTENTS: Records(Content, _contents),
    ExportType.IMAGES: Records(Image, _images),
    ExportType.CREDIT_USAGE: Records(CreditUsage, _usage, in_sector=False),
}
