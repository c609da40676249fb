"""Proving that an e-mail address is one's own; the first proof of an owner brings the trial credits."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, transactions
from igny8.access import Role
from igny8.auth import attempts, emails, mail, mailed_tokens, people, trial
from igny8.auth import tables as t
from igny8.auth.desk import Desk, Origin
from igny8.auth.outbox import Outbox
from igny8.auth.pace import evened
from igny8.auth.people import Person
from igny8.auth.tables import TokenPurpose
from igny8.changes import ChangeKind
from igny8.settings import Settings


async def send(session: AsyncSession, outbox: Outbox, *, account_id: UUID, user_id: UUID, email: str) -> None:
    """Mail a link that proves this address; links mailed before stop working."""
    secret = await mailed_tokens.issue(
        session, TokenPurpose.VERIFY_EMAIL, account_id=account_id, user_id=user_id, email=email
    )
    await outbox.enqueue(session, account_id, mail.verification(email, link=outbox.link("verify-email", secret)))


async def verify(desk: Desk, origin: Origin, token: str) -> UUID:
    """The user whose address the token proves. Raises ValidationFailed for a token that proves nothing."""
    await attempts.before_secret(desk, origin)
    found = await mailed_tokens.required(desk.db, TokenPurpose.VERIFY_EMAIL, token)
    async with (
        transactions.acting_as(desk.db, found.account_id, found.user_id) as session,
        transactions.logged(session, origin.actor(found.account_id, found.user_id)),
    ):
        await mailed_tokens.spend(session, found)
        if not await prove(session, desk.settings, found.account_id, found.user_id, email=found.email):
            raise mailed_tokens.worthless()
    return found.user_id


async def prove(session: AsyncSession, settings: Settings, account_id: UUID, user_id: UUID, *, email: str) -> bool:
    """Note that the user reads mails to this address; False when it is no longer theirs."""
    proven = (
        update(t.User)
        .where(t.User.account_id == account_id, t.User.id == user_id, t.User.email_key == emails.key(email))
        .values(email_verified=True)
        .returning(t.User.role)
    )
    role = (await session.execute(proven)).scalar_one_or_none()
    if role is None:
        return False
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], email_verified=True)
    if role == Role.OWNER:
        await trial.grant(session, settings, account_id)
    return True


async def resend(desk: Desk, origin: Origin, email: str) -> None:
    """Mail the link again where it is still wanted. The answer is the same when it is wanted nowhere."""
    address = emails.checked(email, ("email",))
    await attempts.before_mail(desk, origin, address)
    async with evened():
        for person in await people.known_as(desk.db, address):
            if not person.email_verified:
                await _resend_to(desk, origin, person)
    desk.mail_waiting.set()


async def _resend_to(desk: Desk, origin: Origin, person: Person) -> None:
    account_id, user_id = person.account_id, person.user_id
    async with (
        transactions.acting_as(desk.db, account_id, user_id) as session,
        transactions.logged(session, origin.actor(account_id, user_id)),
    ):
        await send(session, desk.outbox, account_id=account_id, user_id=user_id, email=person.email)
        changes.record(session, ChangeKind.UPDATED, "User", [user_id], verification_sent=True)
