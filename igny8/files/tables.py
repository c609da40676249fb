"""Rows of stored files and uploads."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from igny8.auth.tables import SiteOwned, of_site
from igny8.db import Base


def of_file(column: str, *, on_delete: str | None = None) -> ForeignKeyConstraint:
    """The reference to a stored file of the same site: while it is there, the file cannot go."""
    return ForeignKeyConstraint(
        ["account_id", "site_id", column],
        ["stored_file.account_id", "stored_file.site_id", "stored_file.key"],
        ondelete=on_delete,
    )


class StoredFile(Base):
    """A file that is in the store or may be: the row is there before the first byte and goes after the last.

    Nothing refers to a site, because the row has to outlive it. `expires_at` null: something refers to the file; the
    triggers of what does set it when that ends.
    """

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("bytes >= 0", name="bytes"),
        # As storage.new_key makes it: what deletes files never meets another kind of name.
        CheckConstraint(
            r"key ~ ('^' || replace(account_id::text, '-', '') || '/[0-9a-f]{64}\.[a-z]{2,5}$')", name="key"
        ),
        UniqueConstraint("account_id", "site_id", "key"),
        # The pruner works across accounts: a named exception to account-led indexes.
        Index("ix_stored_file_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[UUID | None]
    bytes: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Upload(SiteOwned, Base):
    """A file that a client was allowed to put, once; `bytes` is what it may be long at most."""

    __tablename__ = "upload"
    __table_args__ = (
        of_site(),
        of_file("file_key", on_delete="CASCADE"),
        CheckConstraint("bytes > 0", name="bytes"),
        Index("ix_upload_site_id", "account_id", "site_id"),
        Index("ix_upload_file_key", "account_id", "file_key"),
        # The pruner works across accounts: a named exception to account-led indexes.
        Index("ix_upload_expires_at", "expires_at"),
    )
    filename: Mapped[str]
    mime_type: Mapped[str]
    bytes: Mapped[int] = mapped_column(Integer)
    file_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
