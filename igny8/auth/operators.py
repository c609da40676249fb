"""Developers and bots: users of the system account, made on the command line alone."""

from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs, transactions
from igny8.access import SYSTEM_ROLES, Role
from igny8.auth import credentials, emails, passwords
from igny8.auth import tables as t
from igny8.auth.account_opening import open_system_account
from igny8.auth.tables import UserStatus
from igny8.changes import Actor, ChangeKind
from igny8.db import Database, LoginRole, new_id
from igny8.errors import AlreadyExists, NotAllowedNow, ValidationFailed
from igny8.limits import Plan

_AT_THE_MACHINE: Final = "command-line"


async def create(db: Database, *, email: str, name: str, password: str, role: Role) -> UUID:
    """A user of the system account, which the first one makes. Raises ValidationFailed, AlreadyExists."""
    if role not in SYSTEM_ROLES:
        raise ValidationFailed("The command line makes developers and system bots only.", field=("role",))
    address = emails.checked(email, ("email",))
    called = inputs.name(name, ("name",))
    passwords.check_strength(password, email=address, field=("password",))
    password_hash = await passwords.hash(password)
    async with db.session(LoginRole.SYSTEM) as session:
        known = await _system_account(session)
        account_id = known or new_id()
        actor = Actor(account_id, None, _AT_THE_MACHINE, None, action="user create")
        async with transactions.logged(session, actor):
            if known is None:
                await _open(session, account_id)
            user_id = await _insert(session, account_id, address, called, role)
            await credentials.store(session, account_id=account_id, user_id=user_id, password_hash=password_hash)
            changes.record(session, ChangeKind.CREATED, "User", [user_id], role=role.value)
    return user_id


async def _system_account(session: AsyncSession) -> UUID | None:
    """The account that operators belong to. The lock lets one of two commands make it."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("igny8 system account"))))
    return (await session.execute(select(t.Account.id).where(t.Account.is_system))).scalar_one_or_none()


async def _open(session: AsyncSession, account_id: UUID) -> None:
    plan = (await session.execute(select(Plan).where(Plan.is_default))).scalar_one_or_none()
    if plan is None:
        raise NotAllowedNow("There is no default plan yet: load the starter data first (`igny8 migrate`).")
    await open_system_account(session, account_id, "IGNY8 system", plan)


async def _insert(session: AsyncSession, account_id: UUID, email: str, name: str, role: Role) -> UUID:
    row = postgresql.insert(t.User).values(
        account_id=account_id,
        id=new_id(),
        email=email,
        email_key=emails.key(email),
        email_verified=True,
        name=name,
        role=role.value,
        status=UserStatus.ACTIVE.value,
    )
    unless_known = row.on_conflict_do_nothing(index_elements=[t.User.account_id, t.User.email_key])
    user_id = (await session.execute(unless_known.returning(t.User.id))).scalar_one_or_none()
    if user_id is None:
        raise AlreadyExists("There is an operator with this e-mail address.", field=("email",))
    return user_id
