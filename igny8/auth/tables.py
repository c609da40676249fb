"""Rows of accounts, people, sites and sectors, and of the global industry templates.

Keys of tenant rows are composite and lead with the account, so that a reference cannot even point across.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base, Timestamped, new_id, one_of


class AccountStatus(StrEnum):
    TRIAL = "TRIAL"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"


class UserStatus(StrEnum):
    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class SiteStatus(StrEnum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    SUSPENDED = "SUSPENDED"


class SectorStatus(StrEnum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class SearchIntent(StrEnum):
    INFORMATIONAL = "INFORMATIONAL"
    COMMERCIAL = "COMMERCIAL"
    TRANSACTIONAL = "TRANSACTIONAL"
    NAVIGATIONAL = "NAVIGATIONAL"
    UNKNOWN = "UNKNOWN"


class TokenPurpose(StrEnum):
    """What the secret in a mailed link is good for, once."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105  # the name of a purpose
    INVITATION = "INVITATION"


class Account(Timestamped, Base):
    """A tenant: an agency or a site owner. The system account holds developers and bots."""

    __tablename__ = "account"
    __table_args__ = (
        one_of("status", AccountStatus),
        # There is one system account: a named exception to account-led indexes.
        Index("uq_account_is_system", "is_system", unique=True, postgresql_where=text("is_system")),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    is_system: Mapped[bool] = mapped_column(server_default=text("false"))


class AccountOwned:
    """A row of an account."""

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


def of_user(column: str = "user_id", *, on_delete: str = "CASCADE") -> ForeignKeyConstraint:
    """The composite reference to a user of the same account."""
    return ForeignKeyConstraint(["account_id", column], ["app_user.account_id", "app_user.id"], ondelete=on_delete)


class User(AccountOwned, Timestamped, Base):
    """A person or bot of one account; `email_key` is the address folded for comparison."""

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint(
            "role IN ('DEVELOPER', 'OWNER', 'ADMIN', 'EDITOR', 'VIEWER', 'SYSTEM_BOT')",
            name="role",
        ),
        one_of("status", UserStatus),
        Index("uq_app_user_email_key", "account_id", "email_key", unique=True),
        Index("uq_app_user_owner", "account_id", unique=True, postgresql_where=text("role = 'OWNER'")),
        Index("ix_app_user_created_at", "account_id", text("created_at DESC"), text("id DESC")),
        # Sign-in looks an address up before it knows the account: a named exception to account-led indexes.
        Index("ix_app_user_signin", "email_key"),
    )
    email: Mapped[str]
    email_key: Mapped[str]
    email_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    name: Mapped[str]
    role: Mapped[str]
    status: Mapped[str]
    last_signed_in_at: Mapped[datetime | None]


class Credential(Base):
    """A user's password hash, apart from the user so that only the sign-in role can read it."""

    __tablename__ = "credential"
    __table_args__ = (of_user(),)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Session(AccountOwned, Base):
    """A sign-in on one device; it lives until `expires_at` unless it is revoked."""

    __tablename__ = "session"
    __table_args__ = (of_user(), Index("ix_session_user_id", "account_id", "user_id", "created_at"))
    user_id: Mapped[UUID]
    user_agent: Mapped[str | None]
    ip_address: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RefreshToken(AccountOwned, Base):
    """The digest of one refresh token of a session's family; `used_at` is when it was exchanged."""

    __tablename__ = "refresh_token"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "session_id"], ["session.account_id", "session.id"], ondelete="CASCADE"),
        Index("ix_refresh_token_session_id", "account_id", "session_id"),
        # The digest is all a caller brings: a named exception to account-led indexes.
        Index("uq_refresh_token_digest", "digest", unique=True),
    )
    session_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class MailToken(AccountOwned, Base):
    """The digest of a secret that was mailed: for an invitation, a verification or a reset."""

    __tablename__ = "mail_token"
    __table_args__ = (
        one_of("purpose", TokenPurpose),
        of_user(),
        Index("ix_mail_token_user_id", "account_id", "user_id", "purpose"),
        # The digest is all a caller brings: a named exception to account-led indexes.
        Index("uq_mail_token_digest", "digest", unique=True),
    )
    user_id: Mapped[UUID]
    purpose: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    email: Mapped[str]
    created_by_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Mail(AccountOwned, Base):
    """A mail to be sent after commit. The body is sealed (it holds secrets) and dropped once it is sent."""

    __tablename__ = "mail"
    __table_args__ = (
        # The sender works across accounts: a named exception to account-led indexes.
        Index("ix_mail_due", "next_attempt_at", postgresql_where=text("sent_at IS NULL AND failed_at IS NULL")),
    )
    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class Site(AccountOwned, Timestamped, Base):
    """A website of an account."""

    __tablename__ = "site"
    __table_args__ = (
        one_of("status", SiteStatus),
        Index("uq_site_slug", "account_id", "slug", unique=True),
        Index("ix_site_created_at", "account_id", text("created_at DESC"), text("id DESC")),
        Index("ix_site_name", "account_id", "name", "id"),
    )
    name: Mapped[str]
    slug: Mapped[str]
    domain: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="ACTIVE")
    language: Mapped[str]
    timezone: Mapped[str]
    industry_id: Mapped[UUID | None] = mapped_column(ForeignKey("industry.id"))
    wp_url: Mapped[str | None]
    wp_username: Mapped[str | None]
    wp_app_password: Mapped[bytes | None] = mapped_column(LargeBinary, info={"secret": True})
    has_wp_app_password: Mapped[bool] = mapped_column(Computed("wp_app_password IS NOT NULL", persisted=True))


class SiteOwned(AccountOwned):
    """A row of a site; a table that is referred to adds `in_site()`."""

    site_id: Mapped[UUID]


def of_site() -> ForeignKeyConstraint:
    """The composite reference to a site of the same account."""
    return ForeignKeyConstraint(["account_id", "site_id"], ["site.account_id", "site.id"], ondelete="CASCADE")


def in_site() -> UniqueConstraint:
    """What references inside a site point to: (account_id, site_id, id)."""
    return UniqueConstraint("account_id", "site_id", "id")


class SiteUserAccess(SiteOwned, Base):
    """A grant: this editor or viewer may see this site."""

    __tablename__ = "site_user_access"
    __table_args__ = (
        of_site(),
        of_user(),
        ForeignKeyConstraint(
            ["account_id", "granted_by_id"],
            ["app_user.account_id", "app_user.id"],
            ondelete="SET NULL (granted_by_id)",
        ),
        Index("uq_site_user_access_user", "account_id", "user_id", "site_id", unique=True),
        Index("ix_site_user_access_site", "account_id", "site_id", text("granted_at DESC"), text("id DESC")),
        Index("ix_site_user_access_granted_by", "account_id", "granted_by_id"),
    )
    user_id: Mapped[UUID]
    granted_by_id: Mapped[UUID | None]
    granted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Sector(SiteOwned, Timestamped, Base):
    """A part of a site's subject: where keywords, clusters and content live."""

    __tablename__ = "sector"
    __table_args__ = (
        one_of("status", SectorStatus),
        of_site(),
        in_site(),
        Index("uq_sector_slug", "account_id", "site_id", "slug", unique=True),
        Index("ix_sector_created_at", "account_id", "site_id", text("created_at DESC"), text("id DESC")),
    )
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="ACTIVE")
    industry_sector_id: Mapped[UUID | None] = mapped_column(ForeignKey("industry_sector.id"))


class Industry(Base):
    """A template for sites. Global: operators load it, everybody reads it."""

    __tablename__ = "industry"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str | None]


class IndustrySector(Base):
    """A template for sectors of sites of one industry."""

    __tablename__ = "industry_sector"
    __table_args__ = (UniqueConstraint("industry_id", "slug"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    industry_id: Mapped[UUID] = mapped_column(ForeignKey("industry.id", ondelete="CASCADE"))
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]


class SeedKeyword(Base):
    """A keyword that a sector made from a template may begin with."""

    __tablename__ = "seed_keyword"
    __table_args__ = (
        one_of("intent", SearchIntent),
        CheckConstraint("difficulty BETWEEN 0 AND 100", name="difficulty"),
        CheckConstraint("volume >= 0", name="volume"),
        UniqueConstraint("industry_sector_id", "keyword"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    industry_sector_id: Mapped[UUID] = mapped_column(ForeignKey("industry_sector.id", ondelete="CASCADE"))
    keyword: Mapped[str]
    volume: Mapped[int | None] = mapped_column(Integer)
    difficulty: Mapped[int | None] = mapped_column(Integer)
    intent: Mapped[str]
