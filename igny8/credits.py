"""The credit ledger: wallets, holds of running work, and append-only entries that sum to the balance.

Work sets credits aside before it starts (`hold`) and pays for what it did when it ends, however it ends (`settle`).
Both are one statement that locks the wallet first and the hold after it; callers lock nothing else before them.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base, fetch_row, new_id, one_of
from igny8.errors import InsufficientCredits


class TransactionType(StrEnum):
    PURCHASE = "PURCHASE"
    SUBSCRIPTION = "SUBSCRIPTION"
    REFUND = "REFUND"
    DEDUCTION = "DEDUCTION"
    ADJUSTMENT = "ADJUSTMENT"


class OperationType(StrEnum):
    """What credits are spent on."""

    CLUSTERING = "CLUSTERING"
    IDEA_GENERATION = "IDEA_GENERATION"
    CONTENT_GENERATION = "CONTENT_GENERATION"
    IMAGE_PROMPT_EXTRACTION = "IMAGE_PROMPT_EXTRACTION"
    IMAGE_GENERATION = "IMAGE_GENERATION"
    LINKING = "LINKING"
    OPTIMIZATION = "OPTIMIZATION"
    SITE_STRUCTURE_GENERATION = "SITE_STRUCTURE_GENERATION"
    SITE_PAGE_GENERATION = "SITE_PAGE_GENERATION"


class HoldState(StrEnum):
    PENDING = "PENDING"
    CAPTURED = "CAPTURED"
    RELEASED = "RELEASED"


class Wallet(Base):
    """What an account has, and what running work has set aside of it; in credits. `entries` numbers the ledger."""

    __tablename__ = "wallet"
    __table_args__ = (CheckConstraint("0 <= held AND held <= balance", name="held"),)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    held: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    entries: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class CreditHold(Base):
    """What one job has set aside; settled once, when the job ends. Jobs lie above, so `job_id` is no reference."""

    __tablename__ = "credit_hold"
    __table_args__ = (
        one_of("state", HoldState),
        CheckConstraint("amount > 0 AND captured BETWEEN 0 AND amount", name="amount"),
        CheckConstraint("(state = 'CAPTURED') = (captured > 0)", name="captured"),
        CheckConstraint("(state = 'PENDING') = (settled_at IS NULL)", name="settled_at"),
        Index("ix_credit_hold_pending", "account_id", "created_at", postgresql_where=text("state = 'PENDING'")),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default=HoldState.PENDING.value)
    amount: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]


class CreditEntry(Base):
    """One change of the balance. The application may add entries and never change or delete one.

    `number` counts an account's entries in the order in which they changed its balance.
    """

    __tablename__ = "credit_entry"
    __table_args__ = (
        one_of("transaction_type", TransactionType),
        CheckConstraint("amount <> 0", name="amount"),
        CheckConstraint("(transaction_type = 'DEDUCTION') = (job_id IS NOT NULL)", name="job_id"),
        Index("uq_credit_entry_key", "account_id", "key", unique=True),
        Index("uq_credit_entry_number", "account_id", "number", unique=True),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str]
    transaction_type: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[str]
    job_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CreditUsage(Base):
    """One operation: what it was charged, and what it cost us. `cost_usd` NULL: the price of the model is not known.

    The row outlives its job, its site and its user, so none of them is a reference.
    """

    __tablename__ = "credit_usage"
    __table_args__ = (
        one_of("operation_type", OperationType),
        CheckConstraint("credits_used >= 0", name="credits_used"),
        CheckConstraint("cost_usd >= 0", name="cost_usd"),
        CheckConstraint("tokens_input >= 0 AND tokens_output >= 0", name="tokens"),
        Index("ix_credit_usage_created_at", "account_id", text("created_at DESC"), text("id DESC")),
        Index("ix_credit_usage_site_id", "account_id", "site_id", text("created_at DESC"), text("id DESC")),
        Index("ix_credit_usage_job_id", "account_id", "job_id"),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    operation_type: Mapped[str]
    credits_used: Mapped[int] = mapped_column(Integer)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(12, 6))
    provider: Mapped[str | None]
    model: Mapped[str | None]
    tokens_input: Mapped[int | None] = mapped_column(Integer)
    tokens_output: Mapped[int | None] = mapped_column(Integer)
    job_id: Mapped[UUID | None]
    site_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


HOLD: Final = """
    WITH taken AS (
        UPDATE wallet SET held = held + %(amount)s::bigint
        WHERE account_id = %(account_id)s AND balance - held >= %(amount)s::bigint
        RETURNING account_id
    )
    INSERT INTO credit_hold (account_id, job_id, amount)
    SELECT account_id, %(job_id)s::uuid, %(amount)s::bigint FROM taken
    RETURNING job_id
"""

# The lock is a step of its own: it makes the order wallet -> hold, and whoever waited for it meets the hold as the
# one before has left it.
SETTLE: Final = """
    WITH locked AS (
        SELECT account_id FROM wallet WHERE account_id = %(account_id)s FOR UPDATE
    ), settled AS (
        UPDATE credit_hold AS h SET
            captured = least(%(used)s::bigint, h.amount),
            state = CASE WHEN %(used)s::bigint > 0 THEN 'CAPTURED' ELSE 'RELEASED' END,
            settled_at = now()
        FROM locked
        WHERE h.account_id = locked.account_id AND h.job_id = %(job_id)s AND h.state = 'PENDING'
        RETURNING h.account_id, h.amount, h.captured
    ), paid AS (
        UPDATE wallet AS w SET
            balance = w.balance - s.captured,
            held = w.held - s.amount,
            entries = w.entries + CASE WHEN s.captured > 0 THEN 1 ELSE 0 END
        FROM settled AS s WHERE w.account_id = s.account_id
        RETURNING w.account_id, w.balance, w.entries, s.captured
    ), noted AS (
        INSERT INTO credit_entry
            (account_id, id, number, key, transaction_type, amount, balance_after, description, job_id, user_id)
        SELECT account_id, %(id)s::uuid, entries, %(key)s, 'DEDUCTION', -captured, balance, %(description)s,
            %(job_id)s::uuid, %(user_id)s::uuid
        FROM paid WHERE captured > 0
    )
    SELECT captured FROM paid
"""


async def hold(session: AsyncSession, account_id: UUID, amount: int, *, job_id: UUID) -> None:
    """Set credits aside for a job; nothing when `amount` is 0. Raises InsufficientCredits."""
    if amount < 0:
        raise ValueError("A hold is not negative.")
    if amount == 0:
        return
    values = {"account_id": account_id, "job_id": job_id, "amount": amount}
    while await fetch_row(session, HOLD, values) is None:
        available = await available_to(session, account_id)
        if available < amount:  # else somebody gave back what was missing in between
            raise InsufficientCredits(needed=amount, available=available)


async def settle(
    session: AsyncSession, account_id: UUID, job_id: UUID, used: int, *, description: str, user_id: UUID | None
) -> int:
    """Charge a job for what it used, at most what it holds, and give the rest back; the credits charged.

    Only the first call of a job does so: any later one changes nothing and returns what that one charged. A job
    without a hold is charged nothing.
    """
    if used < 0:
        raise ValueError("What was used is not negative.")
    values = {
        "account_id": account_id,
        "job_id": job_id,
        "used": used,
        "id": new_id(),
        "key": f"job:{job_id}",
        "description": description,
        "user_id": user_id,
    }
    paid: tuple[int] | None = await fetch_row(session, SETTLE, values)
    return await charged_to(session, account_id, job_id) if paid is None else paid[0]


async def lock(session: AsyncSession, account_id: UUID) -> None:
    """Wait for the account's wallet, for those who must lock something else before they settle."""
    await session.execute(select(Wallet.account_id).where(Wallet.account_id == account_id).with_for_update())


async def charged_to(session: AsyncSession, account_id: UUID, job_id: UUID) -> int:
    """What a job was charged; 0 while it runs."""
    its_hold = select(CreditHold.captured).where(CreditHold.account_id == account_id, CreditHold.job_id == job_id)
    return (await session.execute(its_hold)).scalar_one_or_none() or 0


async def available_to(session: AsyncSession, account_id: UUID) -> int:
    """What an account can still spend."""
    free = select(Wallet.balance - Wallet.held).where(Wallet.account_id == account_id)
    return (await session.execute(free)).scalar_one_or_none() or 0


async def note_usage(
    session: AsyncSession,
    account_id: UUID,
    operation_type: OperationType,
    credits_used: int,
    *,
    cost_usd: Decimal | None,
    provider: str | None = None,
    model: str | None = None,
    tokens_input: int | None = None,
    tokens_output: int | None = None,
    job_id: UUID | None,
    site_id: UUID | None,
    user_id: UUID | None,
) -> UUID:
    """Log one operation, in the transaction that keeps its result; the row's id.

    A job's operations must sum to what it is charged in the end: charge none more than its share of the hold.
    """
    usage_id = new_id()
    row = insert(CreditUsage).values(
        account_id=account_id,
        id=usage_id,
        operation_type=operation_type.value,
        credits_used=credits_used,
        cost_usd=cost_usd,
        provider=provider,
        model=model,
        tokens_input=tokens_input,
        tokens_output=tokens_output,
        job_id=job_id,
        site_id=site_id,
        user_id=user_id,
    )
    await session.execute(row)
    return usage_id


async def grant(
    session: AsyncSession,
    account_id: UUID,
    amount: int,
    *,
    key: str,
    transaction_type: TransactionType,
    description: str,
    user_id: UUID | None = None,
) -> UUID | None:
    """Add credits, or take some when `amount` is negative, once per `key` (for example "trial"); the entry's id.

    None when the entry of this key was made before. Raises InsufficientCredits when more is taken than is free.
    """
    locked = select(Wallet.balance, Wallet.held, Wallet.entries).where(Wallet.account_id == account_id)
    wallet = (await session.execute(locked.with_for_update())).one()
    known = select(CreditEntry.id).where(CreditEntry.account_id == account_id, CreditEntry.key == key)
    if (await session.execute(known)).first() is not None:
        return None
    if wallet.balance + amount < wallet.held:
        raise InsufficientCredits(needed=-amount, available=wallet.balance - wallet.held)
    entry_id = new_id()
    entry = insert(CreditEntry).values(
        account_id=account_id,
        id=entry_id,
        number=wallet.entries + 1,
        key=key,
        transaction_type=transaction_type.value,
        amount=amount,
        balance_after=wallet.balance + amount,
        description=description,
        user_id=user_id,
    )
    await session.execute(entry)
    changed = {"balance": wallet.balance + amount, "entries": wallet.entries + 1}
    await session.execute(update(Wallet).where(Wallet.account_id == account_id).values(changed))
    return entry_id
