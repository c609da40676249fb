"""A signed-in user's password: asked for again before delicate changes, and changed."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.auth import attempts, credentials, mail, mailed_tokens, passwords, people, sessions
from igny8.auth import tables as t
from igny8.auth.desk import Desk, Origin
from igny8.auth.outbox import Outbox
from igny8.auth.people import Person
from igny8.auth.tables import TokenPurpose
from igny8.changes import ChangeKind
from igny8.errors import Unauthenticated, ValidationFailed
from igny8.inputs import Field
from igny8.transactions import SIGNED_OUT


async def confirm(
    desk: Desk, origin: Origin, *, account_id: UUID, user_id: UUID, password: str, field: Field
) -> Person:
    """The user, when this is their password; call it before the transaction. Raises ValidationFailed.

    Counts as a sign-in for the throttle: who has found an open session must not guess either.
    """
    person = await people.by_id(desk.db, account_id, user_id)
    if person is None:
        raise Unauthenticated(SIGNED_OUT)
    await attempts.before_password(desk, origin, person.email)
    if not await passwords.verify(person.password_hash, password):
        await attempts.password_was_wrong(desk, person.email)
        raise ValidationFailed("This is not your password.", field=field)
    await attempts.password_was_right(desk, person.email)
    return person


async def prepared(desk: Desk, origin: Origin, *, account_id: UUID, user_id: UUID, current: str, new: str) -> str:
    """The hash of the new password, when the user may change to it; call it before the transaction."""
    person = await confirm(
        desk, origin, account_id=account_id, user_id=user_id, password=current, field=("currentPassword",)
    )
    passwords.check_strength(new, email=person.email, field=("newPassword",))
    return await passwords.hash(new)


async def change(
    session: AsyncSession, outbox: Outbox, *, account_id: UUID, user_id: UUID, session_id: UUID, password_hash: str
) -> None:
    """Replace the password, end the user's other sessions and tell the user by mail."""
    await credentials.store(session, account_id=account_id, user_id=user_id, password_hash=password_hash)
    await sessions.end_others(session, account_id=account_id, user_id=user_id, keep=session_id)
    await mailed_tokens.withdraw(session, TokenPurpose.RESET_PASSWORD, account_id=account_id, user_id=user_id)
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], changed="password")
    email = (
        await session.execute(select(t.User.email).where(t.User.account_id == account_id, t.User.id == user_id))
    ).scalar_one()
    await outbox.enqueue(session, account_id, mail.password_changed(email, at=datetime.now(UTC)))
