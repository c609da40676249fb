"""Rows of tasks, contents and images."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from igny8.auth.tables import SiteOwned, in_site, of_user
from igny8.db import Base, Timestamped, one_of
from igny8.planner.tables import (
    ContentStructure,
    ContentType,
    SectorOwned,
    inside_site,
    newest_in,
    of_sector,
)
from igny8.system.tables import ImageStyle


class TaskStatus(StrEnum):
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class ContentStatus(StrEnum):
    DRAFT = "DRAFT"
    REVIEW = "REVIEW"
    PUBLISHED = "PUBLISHED"
    ARCHIVED = "ARCHIVED"


class ContentSource(StrEnum):
    IGNY8 = "IGNY8"
    WORDPRESS = "WORDPRESS"
    CUSTOM = "CUSTOM"


class SyncStatus(StrEnum):
    NATIVE = "NATIVE"
    IMPORTED = "IMPORTED"
    SYNCED = "SYNCED"


class RevisionAuthor(StrEnum):
    """Who or what made a version of a content."""

    AI = "AI"
    USER = "USER"
    LINKER = "LINKER"
    OPTIMIZER = "OPTIMIZER"
    SYNC = "SYNC"
    RESTORE = "RESTORE"


class ImageType(StrEnum):
    FEATURED = "FEATURED"
    IN_ARTICLE = "IN_ARTICLE"


class ImageStatus(StrEnum):
    PENDING = "PENDING"
    GENERATING = "GENERATING"
    GENERATED = "GENERATED"
    FAILED = "FAILED"


def of_account_row(column: str, table: str) -> ForeignKeyConstraint:
    """The composite reference to a row of the account that belongs to no site; cleared when that row goes."""
    return ForeignKeyConstraint(
        ["account_id", column], [f"{table}.account_id", f"{table}.id"], ondelete=f"SET NULL ({column})"
    )


class Task(SectorOwned, Timestamped, Base):
    """A piece of content to be written. Triggers of the migrations move its status with jobs and contents."""

    __tablename__ = "task"
    __table_args__ = (
        of_sector(),
        in_site(),
        inside_site("cluster_id", "cluster"),
        inside_site("idea_id", "content_idea"),
        of_account_row("author_profile_id", "author_profile"),
        of_account_row("strategy_id", "strategy"),
        one_of("status", TaskStatus),
        one_of("content_type", ContentType),
        one_of("content_structure", ContentStructure),
        CheckConstraint("word_count_target > 0", name="word_count_target"),
        newest_in("task", "site_id"),
        newest_in("task", "sector_id"),
        newest_in("task", "cluster_id"),
        newest_in("task", "idea_id"),
        Index("ix_task_author_profile_id", "account_id", "author_profile_id"),
        Index("ix_task_strategy_id", "account_id", "strategy_id"),
    )
    cluster_id: Mapped[UUID | None]
    idea_id: Mapped[UUID | None]
    title: Mapped[str] = mapped_column(Text(collation="C"))
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="QUEUED")
    priority: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    content_type: Mapped[str] = mapped_column(server_default="POST")
    content_structure: Mapped[str] = mapped_column(server_default="ARTICLE")
    word_count_target: Mapped[int | None] = mapped_column(Integer)
    target_keyword: Mapped[str | None]
    due_at: Mapped[datetime | None]
    author_profile_id: Mapped[UUID | None]
    strategy_id: Mapped[UUID | None]


class TaskKeyword(Base):
    """That a task is meant for a keyword."""

    __tablename__ = "task_keyword"
    __table_args__ = (
        inside_site("task_id", "task", on_delete="CASCADE"),
        inside_site("keyword_id", "keyword", on_delete="CASCADE"),
        Index("ix_task_keyword_keyword_id", "account_id", "keyword_id", "task_id"),
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    keyword_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]


class Content(SectorOwned, Timestamped, Base):
    """A written piece; at most one for a task."""

    __tablename__ = "content"
    __table_args__ = (
        of_sector(),
        in_site(),
        inside_site("cluster_id", "cluster"),
        inside_site("task_id", "task"),
        of_account_row("author_profile_id", "author_profile"),
        one_of("status", ContentStatus),
        one_of("content_type", ContentType),
        one_of("content_structure", ContentStructure),
        one_of("source", ContentSource),
        one_of("sync_status", SyncStatus),
        Index("uq_content_slug", "account_id", "site_id", func.lower(text("slug")), unique=True),
        Index("uq_content_task_id", "account_id", "task_id", unique=True),
        newest_in("content", "site_id"),
        newest_in("content", "sector_id"),
        newest_in("content", "cluster_id"),
        Index("ix_content_author_profile_id", "account_id", "author_profile_id"),
    )
    cluster_id: Mapped[UUID | None]
    task_id: Mapped[UUID | None]
    author_profile_id: Mapped[UUID | None]
    title: Mapped[str] = mapped_column(Text(collation="C"))
    slug: Mapped[str]
    html_content: Mapped[str]
    excerpt: Mapped[str | None]
    word_count: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(server_default="DRAFT")
    content_type: Mapped[str] = mapped_column(server_default="POST")
    content_structure: Mapped[str] = mapped_column(server_default="ARTICLE")
    source: Mapped[str] = mapped_column(server_default="IGNY8")
    sync_status: Mapped[str] = mapped_column(server_default="NATIVE")
    language: Mapped[str]
    meta_title: Mapped[str | None]
    meta_description: Mapped[str | None]
    primary_keyword: Mapped[str | None]
    secondary_keywords: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    score: Mapped[float | None] = mapped_column(Float)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    wp_post_id: Mapped[int | None] = mapped_column(BigInteger)
    external_id: Mapped[str | None]
    external_url: Mapped[str | None]
    published_at: Mapped[datetime | None]
    generated_at: Mapped[datetime | None]


class Revision(SiteOwned, Base):
    """A version of a content as it was saved, the newest one included; never changed."""

    __tablename__ = "content_revision"
    __table_args__ = (
        inside_site("content_id", "content", on_delete="CASCADE"),
        of_user(on_delete="SET NULL (user_id)"),
        of_account_row("job_id", "job"),
        one_of("author", RevisionAuthor),
        UniqueConstraint("account_id", "content_id", "version"),
        Index("ix_content_revision_user_id", "account_id", "user_id"),
        Index("ix_content_revision_job_id", "account_id", "job_id"),
    )
    content_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(Integer)
    title: Mapped[str]
    slug: Mapped[str]
    html_content: Mapped[str]
    excerpt: Mapped[str | None]
    meta_title: Mapped[str | None]
    meta_description: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text))
    author: Mapped[str]
    user_id: Mapped[UUID | None]
    job_id: Mapped[UUID | None]
    note: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Generation(Base):
    """How a content was written by a model, the last time that it was."""

    __tablename__ = "content_generation"
    __table_args__ = (
        inside_site("content_id", "content", on_delete="CASCADE"),
        of_account_row("job_id", "job"),
        Index("ix_content_generation_job_id", "account_id", "job_id"),
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    content_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    provider: Mapped[str]
    model: Mapped[str]
    prompt_version: Mapped[int | None] = mapped_column(Integer)
    tokens_input: Mapped[int | None] = mapped_column(Integer)
    tokens_output: Mapped[int | None] = mapped_column(Integer)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(12, 6))
    credits_used: Mapped[int] = mapped_column(Integer)
    job_id: Mapped[UUID | None]
    generated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Image(SectorOwned, Timestamped, Base):
    """A picture of a content or task: a prompt first, a file later."""

    __tablename__ = "image"
    __table_args__ = (
        of_sector(),
        in_site(),
        inside_site("content_id", "content", on_delete="CASCADE"),
        inside_site("task_id", "task"),
        one_of("image_type", ImageType),
        one_of("status", ImageStatus),
        one_of("style", ImageStyle),
        newest_in("image", "site_id"),
        newest_in("image", "sector_id"),
        newest_in("image", "content_id"),
        newest_in("image", "task_id"),
    )
    content_id: Mapped[UUID | None]
    task_id: Mapped[UUID | None]
    image_type: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="PENDING")
    style: Mapped[str | None]
    prompt: Mapped[str]
    alt_text: Mapped[str | None]
    position: Mapped[int | None] = mapped_column(Integer)
    mime_type: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(Integer)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    provider: Mapped[str | None]
    model: Mapped[str | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(12, 6))
