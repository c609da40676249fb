"""Credits that an operator adds to an account, or takes from it, by hand."""

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, credits, inputs
from igny8.changes import ChangeKind
from igny8.credits import TransactionType, Wallet
from igny8.db import new_id
from igny8.errors import NotFound, ValidationFailed

#: At once; and what an account may have, because clients read it as a 32-bit integer.
MOST_AT_ONCE: Final = 100_000_000
MOST: Final = 2**31 - 1

_BY_HAND: Final = (TransactionType.PURCHASE, TransactionType.REFUND, TransactionType.ADJUSTMENT)


async def adjust(
    session: AsyncSession,
    account_id: UUID,
    amount: int,
    *,
    transaction_type: TransactionType,
    description: str,
    user_id: UUID,
) -> UUID:
    """Change an account's balance and say why; the entry's id. Only an ADJUSTMENT takes credits away.

    Raises ValidationFailed, NotFound, InsufficientCredits (what running jobs hold cannot be taken).
    """
    _check(amount, transaction_type)
    said = inputs.text(description, ("description",), longest=500)
    if said is None:
        raise ValidationFailed("Say what the adjustment is for.", field=("description",))
    wallet = select(Wallet.balance).where(Wallet.account_id == account_id).with_for_update()
    balance = (await session.execute(wallet)).scalar_one_or_none()
    if balance is None:
        raise NotFound("No account with this id.", field=("accountId",))
    if balance + amount > MOST:
        raise ValidationFailed(f"An account can have at most {MOST} credits.", field=("amount",))
    entry_id = await credits.grant(
        session,
        account_id,
        amount,
        key=f"by hand:{new_id()}",
        transaction_type=transaction_type,
        description=said,
        user_id=user_id,
    )
    if entry_id is None:
        raise AssertionError("the key is new")
    changes.record(session, ChangeKind.CREATED, "CreditTransaction", [entry_id], amount=amount)
    changes.record(session, ChangeKind.UPDATED, "Account", [account_id], credits=amount)
    return entry_id


def _check(amount: int, transaction_type: TransactionType) -> None:
    if transaction_type not in _BY_HAND:
        raise ValidationFailed(
            f"{transaction_type} entries are made by the server alone; choose one of {', '.join(_BY_HAND)}.",
            field=("transactionType",),
        )
    if amount == 0 or abs(amount) > MOST_AT_ONCE:
        raise ValidationFailed(
            f"The amount is a number of credits from 1 to {MOST_AT_ONCE}, or below zero to take some away.",
            field=("amount",),
        )
    if amount < 0 and transaction_type is not TransactionType.ADJUSTMENT:
        raise ValidationFailed("Only an ADJUSTMENT takes credits away.", field=("amount",))
