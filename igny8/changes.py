"""The log of what changed: what the change feed, webhooks, automation and the audit read.

`record` remembers; the transaction writes all of it just before it commits (`flush`), because the cursor is the
next value of a counter row, and the row's lock makes cursors rise in commit order (sequences do not).
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, Uuid, func, insert, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base, new_id


class ChangeKind(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class ChangeCounter(Base):
    """The last cursor of a scope: a site, or the account for what belongs to no site."""

    __tablename__ = "change_counter"
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class Change(Base):
    """One kind of change to rows of one type, in one transaction."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("kind IN ('CREATED', 'UPDATED', 'DELETED')", name="kind"),
        Index("uq_change_cursor", "account_id", "scope_id", "cursor", unique=True),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scope_id: Mapped[UUID]
    site_id: Mapped[UUID | None]
    cursor: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    node_type: Mapped[str]
    node_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    action: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    actor_id: Mapped[UUID | None]
    request_id: Mapped[str]
    ip_address: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(server_default=func.now())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made the changes of a transaction; a user of the system account may act on another account."""

    account_id: UUID
    user_id: UUID | None
    request_id: str
    ip_address: str | None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class _Noted:
    kind: ChangeKind
    node_type: str
    ids: tuple[UUID, ...]
    site_id: UUID | None
    details: dict[str, Any] = field(default_factory=dict)


_ACTOR, _NOTED, _SHARING = "actor", "changes", "rows that share the counter"

Write = Callable[[AsyncSession, int], Awaitable[None]]


def begin(session: AsyncSession, actor: Actor) -> None:
    """Say who acts in this transaction; must come before the first `record`."""
    session.info[_ACTOR] = actor
    session.info[_NOTED] = []
    session.info[_SHARING] = []


def actor_of(session: AsyncSession) -> Actor:
    actor: Actor = session.info[_ACTOR]
    return actor


def record(
    session: AsyncSession,
    kind: ChangeKind,
    node_type: str,
    ids: Sequence[UUID],
    *,
    site_id: UUID | None = None,
    **details: str | int | bool | None,
) -> None:
    """Note that rows of a type changed; bulk work is one call. `details` must hold nothing secret."""
    session.info[_NOTED].append(_Noted(kind, node_type, tuple(ids), site_id, details))


def concern(session: AsyncSession, types: Collection[str]) -> bool:
    """Whether rows of one of these types were recorded and are not written yet."""
    return any(change.node_type in types for change in session.info[_NOTED])


#: Without the mapper, which does nothing for these rows but take its time.
_INSERT: Final = insert(Change.metadata.tables[Change.__tablename__])


def share(session: AsyncSession, scope_id: UUID, write: Write) -> None:
    """Have `write` called at the end of the transaction, with a cursor of the scope that is its own."""
    session.info[_SHARING].append((scope_id, write))


async def flush(session: AsyncSession) -> None:
    """Write what was recorded: the last statements of a transaction, scopes in one order against deadlocks."""
    noted: list[_Noted] = session.info[_NOTED]
    sharing: list[tuple[UUID, Write]] = session.info[_SHARING]
    actor = actor_of(session)
    await session.flush()
    scopes = {change.site_id or actor.account_id for change in noted} | {scope_id for scope_id, _ in sharing}
    for scope_id in sorted(scopes):
        mine = [change for change in noted if (change.site_id or actor.account_id) == scope_id]
        writes = [write for scope, write in sharing if scope == scope_id]
        cursor = await _take(session, actor.account_id, scope_id, len(mine) + len(writes))
        if mine:
            rows = [_row(actor, scope_id, change, cursor + number) for number, change in enumerate(mine)]
            await session.execute(_INSERT, rows)
        for number, write in enumerate(writes, start=len(mine)):
            await write(session, cursor + number)
    noted.clear()
    sharing.clear()


_TAKE: Final = text("""
    INSERT INTO change_counter AS counter (account_id, scope_id, value) VALUES (:account, :scope, :wanted)
    ON CONFLICT (account_id, scope_id) DO UPDATE SET value = counter.value + excluded.value
    RETURNING value
""")


async def _take(session: AsyncSession, account_id: UUID, scope_id: UUID, wanted: int) -> int:
    """The first of the next cursors of a scope."""
    values = {"account": account_id, "scope": scope_id, "wanted": wanted}
    last: int = (await session.execute(_TAKE, values)).scalar_one()
    return last - wanted + 1


def _row(actor: Actor, scope_id: UUID, change: _Noted, cursor: int) -> dict[str, Any]:
    return {
        "account_id": actor.account_id,
        "id": new_id(),
        "scope_id": scope_id,
        "site_id": change.site_id,
        "cursor": cursor,
        "kind": change.kind.value,
        "node_type": change.node_type,
        "node_ids": list(change.ids),
        "action": actor.action,
        "details": change.details,
        "actor_id": actor.user_id,
        "request_id": actor.request_id,
        "ip_address": actor.ip_address,
    }
