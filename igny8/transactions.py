"""One write transaction: who acts is checked inside it, its changes are logged, and then it commits.

Whoever opens one with `async with` ends it; functions that are given the session never commit.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.access import SITE_BOUND, Role, Viewer
from igny8.db import POOL_SIZES, Database, LoginRole, fetch_row
from igny8.errors import BadRequest, Unauthenticated, Unavailable

#: True in `session.info` once the transaction holds a mail: its sender is woken after the commit, and only then.
HOLDS_MAIL: Final = "holds mail"
SIGNED_OUT: Final = "This session has ended. Sign in again."
_ENTER = text("SELECT role, account_status, served FROM app_enter(:account, :user, :session, :acting)")
_STANDINGS: Final = """
    SELECT json_object_agg(s.id, json_build_array(u.role, ARRAY(
        SELECT g.site_id FROM site_user_access g WHERE g.account_id = u.account_id AND g.user_id = u.id)))
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (account_id, session_id)
    JOIN session s ON s.account_id = asked.account_id AND s.id = asked.session_id
    JOIN app_user u ON u.account_id = s.account_id AND u.id = s.user_id
    WHERE s.revoked_at IS NULL AND s.expires_at > now() AND u.status = 'ACTIVE'
"""
ACT_AS: Final = "SELECT set_config('app.account_id', %(account)s, true), set_config('app.user_id', %(user)s, true)"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an access token claims. Only its signature is believed: the session row decides the rest."""

    account_id: UUID
    user_id: UUID
    session_id: UUID
    role: Role
    acting_on: UUID | None = None

    def login_role(self, role: Role) -> LoginRole:
        return LoginRole.of(role, account_named=self.acting_on is not None)

    def viewer(self, role: Role) -> Viewer:
        return Viewer(
            user_id=self.user_id,
            account_id=self.acting_on or self.account_id,
            session_id=self.session_id,
            role=role,
            acts_abroad=self.acting_on is not None,
        )


@dataclass(frozen=True, slots=True)
class Entered:
    """A live session, as the database knows it. `suspended` accounts read, and change nothing."""

    viewer: Viewer
    suspended: bool


@asynccontextmanager
async def entered(db: Database, credentials: Credentials) -> AsyncIterator[tuple[AsyncSession, Entered]]:
    """A transaction that sees what the session's user may see.

    Raises Unauthenticated when there is no living session, BadRequest when there is no account to act on. The
    token's role only guesses the login role; when the session row names another one, that one is taken. So is a
    new connection when one died in the pool, because nothing was done on it yet.
    """
    guess = credentials.role
    for _ in range(max(POOL_SIZES.values()) + 1):
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(db.session(credentials.login_role(guess)))
            try:
                found = await _enter(session, credentials)
            except DBAPIError as error:
                if error.connection_invalidated:
                    await session.invalidate()
                    continue
                raise
            if found is None:
                raise Unauthenticated(SIGNED_OUT)
            role = Role(found.role)
            if found.served and found.account_status is None:
                raise BadRequest("X-Igny8-Account: there is no account with this id.")
            if found.served:
                suspended = found.account_status in ("SUSPENDED", "CANCELLED")
                yield session, Entered(credentials.viewer(role), suspended)
                return
            guess = role
    raise Unavailable("The database does not answer at the moment. Try again in a few seconds.")


async def _enter(session: AsyncSession, credentials: Credentials) -> Row[tuple[str, str, bool]] | None:
    values = {
        "account": credentials.account_id,
        "user": credentials.user_id,
        "session": credentials.session_id,
        "acting": credentials.acting_on,
    }
    return (await session.execute(_ENTER, values)).one_or_none()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a living session is allowed at this moment; `sites` is None for those who see all of them."""

    role: Role
    sites: frozenset[UUID] | None


async def standings(db: Database, sessions: Mapping[UUID, UUID]) -> dict[UUID, Standing]:
    """How these sessions, given with their accounts, stand; those that are not alive are left out."""
    row = await db.fetch_row(LoginRole.SYSTEM, _STANDINGS, [list(sessions.values()), list(sessions)])
    found = orjson.loads(row[0] or b"{}") if row else {}
    return {UUID(id_): _standing(Role(role), sites) for id_, (role, sites) in found.items()}


def _standing(role: Role, sites: list[str]) -> Standing:
    return Standing(role, frozenset(map(UUID, sites)) if role in SITE_BOUND else None)


@asynccontextmanager
async def acting_as(db: Database, account_id: UUID, user_id: UUID) -> AsyncIterator[AsyncSession]:
    """A transaction in an account without a session: for sign-up, sign-in and what mailed secrets allow."""
    async with db.session(LoginRole.APP) as session:
        await fetch_row(session, ACT_AS, {"account": str(account_id), "user": str(user_id)})
        yield session


@asynccontextmanager
async def logged(session: AsyncSession, actor: changes.Actor) -> AsyncIterator[None]:
    """Write the changes that the block records, as the last statements of its transaction."""
    changes.begin(session, actor)
    yield
    await changes.flush(session)
