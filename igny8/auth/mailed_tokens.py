"""Secrets in mailed links: each works once, for a while, and only the newest of its kind does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import tokens
from igny8.auth import tables as t
from igny8.auth.tables import TokenPurpose
from igny8.db import Database, LoginRole, new_id
from igny8.errors import ValidationFailed
from igny8.tokens import SecretKind

LIFETIMES: Final = {
    TokenPurpose.VERIFY_EMAIL: timedelta(hours=24),
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
    TokenPurpose.INVITATION: timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class MailedToken:
    """A token that could be spent a moment ago, and the address that it was mailed to."""

    account_id: UUID
    id: UUID
    user_id: UUID
    purpose: TokenPurpose
    email: str
    created_by_id: UUID | None
    expires_at: datetime


async def issue(
    session: AsyncSession,
    purpose: TokenPurpose,
    *,
    account_id: UUID,
    user_id: UUID,
    email: str,
    created_by_id: UUID | None = None,
) -> str:
    """A secret to mail to this address; earlier ones of the purpose stop working."""
    await _lock_user(session, account_id, user_id)
    await withdraw(session, purpose, account_id=account_id, user_id=user_id)
    secret = tokens.new_secret(SecretKind.MAIL)
    row = insert(t.MailToken).values(
        account_id=account_id,
        id=new_id(),
        user_id=user_id,
        purpose=purpose.value,
        digest=tokens.digest(secret),
        email=email,
        created_by_id=created_by_id,
        expires_at=func.now() + LIFETIMES[purpose],
    )
    await session.execute(row)
    return secret


async def withdraw(session: AsyncSession, purpose: TokenPurpose, *, account_id: UUID, user_id: UUID) -> None:
    """Make the links of this purpose that were mailed to the user worthless."""
    mine = (
        t.MailToken.account_id == account_id,
        t.MailToken.user_id == user_id,
        t.MailToken.purpose == purpose.value,
    )
    await session.execute(delete(t.MailToken).where(*mine))


async def find(db: Database, purpose: TokenPurpose, secret: str) -> MailedToken | None:
    """The token of this purpose that can still be spent."""
    columns = (
        t.MailToken.account_id,
        t.MailToken.id,
        t.MailToken.user_id,
        t.MailToken.email,
        t.MailToken.created_by_id,
        t.MailToken.expires_at,
    )
    wanted = select(*columns).where(
        t.MailToken.digest == tokens.digest(secret),
        t.MailToken.purpose == purpose.value,
        t.MailToken.used_at.is_(None),
        t.MailToken.expires_at > func.now(),
    )
    async with db.session(LoginRole.SIGNIN) as session:
        row = (await session.execute(wanted)).one_or_none()
    if row is None:
        return None
    return MailedToken(row.account_id, row.id, row.user_id, purpose, row.email, row.created_by_id, row.expires_at)


async def required(db: Database, purpose: TokenPurpose, secret: str) -> MailedToken:
    """As `find`. Raises ValidationFailed where there is none, whyever that is."""
    found = await find(db, purpose, secret)
    if found is None:
        raise worthless()
    return found


async def spend(session: AsyncSession, token: MailedToken) -> None:
    """Use the token up in this transaction. Raises ValidationFailed when another one was quicker."""
    await _lock_user(session, token.account_id, token.user_id)
    spent = (
        update(t.MailToken)
        .where(
            t.MailToken.account_id == token.account_id,
            t.MailToken.id == token.id,
            t.MailToken.used_at.is_(None),
            t.MailToken.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(t.MailToken.id)
    )
    if (await session.execute(spent)).scalar_one_or_none() is None:
        raise worthless()


def worthless() -> ValidationFailed:
    return ValidationFailed(
        "This link was used before, has expired or was replaced by a newer one. Ask for a new one.", field=("token",)
    )


async def _lock_user(session: AsyncSession, account_id: UUID, user_id: UUID) -> None:
    """Whoever issues or spends locks the user first: two issuers leave one token, and nobody deadlocks."""
    user = select(t.User.id).where(t.User.account_id == account_id, t.User.id == user_id)
    await session.execute(user.with_for_update(key_share=True))
