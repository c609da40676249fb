"""Who is known by an e-mail address, in whichever accounts; only sign-in may look like this."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Row, and_, select

from igny8.access import Role
from igny8.auth import emails
from igny8.auth import tables as t
from igny8.auth.tables import UserStatus
from igny8.db import Database, LoginRole

#: An address that a stranger has signed up hundreds of times must not cost hundreds of password checks.
MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Person:
    """An active user who has a password. `updated_at` changes with whatever sign-in depends on."""

    account_id: UUID
    account_slug: str
    user_id: UUID
    role: Role
    email: str
    email_verified: bool
    password_hash: str = field(repr=False)
    updated_at: datetime


_PERSON = (
    select(
        t.User.account_id,
        t.Account.slug,
        t.User.id,
        t.User.role,
        t.User.email,
        t.User.email_verified,
        t.Credential.password_hash,
        t.User.updated_at,
    )
    .join(t.Account, t.Account.id == t.User.account_id)
    .join(
        t.Credential,
        and_(t.Credential.account_id == t.User.account_id, t.Credential.user_id == t.User.id),
    )
    .where(t.User.status == UserStatus.ACTIVE)
)


async def known_as(db: Database, email: str, *, account_slug: str | None = None) -> list[Person]:
    """The users with this address, at most five: those who have proved that it is theirs first, then the oldest."""
    wanted = _PERSON.where(t.User.email_key == emails.key(email))
    if account_slug is not None:
        wanted = wanted.where(t.Account.slug == account_slug.strip().lower())
    wanted = wanted.order_by(t.User.email_verified.desc(), t.User.created_at, t.User.id).limit(MOST)
    async with db.session(LoginRole.SIGNIN) as session:
        return [_person(row) for row in await session.execute(wanted)]


async def by_id(db: Database, account_id: UUID, user_id: UUID) -> Person | None:
    """The user with the stored hash, for those who confirm what they do with their password."""
    wanted = _PERSON.where(t.User.account_id == account_id, t.User.id == user_id)
    async with db.session(LoginRole.SIGNIN) as session:
        row = (await session.execute(wanted)).one_or_none()
    return _person(row) if row is not None else None


def _person(row: Row[UUID, str, UUID, str, str, bool, str, datetime]) -> Person:
    account_id, slug, user_id, role, email, email_verified, password_hash, updated_at = row
    return Person(account_id, slug, user_id, Role(role), email, email_verified, password_hash, updated_at)
