"""Accounts with credits, holds and usage to test with."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import text

from igny8 import credits
from igny8.credits import CreditEntry, CreditHold, OperationType, TransactionType, Wallet
from igny8.db import Database, LoginRole, new_id
from tests.support.tenants import new_account, rows_of


async def funded(db: Database, amount: int) -> UUID:
    """An account with so many credits."""
    account_id = await new_account(db)
    await bought(db, account_id, amount)
    return account_id


async def bought(db: Database, account_id: UUID, amount: int) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        await credits.grant(
            session,
            account_id,
            amount,
            key=f"bought:{new_id()}",
            transaction_type=TransactionType.PURCHASE,
            description="Bought",
        )


async def held(db: Database, account_id: UUID, amount: int) -> UUID:
    """A job that holds so many credits."""
    job_id = new_id()
    async with db.session(LoginRole.SYSTEM) as session:
        await credits.hold(session, account_id, amount, job_id=job_id)
    return job_id


async def settled(
    db: Database, account_id: UUID, job_id: UUID, used: int, *, said: str = "Work", user_id: UUID | None = None
) -> int:
    async with db.session(LoginRole.SYSTEM) as session:
        return await credits.settle(session, account_id, job_id, used, description=said, user_id=user_id)


async def noted(
    db: Database,
    account_id: UUID,
    operation: OperationType,
    used: int,
    *,
    job_id: UUID | None = None,
    cost: str | None = None,
    site_id: UUID | None = None,
    user_id: UUID | None = None,
) -> UUID:
    """An operation in the usage log."""
    async with db.session(LoginRole.SYSTEM) as session:
        return await credits.note_usage(
            session,
            account_id,
            operation,
            used,
            cost_usd=None if cost is None else Decimal(cost),
            provider="openai",
            model="gpt-5-mini",
            tokens_input=1200,
            tokens_output=340,
            job_id=job_id,
            site_id=site_id,
            user_id=user_id,
        )


async def wallet(db: Database, account_id: UUID) -> tuple[int, int]:
    """Balance, and what is held of it."""
    async with db.session(LoginRole.SYSTEM) as session:
        found = await session.get_one(Wallet, account_id)
        return found.balance, found.held


async def hold_of(db: Database, account_id: UUID, job_id: UUID) -> tuple[str, int, int]:
    async with db.session(LoginRole.SYSTEM) as session:
        found = await session.get_one(CreditHold, (account_id, job_id))
        return found.state, found.amount, found.captured


async def count_of_holds(db: Database, account_id: UUID) -> int:
    async with db.session(LoginRole.SYSTEM) as session:
        counted = text("SELECT count(*) FROM credit_hold WHERE account_id = :account_id")
        found: int = (await session.execute(counted, {"account_id": account_id})).scalar_one()
        return found


async def ledger(db: Database, account_id: UUID) -> list[tuple[int, str, int, int]]:
    """Number, type, amount and the balance after, in order."""
    entries = await rows_of(db, CreditEntry, account_id)
    return sorted((entry.number, entry.transaction_type, entry.amount, entry.balance_after) for entry in entries)
