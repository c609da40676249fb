"""Signing up: a new account on its plan, with its owner, signed in at once.

An address may belong to users of several accounts, so one that is known makes a new account like any other: the
answer tells nothing, and the address has to be proved for each account.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs, transactions
from igny8.access import Role
from igny8.auth import attempts, credentials, emails, passwords, sessions, trial, verification
from igny8.auth import tables as t
from igny8.auth.account_opening import open_account
from igny8.auth.desk import Desk, Origin
from igny8.auth.sessions import SignedIn
from igny8.auth.tables import UserStatus
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotAllowedNow


@dataclass(frozen=True, slots=True)
class _Applicant:
    """Checked input, and the ids that the rows will have."""

    account_id: UUID
    user_id: UUID
    email: str
    name: str
    account_name: str
    password_hash: str


async def sign_up(
    desk: Desk, origin: Origin, *, email: str, password: str, name: str, account_name: str | None
) -> SignedIn:
    """A new account with its owner and first session. Raises ValidationFailed, NotAllowedNow and RateLimited."""
    address = emails.checked(email, ("input", "email"))
    called = inputs.name(name, ("input", "name"))
    account_called = inputs.name(account_name, ("input", "accountName")) if account_name is not None else called
    passwords.check_strength(password, email=address)
    await attempts.before_sign_up(desk, origin)
    password_hash = await passwords.hash(password)
    applicant = _Applicant(new_id(), new_id(), address, called, account_called, password_hash)
    async with (
        transactions.acting_as(desk.db, applicant.account_id, applicant.user_id) as session,
        transactions.logged(session, origin.actor(applicant.account_id, applicant.user_id)),
    ):
        signed_in = await _settle(session, desk, origin, applicant)
    desk.mail_waiting.set()
    return signed_in


async def _settle(session: AsyncSession, desk: Desk, origin: Origin, applicant: _Applicant) -> SignedIn:
    plan = await trial.plan_of_new_accounts(session, desk.settings)
    if plan is None:
        raise NotAllowedNow("New accounts cannot be made at the moment: tell the operator that a plan is missing.")
    account_id, user_id = applicant.account_id, applicant.user_id
    await open_account(session, account_id, applicant.account_name, plan)
    await _add_owner(session, applicant)
    if not desk.settings.require_verified_email:
        await trial.grant(session, desk.settings, account_id)
    await verification.send(session, desk.outbox, account_id=account_id, user_id=user_id, email=applicant.email)
    signed_in = await sessions.begin(session, desk.access_tokens, origin, account_id=account_id, user_id=user_id)
    if signed_in is None:
        raise AssertionError("the owner was inserted as active")
    return signed_in


async def _add_owner(session: AsyncSession, applicant: _Applicant) -> None:
    await session.execute(
        insert(t.User).values(
            account_id=applicant.account_id,
            id=applicant.user_id,
            email=applicant.email,
            email_key=emails.key(applicant.email),
            name=applicant.name,
            role=Role.OWNER.value,
            status=UserStatus.ACTIVE.value,
        )
    )
    await credentials.store(
        session,
        account_id=applicant.account_id,
        user_id=applicant.user_id,
        password_hash=applicant.password_hash,
    )
    changes.record(session, ChangeKind.CREATED, "User", [applicant.user_id], role=Role.OWNER.value)
