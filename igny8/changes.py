"""The log of what changed: what the change feed, webhooks, automation and the audit read.

`record` remembers; the transaction writes all of it just before it commits (`flush`), because the cursor is the
next value of a counter row, and the row's lock makes cursors rise in commit order (sequences do not).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base, fetch_row, new_id


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


class Entry(NamedTuple):
    """A statement that inserts one row with `{cursor}` of the table `taken`, and its values."""

    sql: str
    values: Mapping[str, object]


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


def share(session: AsyncSession, scope_id: UUID, entry: Callable[[], Entry]) -> None:
    """Have another row written at the end of the transaction, with a cursor of the scope that is its own."""
    session.info[_SHARING].append((scope_id, entry))


async def flush(session: AsyncSession) -> None:
    """Write what was recorded: the last statements of a transaction, scopes in one order against deadlocks."""
    noted: list[_Noted] = session.info[_NOTED]
    sharing: list[tuple[UUID, Callable[[], Entry]]] = session.info[_SHARING]
    actor = actor_of(session)
    await session.flush()
    entries: dict[UUID, list[Entry]] = {}
    for change in noted:
        scope_id = change.site_id or actor.account_id
        entries.setdefault(scope_id, []).append(Entry(_CHANGE, _values(actor, scope_id, change)))
    for scope_id, entry in sharing:
        entries.setdefault(scope_id, []).append(entry())
    for scope_id in sorted(entries):
        await _write(session, actor.account_id, scope_id, entries[scope_id])
    noted.clear()
    sharing.clear()


#: Takes the next cursors of a scope; the rows that get them refer to the first as `taken.cursor`.
_TAKE: Final = """
    WITH taken AS (
        INSERT INTO change_counter AS counter (account_id, scope_id, value)
        VALUES (%(account)s, %(scope)s, %(wanted)s)
        ON CONFLICT (account_id, scope_id) DO UPDATE SET value = counter.value + excluded.value
        RETURNING value - %(wanted)s + 1 AS cursor
    )
"""
_VALUE: Final = re.compile(r"%\((\w+)\)s")
#: So many rows are written by one statement.
_AT_ONCE: Final = 10
_CHANGE: Final = """
    INSERT INTO change (account_id, id, scope_id, site_id, cursor, kind, node_type, node_ids, action, details,
        actor_id, request_id, ip_address)
    SELECT %(account_id)s, %(id)s, %(scope_id)s, CAST(%(site_id)s AS uuid), {cursor}, %(kind)s, %(node_type)s,
        %(node_ids)s, %(action)s, %(details)s, CAST(%(actor_id)s AS uuid), %(request_id)s, %(ip_address)s
    FROM taken
"""


async def _write(session: AsyncSession, account_id: UUID, scope_id: UUID, entries: Sequence[Entry]) -> None:
    """Write the rows of a scope, and with them the counter."""
    for start in range(0, len(entries), _AT_ONCE):
        some = entries[start : start + _AT_ONCE]
        values = {f"{name}_{n}": value for n, entry in enumerate(some) for name, value in entry.values.items()}
        asked = {"account": account_id, "scope": scope_id, "wanted": len(some)}
        await fetch_row(session, _together(tuple(entry.sql for entry in some)), values | asked)


@cache
def _together(statements: tuple[str, ...]) -> str:
    """One statement for several, each with names of its own for its values."""
    parts = []
    for n, sql in enumerate(statements):
        numbered = _VALUE.sub(rf"%(\1_{n})s", sql).format(cursor=f"cursor + {n}")
        parts.append(f"entry_{n} AS ({numbered})")
    return f"{_TAKE}, {', '.join(parts)} SELECT"


def _values(actor: Actor, scope_id: UUID, change: _Noted) -> dict[str, object]:
    return {
        "account_id": actor.account_id,
        "id": new_id(),
        "scope_id": scope_id,
        "site_id": change.site_id,
        "kind": change.kind.value,
        "node_type": change.node_type,
        "node_ids": list(change.ids),
        "action": actor.action,
        "details": Jsonb(change.details),
        "actor_id": actor.user_id,
        "request_id": actor.request_id,
        "ip_address": actor.ip_address,
    }
