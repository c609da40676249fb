"""A forgotten password: a mailed link lets the holder of the address choose another one."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, transactions
from igny8.auth import attempts, credentials, emails, mail, mailed_tokens, passwords, people, sessions, verification
from igny8.auth.desk import Desk, Origin
from igny8.auth.mailed_tokens import MailedToken
from igny8.auth.pace import evened
from igny8.auth.people import Person
from igny8.auth.sessions import SignedIn
from igny8.auth.tables import TokenPurpose
from igny8.changes import ChangeKind


async def request(desk: Desk, origin: Origin, email: str, *, account_slug: str | None = None) -> None:
    """Mail a link to each user with this address. The answer is the same when there is none."""
    address = emails.checked(email, ("email",))
    await attempts.before_mail(desk, origin, address)
    async with evened():
        for person in await people.known_as(desk.db, address, account_slug=account_slug):
            await _mail_link(desk, origin, person)
    desk.mail_waiting.set()


async def _mail_link(desk: Desk, origin: Origin, person: Person) -> None:
    async with (
        transactions.acting_as(desk.db, person.account_id, person.user_id) as session,
        transactions.logged(session, origin.actor(person.account_id, person.user_id)),
    ):
        secret = await mailed_tokens.issue(
            session,
            TokenPurpose.RESET_PASSWORD,
            account_id=person.account_id,
            user_id=person.user_id,
            email=person.email,
        )
        link = desk.outbox.link("reset-password", secret)
        await desk.outbox.enqueue(session, person.account_id, mail.password_reset(person.email, link=link))
        changes.record(session, ChangeKind.UPDATED, "User", [person.user_id], asked="password reset")


async def reset(desk: Desk, origin: Origin, token: str, new_password: str) -> SignedIn:
    """Replace the password, end every session of the user and begin a new one. The link has proved the address."""
    await attempts.before_secret(desk, origin)
    found = await mailed_tokens.required(desk.db, TokenPurpose.RESET_PASSWORD, token)
    passwords.check_strength(new_password, email=found.email, field=("newPassword",))
    password_hash = await passwords.hash(new_password)
    async with (
        transactions.acting_as(desk.db, found.account_id, found.user_id) as session,
        transactions.logged(session, origin.actor(found.account_id, found.user_id)),
    ):
        signed_in = await _replace(session, desk, origin, found, password_hash)
    desk.mail_waiting.set()
    await attempts.password_was_right(desk, found.email)
    return signed_in


async def _replace(
    session: AsyncSession, desk: Desk, origin: Origin, found: MailedToken, password_hash: str
) -> SignedIn:
    account_id, user_id = found.account_id, found.user_id
    await mailed_tokens.spend(session, found)
    proven = await verification.prove(session, desk.settings, account_id, user_id, email=found.email)
    await credentials.store(session, account_id=account_id, user_id=user_id, password_hash=password_hash)
    await sessions.end_all(session, account_id=account_id, user_id=user_id)
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], changed="password")
    await desk.outbox.enqueue(session, account_id, mail.password_changed(found.email, at=datetime.now(UTC)))
    signed_in = await sessions.begin(session, desk.access_tokens, origin, account_id=account_id, user_id=user_id)
    if signed_in is None or not proven:
        raise mailed_tokens.worthless()
    return signed_in
