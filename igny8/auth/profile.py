"""What users say of themselves: their name and their e-mail address."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs
from igny8.auth import emails, mail, mailed_tokens, password_change, verification
from igny8.auth import tables as t
from igny8.auth.desk import Desk, Origin
from igny8.auth.outbox import Outbox
from igny8.auth.people import Person
from igny8.auth.tables import TokenPurpose
from igny8.changes import ChangeKind
from igny8.errors import AlreadyExists, ValidationFailed

_EMAIL = ("input", "email")


async def confirm_for_email(
    desk: Desk, origin: Origin, *, account_id: UUID, user_id: UUID, current_password: str | None
) -> Person:
    """The user as they are, when they may change their address; call it before the transaction."""
    field = ("input", "currentPassword")
    if current_password is None:
        raise ValidationFailed("Changing the e-mail address needs your current password.", field=field)
    return await password_change.confirm(
        desk, origin, account_id=account_id, user_id=user_id, password=current_password, field=field
    )


async def rename(session: AsyncSession, name: str | None, *, account_id: UUID, user_id: UUID) -> None:
    """Let the user be called so."""
    user = update(t.User).where(t.User.account_id == account_id, t.User.id == user_id)
    await session.execute(user.values(name=inputs.name(name, ("input", "name"))))
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], changed="name")


async def change_email(session: AsyncSession, outbox: Outbox, person: Person, email: str | None) -> None:
    """Take the new address; it has to be proved, and the former one is told. Links mailed to it stop working.

    Raises AlreadyExists when another user of the account has it.
    """
    address = emails.checked(inputs.required(email, _EMAIL), _EMAIL)
    if address == person.email:
        return
    account_id, user_id = person.account_id, person.user_id
    taken = AlreadyExists("Another user of the account has this e-mail address.", field=_EMAIL)
    user = update(t.User).where(t.User.account_id == account_id, t.User.id == user_id)
    async with constraints.told(session, {"uq_app_user_email_key": taken}):
        await session.execute(user.values(email=address, email_key=emails.key(address), email_verified=False))
    await mailed_tokens.withdraw(session, TokenPurpose.RESET_PASSWORD, account_id=account_id, user_id=user_id)
    await verification.send(session, outbox, account_id=account_id, user_id=user_id, email=address)
    await outbox.enqueue(session, account_id, mail.email_changed(person.email, new_email=address))
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], changed="email")
