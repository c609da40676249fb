"""The credit ledger: a wallet for each account, and append-only entries whose sum is its balance."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from igny8.db import Base, new_id


class TransactionType(StrEnum):
    PURCHASE = "PURCHASE"
    SUBSCRIPTION = "SUBSCRIPTION"
    REFUND = "REFUND"
    DEDUCTION = "DEDUCTION"
    ADJUSTMENT = "ADJUSTMENT"


class Wallet(Base):
    """What an account has, and what running work has set aside of it; in credits."""

    __tablename__ = "wallet"
    __table_args__ = (CheckConstraint("0 <= held AND held <= balance", name="held"),)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    held: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class CreditEntry(Base):
    """One change of the balance. The application may add entries and never change or delete one."""

    __tablename__ = "credit_entry"
    __table_args__ = (
        CheckConstraint(
            "transaction_type IN ('PURCHASE', 'SUBSCRIPTION', 'REFUND', 'DEDUCTION', 'ADJUSTMENT')",
            name="transaction_type",
        ),
        CheckConstraint("amount <> 0", name="amount"),
        Index("uq_credit_entry_key", "account_id", "key", unique=True),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str]
    transaction_type: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[str]
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


async def grant(
    session: AsyncSession,
    account_id: UUID,
    amount: int,
    *,
    key: str,
    transaction_type: TransactionType,
    description: str,
) -> bool:
    """Add credits once per `key` (for example "trial"); False when that grant was made before."""
    locked = select(Wallet.balance).where(Wallet.account_id == account_id).with_for_update()
    balance = (await session.execute(locked)).scalar_one()
    entry = insert(CreditEntry).values(
        account_id=account_id,
        id=new_id(),
        key=key,
        transaction_type=transaction_type.value,
        amount=amount,
        balance_after=balance + amount,
        description=description,
    )
    made = await session.execute(entry.on_conflict_do_nothing().returning(CreditEntry.id))
    if made.scalar_one_or_none() is None:
        return False
    await session.execute(
        update(Wallet).where(Wallet.account_id == account_id).values(balance=Wallet.balance + amount)
    )
    return True
