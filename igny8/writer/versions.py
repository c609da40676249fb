"""Versions of contents: every save leaves a copy behind, which can be compared with others and gone back to."""

from uuid import UUID

from sqlalchemy import insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.db import new_id
from igny8.writer.tables import Content, Revision, RevisionAuthor

#: What a version holds, and what going back to it brings back.
KEPT = ("title", "slug", "html_content", "excerpt", "meta_title", "meta_description", "tags", "categories")


async def keep(
    session: AsyncSession,
    account_id: UUID,
    content_id: UUID,
    author: RevisionAuthor,
    *,
    user_id: UUID | None = None,
    job_id: UUID | None = None,
    note: str | None = None,
) -> None:
    """Keep the content as it is now, in the transaction that has saved it and raised its version."""
    made = {"id": new_id(), "author": author.value, "user_id": user_id, "job_id": job_id, "note": note}
    copied = ("account_id", "site_id", "version", *KEPT)
    source = select(
        Content.id,
        *(Content.__table__.c[name] for name in copied),
        *(literal(value, Revision.__table__.c[name].type).label(name) for name, value in made.items()),
    ).where(Content.account_id == account_id, Content.id == content_id)
    await session.execute(insert(Revision).from_select(["content_id", *copied, *made], source))
