"""Exchanging a refresh token for the next one.

Each token is exchanged once. Whoever presents an exchanged one within 30 s has lost our reply and gets the same
successor; later it is somebody who copied it, and the whole session ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, tokens, transactions
from igny8.access import Role
from igny8.auth import sessions
from igny8.auth import tables as t
from igny8.auth.desk import Desk, Origin
from igny8.auth.sessions import Member, SignedIn
from igny8.auth.tables import UserStatus
from igny8.changes import ChangeKind
from igny8.db import Database, LoginRole
from igny8.errors import Unauthenticated

#: How long the reply to an exchange may be asked for again.
GRACE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Presented:
    account_id: UUID
    id: UUID
    session_id: UUID
    user_id: UUID


async def refresh(desk: Desk, origin: Origin, token: str) -> SignedIn:
    """The session's next tokens. Raises Unauthenticated when the session, its user or the token is not good."""
    presented = await _find(desk.db, token)
    if presented is None:
        raise Unauthenticated(transactions.SIGNED_OUT)
    async with (
        transactions.acting_as(desk.db, presented.account_id, presented.user_id) as session,
        transactions.logged(session, origin.actor(presented.account_id, presented.user_id)),
    ):
        answer = await _answer(session, desk, presented, token)
    # After the commit: ending the session of a copied token must not be rolled back.
    if answer is None:
        raise Unauthenticated(transactions.SIGNED_OUT)
    return answer


async def _find(db: Database, token: str) -> _Presented | None:
    wanted = (
        select(t.RefreshToken.account_id, t.RefreshToken.id, t.RefreshToken.session_id, t.Session.user_id)
        .join(
            t.Session,
            and_(t.Session.account_id == t.RefreshToken.account_id, t.Session.id == t.RefreshToken.session_id),
        )
        .where(t.RefreshToken.digest == tokens.digest(token))
    )
    async with db.session(LoginRole.SIGNIN) as session:
        row = (await session.execute(wanted)).one_or_none()
    return _Presented(*row) if row is not None else None


async def _answer(session: AsyncSession, desk: Desk, presented: _Presented, token: str) -> SignedIn | None:
    alive = await _lock_session(session, presented)
    if alive is None:
        return None
    member, expires_at = alive
    successor = desk.refresh_tokens.successor(token)
    if await _exchange(session, presented):
        await sessions.add_refresh_token(session, presented.account_id, presented.session_id, successor)
        expires_at = await _prolong(session, presented)
    elif not await _exchanged_just_now(session, presented):
        return None
    return sessions.signed_in(desk.access_tokens, member, successor, expires_at)


async def _lock_session(session: AsyncSession, presented: _Presented) -> tuple[Member, datetime] | None:
    """The living session's user and end. Its lock lets the exchanges of one session follow one another."""
    alive = (
        select(t.User.role, t.Session.expires_at)
        .join(t.User, and_(t.User.account_id == t.Session.account_id, t.User.id == t.Session.user_id))
        .where(
            t.Session.account_id == presented.account_id,
            t.Session.id == presented.session_id,
            t.Session.revoked_at.is_(None),
            t.Session.expires_at > func.now(),
            t.User.status == UserStatus.ACTIVE,
        )
        .with_for_update(of=t.Session)
    )
    row = (await session.execute(alive)).one_or_none()
    if row is None:
        return None
    member = Member(presented.account_id, presented.user_id, presented.session_id, Role(row.role))
    return member, row.expires_at


async def _exchange(session: AsyncSession, presented: _Presented) -> bool:
    exchanged = (
        update(t.RefreshToken)
        .where(
            t.RefreshToken.account_id == presented.account_id,
            t.RefreshToken.id == presented.id,
            t.RefreshToken.used_at.is_(None),
            t.RefreshToken.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(t.RefreshToken.id)
    )
    return (await session.execute(exchanged)).scalar_one_or_none() is not None


async def _prolong(session: AsyncSession, presented: _Presented) -> datetime:
    used = (
        update(t.Session)
        .where(t.Session.account_id == presented.account_id, t.Session.id == presented.session_id)
        .values(last_used_at=func.now(), expires_at=func.now() + sessions.LIFETIME)
        .returning(t.Session.expires_at)
    )
    changes.record(session, ChangeKind.UPDATED, "Session", [presented.session_id])
    return (await session.execute(used)).scalar_one()


async def _exchanged_just_now(session: AsyncSession, presented: _Presented) -> bool:
    """Whether this repeats an exchange of the last 30 s. A token that was exchanged earlier ends the session."""
    recently = select(t.RefreshToken.used_at > func.now() - GRACE).where(
        t.RefreshToken.account_id == presented.account_id, t.RefreshToken.id == presented.id
    )
    answer = (await session.execute(recently)).scalar_one()
    if answer is False:
        await sessions.end(
            session,
            account_id=presented.account_id,
            user_id=presented.user_id,
            session_id=presented.session_id,
        )
    return answer is True
