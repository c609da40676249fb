"""Versions of a content, what differs between them, and how a model wrote it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, Integer, and_, cast, func, literal_column
from strawberry import lazy

from igny8.access import Permission
from igny8.auth.graphql.types import User
from igny8.errors import BadRequest
from igny8.gql.jobs.types import Job
from igny8.gql.read.conditions import select_from
from igny8.gql.read.declare import Node, column, computed, one, rows, sql
from igny8.writer import diffing
from igny8.writer import tables as t
from igny8.writer.diffing import DiffKind
from igny8.writer.graphql.types import READ, Content

strawberry.enum(DiffKind)
strawberry.enum(t.RevisionAuthor)


@strawberry.type(description="A run of text that both versions have, or the newer (INSERT) or older (DELETE) alone.")
class DiffHunk:
    kind: DiffKind
    text: str


def _html_of(revision: Any, against: Any = None) -> ColumnElement[Any]:
    """The HTML of the version to compare with."""
    version = func.coalesce(cast(against, Integer), revision.version - literal_column("1"))
    other = select_from(t.Revision, t.Revision.html_content).where(
        and_(t.Revision.account_id == revision.account_id, t.Revision.content_id == revision.content_id),
        t.Revision.version == version,
    )
    return other.scalar_subquery()


def _diff(html: str, other: str | None, against: int | None = None) -> list[DiffHunk]:
    if other is None and against is not None:
        raise BadRequest(f"This content has no version {against} to compare with.")
    return [
        {"kind": hunk.kind.value, "text": hunk.text}  # type: ignore[misc]  # as the compiler wants objects
        for hunk in diffing.hunks(other or "", html)
    ]


@rows(t.Revision, prefix="rev", need=READ)
class ContentRevision(Node):
    """A version of a content as it was saved; the newest one is what the content is now."""

    content: Annotated["Content", lazy("igny8.writer.graphql.types")] = one()
    version: int
    title: str
    slug: str
    html_content: str
    excerpt: str | None
    meta_title: str | None
    meta_description: str | None
    tags: list[str]
    categories: list[str]
    author: t.RevisionAuthor
    user: User | None = one()
    job: Job | None = one()
    note: str | None
    created_at: datetime
    diff: list[DiffHunk] = computed(
        _diff,
        needs={"html": lambda revision: revision.html_content, "other": _html_of},
        description="How the HTML came from that of version `against`, or of the version before.",
    )


@rows(t.Generation, need=READ)
class GenerationRecord:
    """How a piece of content was made."""

    provider: str
    model: str
    prompt_version: int | None = column(description="Of the prompt; 0 is the built-in one, null the request's own.")
    tokens_input: int | None
    tokens_output: int | None
    cost_usd: Decimal | None = sql(
        lambda record: record.cost_usd,
        need=Permission.BILLING_READ,
        description="What the calls cost; null when the price of one is not known.",
    )
    credits_used: int
    job: Job | None = one()
    generated_at: datetime
