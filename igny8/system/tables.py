"""Rows of prompts, integration settings, author profiles and strategies."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from igny8.auth.tables import AccountOwned, of_site, of_user
from igny8.db import Base, Timestamped, one_of


class PromptType(StrEnum):
    """What a prompt is for."""

    CLUSTERING = "CLUSTERING"
    IDEAS = "IDEAS"
    CONTENT = "CONTENT"
    IMAGE_PROMPTS = "IMAGE_PROMPTS"
    IMAGE_TEMPLATE = "IMAGE_TEMPLATE"
    OPTIMIZE = "OPTIMIZE"
    SITE_STRUCTURE = "SITE_STRUCTURE"
    PAGE_CONTENT = "PAGE_CONTENT"


class IntegrationType(StrEnum):
    """Whose models are called, or whose protocol is spoken at a base address."""

    OPENAI = "OPENAI"
    RUNWARE = "RUNWARE"


class ImageStyle(StrEnum):
    REALISTIC = "REALISTIC"
    ARTISTIC = "ARTISTIC"
    CARTOON = "CARTOON"


class PromptKind(Base):
    """The types of prompts, so that one statement shows those that an account has not changed. Global."""

    __tablename__ = "prompt_kind"
    __table_args__ = (one_of("prompt_type", PromptType),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    prompt_type: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(Integer)


class AIPrompt(AccountOwned, Base):
    """Which version of a prompt an account uses; none is the built-in default. Its row counts the versions."""

    __tablename__ = "ai_prompt"
    __table_args__ = (
        one_of("prompt_type", PromptType),
        of_user("updated_by_id", on_delete="SET NULL (updated_by_id)"),
        CheckConstraint("version BETWEEN 1 AND last_version", name="version"),
        UniqueConstraint("account_id", "prompt_type"),
        Index("ix_ai_prompt_updated_by", "account_id", "updated_by_id"),
    )
    prompt_type: Mapped[str]
    version: Mapped[int | None] = mapped_column(Integer)
    last_version: Mapped[int] = mapped_column(Integer)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by_id: Mapped[UUID | None]


class AIPromptVersion(AccountOwned, Base):
    """A text that an account saved; never changed, because results point to it."""

    __tablename__ = "ai_prompt_version"
    __table_args__ = (
        one_of("prompt_type", PromptType),
        of_user("created_by_id", on_delete="SET NULL (created_by_id)"),
        UniqueConstraint("account_id", "prompt_type", "version"),
        Index("ix_ai_prompt_version_created_by", "account_id", "created_by_id"),
    )
    prompt_type: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    value: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by_id: Mapped[UUID | None]


class IntegrationSettings(AccountOwned, Timestamped, Base):
    """An account's own access to a provider. The key is sealed and bound to this row."""

    __tablename__ = "integration_settings"
    __table_args__ = (
        one_of("integration_type", IntegrationType),
        one_of("image_style", ImageStyle),
        CheckConstraint("(api_key IS NULL) = (api_key_last4 IS NULL)", name="api_key_last4"),
        UniqueConstraint("account_id", "integration_type"),
    )
    integration_type: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    api_key: Mapped[bytes | None] = mapped_column(LargeBinary, info={"secret": True})
    api_key_last4: Mapped[str | None]
    has_api_key: Mapped[bool] = mapped_column(Computed("api_key IS NOT NULL", persisted=True))
    base_url: Mapped[str | None]
    text_model: Mapped[str | None]
    image_model: Mapped[str | None]
    image_style: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    last_test: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class AuthorProfile(AccountOwned, Timestamped, Base):
    """A voice to write in. Of an account's profiles exactly one is the default."""

    __tablename__ = "author_profile"
    __table_args__ = (
        Index("uq_author_profile_default", "account_id", unique=True, postgresql_where=text("is_default")),
        Index("uq_author_profile_name", "account_id", text("lower(name)"), unique=True),
        Index("ix_author_profile_created_at", "account_id", text("created_at DESC"), text("id DESC")),
    )
    name: Mapped[str]
    description: Mapped[str | None]
    tone: Mapped[str | None]
    language: Mapped[str] = mapped_column(server_default="en")
    instructions: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))


class Strategy(AccountOwned, Timestamped, Base):
    """Instructions for some types of prompts, for the whole account or for one sector."""

    __tablename__ = "strategy"
    __table_args__ = (
        of_site(),
        ForeignKeyConstraint(
            ["account_id", "site_id", "sector_id"],
            ["sector.account_id", "sector.site_id", "sector.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("(site_id IS NULL) = (sector_id IS NULL)", name="sector_id"),
        CheckConstraint(
            "prompt_types <@ ARRAY[" + ", ".join(f"'{member}'" for member in PromptType) + "]", name="prompt_types"
        ),
        Index("uq_strategy_name", "account_id", text("lower(name)"), unique=True),
        Index("ix_strategy_created_at", "account_id", text("created_at DESC"), text("id DESC")),
        Index(
            "ix_strategy_sector_id", "account_id", "site_id", "sector_id", text("created_at DESC"), text("id DESC")
        ),
    )
    site_id: Mapped[UUID | None]
    sector_id: Mapped[UUID | None]
    name: Mapped[str]
    description: Mapped[str | None]
    prompt_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    instructions: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
