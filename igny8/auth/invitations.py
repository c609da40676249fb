"""Inviting people into an account: a mailed link lets them choose a password and begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs, limits, transactions
from igny8.access import PERMISSIONS, SITE_BOUND, Role, Viewer
from igny8.auth import attempts, credentials, emails, mail, mailed_tokens, members, passwords, sessions, verification
from igny8.auth import tables as t
from igny8.auth.desk import Desk, Origin
from igny8.auth.mailed_tokens import MailedToken
from igny8.auth.outbox import Outbox
from igny8.auth.sessions import SignedIn
from igny8.auth.tables import TokenPurpose, UserStatus
from igny8.changes import ChangeKind
from igny8.db import Database, LoginRole, new_id
from igny8.errors import AlreadyExists, NotAllowedNow, NotFound, ValidationFailed
from igny8.limits import PlanLimit


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the holder of an invitation may know before accepting it."""

    account_name: str
    email: str
    role: Role
    invited_by: str | None
    expires_at: datetime


async def invite(
    session: AsyncSession,
    outbox: Outbox,
    viewer: Viewer,
    *,
    email: str,
    name: str | None,
    role: Role,
    site_ids: Sequence[UUID],
) -> UUID:
    """Make an INVITED user and mail the link. Raises ValidationFailed, NotFound, AlreadyExists, LimitReached."""
    address = emails.checked(email, ("input", "email"))
    _check_role(viewer, role, site_ids)
    called = inputs.name(name or address.partition("@")[0], ("input", "name"))
    user_id = await _insert_user(session, viewer.account_id, address, called, role)
    await limits.check(session, viewer.account_id, PlanLimit.USERS)
    changes.record(session, ChangeKind.CREATED, "User", [user_id], role=role.value)
    if site_ids:
        await _grant(session, viewer, user_id, site_ids)
    await _mail_link(session, outbox, viewer, user_id)
    return user_id


async def resend(session: AsyncSession, outbox: Outbox, viewer: Viewer, user_id: UUID) -> None:
    """Mail a new link; the former one stops working. Raises NotFound; NotAllowedNow once it was accepted."""
    status = select(t.User.status).where(t.User.account_id == viewer.account_id, t.User.id == user_id)
    found = (await session.execute(status.with_for_update(key_share=True))).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such user.", field=("userId",))
    if found != UserStatus.INVITED:
        raise NotAllowedNow("This user has accepted the invitation already.", field=("userId",))
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], invitation_sent=True)
    await _mail_link(session, outbox, viewer, user_id)


def _check_role(viewer: Viewer, role: Role, site_ids: Sequence[UUID]) -> None:
    if role not in members.GIVEN or not PERMISSIONS[role] <= viewer.permissions:
        raise ValidationFailed(
            "You can invite somebody as ADMIN, EDITOR or VIEWER, and not above your own role.",
            field=("input", "role"),
        )
    if site_ids and role not in SITE_BOUND:
        raise ValidationFailed(
            "An admin sees every site: name sites for editors and viewers only.", field=("input", "siteIds")
        )


async def _insert_user(session: AsyncSession, account_id: UUID, email: str, name: str, role: Role) -> UUID:
    row = postgresql.insert(t.User).values(
        account_id=account_id,
        id=new_id(),
        email=email,
        email_key=emails.key(email),
        name=name,
        role=role.value,
        status=UserStatus.INVITED.value,
    )
    unless_known = row.on_conflict_do_nothing(index_elements=[t.User.account_id, t.User.email_key])
    user_id = (await session.execute(unless_known.returning(t.User.id))).scalar_one_or_none()
    if user_id is None:
        raise AlreadyExists("The account has a user with this e-mail address.", field=("input", "email"))
    return user_id


async def _grant(session: AsyncSession, viewer: Viewer, user_id: UUID, site_ids: Sequence[UUID]) -> None:
    try:
        await members.grant_sites(session, viewer, user_id, site_ids)
    except NotFound as error:
        raise NotFound(error.message, field=("input", *error.field)) from None


async def _mail_link(session: AsyncSession, outbox: Outbox, viewer: Viewer, user_id: UUID) -> None:
    invited = (
        select(t.User.email, t.User.role, t.Account.name)
        .join(t.Account, t.Account.id == t.User.account_id)
        .where(t.User.account_id == viewer.account_id, t.User.id == user_id)
    )
    email, role, account_name = (await session.execute(invited)).one()
    secret = await mailed_tokens.issue(
        session,
        TokenPurpose.INVITATION,
        account_id=viewer.account_id,
        user_id=user_id,
        email=email,
        created_by_id=viewer.user_id,
    )
    inviter = select(t.User.name).where(t.User.account_id == viewer.account_id, t.User.id == viewer.user_id)
    invited_by = (await session.execute(inviter)).scalar_one_or_none() or "IGNY8"
    message = mail.invitation(
        email,
        account_name=account_name,
        invited_by=invited_by,
        role=role,
        link=outbox.link("accept-invitation", secret),
    )
    await outbox.enqueue(session, viewer.account_id, message)


async def shown(db: Database, token: str) -> Invitation | None:
    """What this invitation says; None when it is no longer good."""
    found = await mailed_tokens.find(db, TokenPurpose.INVITATION, token)
    if found is None:
        return None
    inviter = select(t.User.name).where(t.User.account_id == found.account_id, t.User.id == found.created_by_id)
    invited = (
        select(t.Account.name, t.User.email, t.User.role, inviter.scalar_subquery())
        .join(t.Account, t.Account.id == t.User.account_id)
        .where(
            t.User.account_id == found.account_id,
            t.User.id == found.user_id,
            t.User.status == UserStatus.INVITED,
        )
    )
    async with db.session(LoginRole.SIGNIN) as session:
        row = (await session.execute(invited)).one_or_none()
    if row is None:
        return None
    account_name, email, role, invited_by = row
    return Invitation(account_name, email, Role(role), invited_by, found.expires_at)


async def accept(desk: Desk, origin: Origin, *, token: str, password: str, name: str | None) -> SignedIn:
    """Begin with this password: the user is active, the address proved, and signed in."""
    await attempts.before_secret(desk, origin)
    found = await mailed_tokens.required(desk.db, TokenPurpose.INVITATION, token)
    called = inputs.name(name, ("name",)) if name is not None else None
    passwords.check_strength(password, email=found.email, field=("password",))
    password_hash = await passwords.hash(password)
    async with (
        transactions.acting_as(desk.db, found.account_id, found.user_id) as session,
        transactions.logged(session, origin.actor(found.account_id, found.user_id)),
    ):
        return await _join(session, desk, origin, found, password_hash, called)


async def _join(
    session: AsyncSession, desk: Desk, origin: Origin, found: MailedToken, password_hash: str, name: str | None
) -> SignedIn:
    account_id, user_id = found.account_id, found.user_id
    await mailed_tokens.spend(session, found)
    joined = (
        update(t.User)
        .where(t.User.account_id == account_id, t.User.id == user_id, t.User.status == UserStatus.INVITED)
        .values(status=UserStatus.ACTIVE.value, **({"name": name} if name is not None else {}))
    )
    await session.execute(joined)
    proven = await verification.prove(session, desk.settings, account_id, user_id, email=found.email)
    await credentials.store(session, account_id=account_id, user_id=user_id, password_hash=password_hash)
    signed_in = await sessions.begin(session, desk.access_tokens, origin, account_id=account_id, user_id=user_id)
    if signed_in is None or not proven:
        raise mailed_tokens.worthless()
    return signed_in
