"""Idempotency keys: a mutation sent twice with one key happens once and answers the same.

The key is taken in the mutation's own transaction, before anything else is written; a second sender waits on it
and then finds the stored answer. Failed mutations store nothing, so they can be sent again.
"""

import hmac
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ForeignKey, LargeBinary, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base
from igny8.errors import Conflict, ValidationFailed

MAX_KEY_LENGTH = 255


class IdempotencyKey(Base):
    """What a mutation answered; `answer` is null only inside the transaction that makes it."""

    __tablename__ = "idempotency_key"
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    input_digest: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Replay(Exception):
    """The mutation was carried out before: `answer` is what it said then."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__("carried out before")
        self.answer = answer


def digest(secret: bytes, user_id: UUID, mutation: str, arguments: object) -> bytes:
    """What has to be the same for a key to be used again: the user, the mutation and its input.

    Keyed, because inputs hold passwords: who reads the table must not be able to guess them.
    """
    said = [str(user_id), mutation, arguments]
    return hmac.digest(secret, orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str), "sha256")


def checked_key(key: str) -> str:
    """The key a client sent. Raises ValidationFailed for one that cannot be stored."""
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise ValidationFailed(f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable characters.")
    return key


async def take(session: AsyncSession, account_id: UUID, key: str, input_digest: bytes) -> None:
    """Claim the key in this transaction. Raises Replay when it was used for the same input, Conflict for another."""
    row = insert(IdempotencyKey).values(account_id=account_id, key=key, input_digest=input_digest)
    claimed = await session.execute(row.on_conflict_do_nothing().returning(IdempotencyKey.key))
    if claimed.scalar_one_or_none() is None:
        await look(session, account_id, key, input_digest)


async def look(session: AsyncSession, account_id: UUID, key: str, input_digest: bytes) -> None:
    """As `take`, without claiming a key that is free."""
    stored = select(IdempotencyKey.input_digest, IdempotencyKey.answer).where(
        IdempotencyKey.account_id == account_id, IdempotencyKey.key == key
    )
    found = (await session.execute(stored)).one_or_none()
    if found is None:
        return
    was_digest, answer = found
    if was_digest != input_digest or answer is None:
        raise Conflict("This Idempotency-Key was used for another request. Use a new key for new input.")
    raise Replay(answer)


async def store(session: AsyncSession, account_id: UUID, key: str, answer: dict[str, Any]) -> None:
    """Keep what the mutation answers, in the transaction that took the key."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.account_id == account_id, IdempotencyKey.key == key)
        .values(answer=answer)
    )
