"""Sessions: a sign-in on one device, which its tokens stand for until it ends."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, tokens
from igny8.access import Role
from igny8.auth import tables as t
from igny8.auth.desk import Origin
from igny8.auth.tables import UserStatus
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotFound
from igny8.tokens import AccessTokens, SecretKind

#: How long a session lives when it is not used; each refresh begins it anew.
LIFETIME: Final = timedelta(days=30)
_LONGEST_USER_AGENT: Final = 400


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client keeps of a session; `repr` shows neither token."""

    access_token: str
    access_token_expires_at: datetime
    refresh_token: str
    refresh_token_expires_at: datetime

    def __repr__(self) -> str:
        return f"TokenPair(until {self.refresh_token_expires_at})"


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a living session."""

    account_id: UUID
    user_id: UUID
    session_id: UUID
    role: Role


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has just proved who they are, and the tokens of their session."""

    member: Member
    tokens: TokenPair


async def begin(
    session: AsyncSession,
    access_tokens: AccessTokens,
    origin: Origin,
    *,
    account_id: UUID,
    user_id: UUID,
    unchanged_since: datetime | None = None,
) -> SignedIn | None:
    """A new session of a user who has proved who they are, with its first tokens.

    None when the user is not active, or has changed (password, status, role) since the given `updated_at`.
    """
    admitted = update(t.User).where(
        t.User.account_id == account_id, t.User.id == user_id, t.User.status == UserStatus.ACTIVE
    )
    if unchanged_since is not None:
        admitted = admitted.where(t.User.updated_at == unchanged_since)
    # Signing in is no change of the user: one sign-in must not make another one start over.
    noted = admitted.values(last_signed_in_at=func.now(), updated_at=t.User.updated_at)
    role = (await session.execute(noted.returning(t.User.role))).scalar_one_or_none()
    if role is None:
        return None
    session_id, expires_at = await _insert(session, origin, account_id, user_id)
    refresh_token = tokens.new_secret(SecretKind.REFRESH)
    await add_refresh_token(session, account_id, session_id, refresh_token)
    changes.record(session, ChangeKind.CREATED, "Session", [session_id])
    member = Member(account_id, user_id, session_id, Role(role))
    return signed_in(access_tokens, member, refresh_token, expires_at)


async def _insert(session: AsyncSession, origin: Origin, account_id: UUID, user_id: UUID) -> tuple[UUID, datetime]:
    made = insert(t.Session).values(
        account_id=account_id,
        id=new_id(),
        user_id=user_id,
        user_agent=origin.user_agent[:_LONGEST_USER_AGENT] if origin.user_agent else None,
        ip_address=origin.ip_address,
        expires_at=func.now() + LIFETIME,
    )
    session_id, expires_at = (await session.execute(made.returning(t.Session.id, t.Session.expires_at))).one()
    return session_id, expires_at


async def add_refresh_token(session: AsyncSession, account_id: UUID, session_id: UUID, token: str) -> None:
    """Store the digest of a token that may be exchanged once within the session's lifetime."""
    row = insert(t.RefreshToken).values(
        account_id=account_id,
        id=new_id(),
        session_id=session_id,
        digest=tokens.digest(token),
        expires_at=func.now() + LIFETIME,
    )
    await session.execute(row)


def signed_in(access_tokens: AccessTokens, member: Member, refresh_token: str, expires_at: datetime) -> SignedIn:
    """A fresh access token beside the refresh token that is stored already."""
    access_token, access_expires_at = access_tokens.issue(
        user_id=member.user_id,
        account_id=member.account_id,
        session_id=member.session_id,
        role=member.role,
        now=datetime.now(UTC),
    )
    return SignedIn(member, TokenPair(access_token, access_expires_at, refresh_token, expires_at))


async def end(session: AsyncSession, *, account_id: UUID, user_id: UUID, session_id: UUID) -> None:
    """Sign this session of the user out. Raises NotFound when it is not alive, or somebody else's."""
    revoked = await _revoke(session, account_id, user_id, t.Session.id == session_id)
    if not revoked:
        raise NotFound("There is no such session, or it has ended already.", field=("id",))


async def end_all(session: AsyncSession, *, account_id: UUID, user_id: UUID) -> None:
    """Sign the user out everywhere."""
    await _revoke(session, account_id, user_id, t.Session.user_id == user_id)


async def end_others(session: AsyncSession, *, account_id: UUID, user_id: UUID, keep: UUID) -> None:
    """Sign the user out everywhere but in one session."""
    await _revoke(session, account_id, user_id, t.Session.id != keep)


async def _revoke(session: AsyncSession, account_id: UUID, user_id: UUID, which: ColumnElement[bool]) -> list[UUID]:
    ended = (
        update(t.Session)
        .where(
            t.Session.account_id == account_id,
            t.Session.user_id == user_id,
            t.Session.revoked_at.is_(None),
            t.Session.expires_at > func.now(),
            which,
        )
        .values(revoked_at=func.now())
        .returning(t.Session.id)
    )
    ids = list((await session.execute(ended)).scalars())
    if ids:
        changes.record(session, ChangeKind.DELETED, "Session", ids)
    return ids
