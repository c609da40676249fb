"""Rows of keywords, clusters and ideas. What is derived from other rows is kept by triggers of the migrations."""

from decimal import Decimal
from enum import StrEnum
from typing import Any
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
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from igny8.auth.tables import SearchIntent, SiteOwned, in_site
from igny8.db import Base, Timestamped, one_of


class KeywordStatus(StrEnum):
    NEW = "NEW"
    CLUSTERED = "CLUSTERED"
    ARCHIVED = "ARCHIVED"


class KeywordSource(StrEnum):
    MANUAL = "MANUAL"
    IMPORT = "IMPORT"
    TEMPLATE = "TEMPLATE"
    AUTOMATION = "AUTOMATION"


class ClusterStatus(StrEnum):
    NEW = "NEW"
    MAPPED = "MAPPED"
    ARCHIVED = "ARCHIVED"


class IdeaStatus(StrEnum):
    NEW = "NEW"
    QUEUED = "QUEUED"
    COMPLETED = "COMPLETED"
    ARCHIVED = "ARCHIVED"


class ContentType(StrEnum):
    POST = "POST"
    PAGE = "PAGE"
    PRODUCT = "PRODUCT"
    SERVICE = "SERVICE"
    TAXONOMY = "TAXONOMY"


class ContentStructure(StrEnum):
    ARTICLE = "ARTICLE"
    GUIDE = "GUIDE"
    COMPARISON = "COMPARISON"
    REVIEW = "REVIEW"
    LISTICLE = "LISTICLE"
    LANDING_PAGE = "LANDING_PAGE"
    BUSINESS_PAGE = "BUSINESS_PAGE"
    SERVICE_PAGE = "SERVICE_PAGE"
    GENERAL = "GENERAL"
    CLUSTER_HUB = "CLUSTER_HUB"
    PRODUCT_PAGE = "PRODUCT_PAGE"
    CATEGORY_ARCHIVE = "CATEGORY_ARCHIVE"
    TAG_ARCHIVE = "TAG_ARCHIVE"
    ATTRIBUTE_ARCHIVE = "ATTRIBUTE_ARCHIVE"


class SectorOwned(SiteOwned):
    """A row of a sector."""

    sector_id: Mapped[UUID]


def of_sector() -> ForeignKeyConstraint:
    """The composite reference to a sector of the same site."""
    return ForeignKeyConstraint(
        ["account_id", "site_id", "sector_id"],
        ["sector.account_id", "sector.site_id", "sector.id"],
        ondelete="CASCADE",
    )


def inside_site(column: str, table: str, *, on_delete: str | None = None) -> ForeignKeyConstraint:
    """The composite reference to another row of the same site; by default cleared when that row goes."""
    return ForeignKeyConstraint(
        ["account_id", "site_id", column],
        [f"{table}.account_id", f"{table}.site_id", f"{table}.id"],
        ondelete=on_delete or f"SET NULL ({column})",
    )


def newest_in(table: str, scope: str) -> Index:
    """The index of the default order within a scope."""
    return Index(f"ix_{table}_{scope}", "account_id", scope, text("created_at DESC"), text("id DESC"))


class Keyword(SectorOwned, Timestamped, Base):
    """A search phrase; `keyword_key` is it folded for comparison (NFKC, lower case, single spaces)."""

    __tablename__ = "keyword"
    __table_args__ = (
        of_sector(),
        in_site(),
        one_of("intent", SearchIntent),
        one_of("status", KeywordStatus),
        one_of("source", KeywordSource),
        CheckConstraint("volume >= 0", name="volume"),
        CheckConstraint("difficulty BETWEEN 0 AND 100", name="difficulty"),
        Index("uq_keyword_key", "account_id", "site_id", "sector_id", "keyword_key", unique=True),
        newest_in("keyword", "site_id"),
        newest_in("keyword", "sector_id"),
        Index("ix_keyword_created_at", "account_id", text("created_at DESC"), text("id DESC")),
        Index("ix_keyword_volume", "account_id", text("volume DESC NULLS LAST"), text("id DESC")),
        Index("ix_keyword_difficulty", "account_id", "difficulty", "id"),
        Index("ix_keyword_keyword", "account_id", "keyword", "id"),
        # For what is rare, and for counts; entries share their keys and take a few bytes a row.
        Index("ix_keyword_status", "account_id", "status", "site_id"),
        Index("ix_keyword_source", "account_id", "source", "site_id"),
        Index("ix_keyword_intent", "account_id", "intent", "site_id"),
        Index("ix_keyword_clusters_count", "account_id", "clusters_count", "site_id"),
    )
    keyword: Mapped[str] = mapped_column(Text(collation="C"))
    keyword_key: Mapped[str] = mapped_column(Text(collation="C"))
    volume: Mapped[int | None] = mapped_column(Integer)
    difficulty: Mapped[int | None] = mapped_column(Integer)
    cpc: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    intent: Mapped[str] = mapped_column(server_default="UNKNOWN")
    status: Mapped[str] = mapped_column(server_default="NEW")
    source: Mapped[str] = mapped_column(server_default="MANUAL")
    serp_urls: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    clusters_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class Cluster(SectorOwned, Timestamped, Base):
    """Keywords of one meaning. Counts and sums are those of its keywords, always."""

    __tablename__ = "cluster"
    __table_args__ = (
        of_sector(),
        in_site(),
        one_of("status", ClusterStatus),
        one_of("dominant_intent", SearchIntent),
        Index("uq_cluster_name", "account_id", "site_id", "sector_id", func.lower(text("name")), unique=True),
        newest_in("cluster", "site_id"),
        newest_in("cluster", "sector_id"),
        Index("ix_cluster_volume", "account_id", "site_id", text("volume DESC"), text("id DESC")),
    )
    name: Mapped[str] = mapped_column(Text(collation="C"))
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="NEW")
    locked: Mapped[bool] = mapped_column(server_default=text("false"))
    keywords_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    volume: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    difficulty: Mapped[float | None] = mapped_column(Float)
    dominant_intent: Mapped[str] = mapped_column(server_default="UNKNOWN")
    mixed_intent: Mapped[bool] = mapped_column(server_default=text("false"))


class KeywordCluster(Base):
    """That a keyword is in a cluster; both are of one site."""

    __tablename__ = "keyword_cluster"
    __table_args__ = (
        inside_site("keyword_id", "keyword", on_delete="CASCADE"),
        inside_site("cluster_id", "cluster", on_delete="CASCADE"),
        Index("ix_keyword_cluster_cluster_id", "account_id", "cluster_id", "keyword_id"),
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    keyword_id: Mapped[UUID] = mapped_column(primary_key=True)
    cluster_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]


class Idea(SectorOwned, Timestamped, Base):
    """A piece of content that could be written."""

    __tablename__ = "content_idea"
    __table_args__ = (
        of_sector(),
        in_site(),
        inside_site("cluster_id", "cluster"),
        one_of("status", IdeaStatus),
        one_of("content_type", ContentType),
        one_of("content_structure", ContentStructure),
        newest_in("content_idea", "site_id"),
        newest_in("content_idea", "sector_id"),
        newest_in("content_idea", "cluster_id"),
    )
    cluster_id: Mapped[UUID | None]
    title: Mapped[str] = mapped_column(Text(collation="C"))
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="NEW")
    priority: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    target_keyword: Mapped[str | None]
    content_type: Mapped[str] = mapped_column(server_default="POST")
    content_structure: Mapped[str] = mapped_column(server_default="ARTICLE")
    estimated_word_count: Mapped[int | None] = mapped_column(Integer)
    outline: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))


class IdeaKeyword(Base):
    """That an idea is meant for a keyword."""

    __tablename__ = "idea_keyword"
    __table_args__ = (
        inside_site("idea_id", "content_idea", on_delete="CASCADE"),
        inside_site("keyword_id", "keyword", on_delete="CASCADE"),
        Index("ix_idea_keyword_keyword_id", "account_id", "keyword_id", "idea_id"),
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    idea_id: Mapped[UUID] = mapped_column(primary_key=True)
    keyword_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
