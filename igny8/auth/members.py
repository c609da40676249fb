"""The people of an account: roles, status, site grants and ownership.

Who manages whom: nobody touches a user whose role is above their own, and nobody gives a role above their own; one's
equals may be managed (an admin manages admins). OWNER changes hands by `transfer_ownership` alone, and users of
the system account are made on the command line alone, so neither is changed here.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.access import SITE_BOUND, Role, Viewer
from igny8.auth import mailed_tokens, sessions
from igny8.auth import tables as t
from igny8.auth.tables import TokenPurpose, UserStatus
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotAllowedNow, NotFound, ValidationFailed

#: Roles that are given and taken by people who manage users, the lowest first.
GIVEN: Final = (Role.VIEWER, Role.EDITOR, Role.ADMIN)


async def set_role(session: AsyncSession, viewer: Viewer, user_id: UUID, role: Role) -> None:
    """Give a user another role. Whoever begins to see all sites loses their grants, so that an admin who becomes
    an editor later starts with none.

    Raises NotFound, ValidationFailed (a role that is not given), NotAllowedNow (the owner).
    """
    if role is Role.OWNER:
        raise ValidationFailed("Ownership is not given as a role: use transferOwnership.", field=("role",))
    if role not in GIVEN:
        raise ValidationFailed(f"The role {role} cannot be given here.", field=("role",))
    user = await _managed(session, viewer, user_id)
    if user.role == role:
        return
    await _write(session, viewer.account_id, user_id, role=role.value)
    if role not in SITE_BOUND:
        await _drop_grants(session, viewer.account_id, user_id)
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], role=role.value, role_before=user.role)


async def set_status(session: AsyncSession, viewer: Viewer, user_id: UUID, status: UserStatus) -> None:
    """Disable a user, which signs them out everywhere, or let a disabled one in again.

    Raises NotFound, ValidationFailed (INVITED is not set), NotAllowedNow (the owner, oneself, who has not accepted).
    """
    if status is UserStatus.INVITED:
        raise ValidationFailed("INVITED is not set: a user is invited by inviteUser.", field=("status",))
    user = await _managed(session, viewer, user_id)
    if user.status == UserStatus.INVITED:
        raise NotAllowedNow("This user has not accepted the invitation yet. Delete the user to withdraw it.")
    if user.status == status:
        return
    if status is UserStatus.DISABLED:
        _refuse_oneself(viewer, user_id, "disable")
        await sessions.end_all(session, account_id=viewer.account_id, user_id=user_id)
        await mailed_tokens.withdraw(
            session, TokenPurpose.RESET_PASSWORD, account_id=viewer.account_id, user_id=user_id
        )
    await _write(session, viewer.account_id, user_id, status=status.value)
    changes.record(session, ChangeKind.UPDATED, "User", [user_id], status=status.value)


async def delete(session: AsyncSession, viewer: Viewer, user_id: UUID) -> None:
    """Delete a user who is disabled or only invited; what they made stays.

    Raises NotFound, NotAllowedNow (an active user, the owner, oneself).
    """
    user = await _managed(session, viewer, user_id)
    _refuse_oneself(viewer, user_id, "delete")
    if user.status == UserStatus.ACTIVE:
        raise NotAllowedNow("This user is active. Disable the user first.", field=("userId",))
    await session.execute(sa.delete(t.User).where(t.User.account_id == viewer.account_id, t.User.id == user_id))
    changes.record(session, ChangeKind.DELETED, "User", [user_id])


async def grant_sites(session: AsyncSession, viewer: Viewer, user_id: UUID, site_ids: Sequence[UUID]) -> None:
    """Let an editor or viewer into these sites; ones that were granted before stay as they are.

    Raises NotFound (user, or a site: then none is granted), NotAllowedNow (a role that sees all sites).
    """
    await _refuse_unbound(session, viewer, user_id)
    await _refuse_foreign(session, viewer.account_id, site_ids)
    rows = [
        {
            "account_id": viewer.account_id,
            "id": new_id(),
            "site_id": site_id,
            "user_id": user_id,
            # A developer who acts on this account is no user of it.
            "granted_by_id": None if viewer.acts_abroad else viewer.user_id,
        }
        for site_id in site_ids
    ]
    made = insert(t.SiteUserAccess).on_conflict_do_nothing().returning(t.SiteUserAccess.id, t.SiteUserAccess.site_id)
    for grant_id, site_id in (await session.execute(made.values(rows))).all() if rows else []:
        changes.record(session, ChangeKind.CREATED, "SiteUserAccess", [grant_id], site_id=site_id)


async def revoke_sites(session: AsyncSession, viewer: Viewer, user_id: UUID, site_ids: Sequence[UUID]) -> None:
    """Take an editor's or viewer's grants for these sites away; they hold no longer from the next request on.

    Raises NotFound (user, or a site: then none is taken), NotAllowedNow (a role that sees all sites).
    """
    await _refuse_unbound(session, viewer, user_id)
    await _refuse_foreign(session, viewer.account_id, site_ids)
    await _drop_grants(session, viewer.account_id, user_id, site_ids)


async def transfer_ownership(session: AsyncSession, viewer: Viewer, user_id: UUID) -> None:
    """Make an active user the owner and the owner an admin. There is one owner at any time.

    Raises NotFound, NotAllowedNow (not active, the owner already, or the viewer is the owner no longer).
    """
    user = await _locked(session, viewer.account_id, user_id)
    if user.role not in GIVEN:
        raise NotAllowedNow("This user owns the account already.", field=("userId",))
    if user.status != UserStatus.ACTIVE:
        raise NotAllowedNow(
            f"This user is {user.status}: only an active user can own the account.", field=("userId",)
        )
    owner = sa.and_(t.User.account_id == viewer.account_id, t.User.role == Role.OWNER)
    if not viewer.acts_abroad:
        # A transfer that waited for another one must not take the ownership from the new owner.
        owner = sa.and_(owner, t.User.id == viewer.user_id)
    # The owner stands down first: the index that allows one owner checks every statement.
    stood_down = sa.update(t.User).where(owner).values(role=Role.ADMIN.value).returning(t.User.id)
    former = (await session.execute(stood_down)).scalar_one_or_none()
    if former is None:
        raise NotAllowedNow("The ownership was transferred in the meantime.")
    await _write(session, viewer.account_id, user_id, role=Role.OWNER.value)
    await _drop_grants(session, viewer.account_id, user_id)
    changes.record(session, ChangeKind.UPDATED, "User", [user_id, former], changed="ownership")
    changes.record(session, ChangeKind.UPDATED, "Account", [viewer.account_id], changed="ownership")


async def _locked(session: AsyncSession, account_id: UUID, user_id: UUID) -> sa.Row[str, str]:
    """Role and status of a user, who stays as they are until the transaction ends."""
    user = sa.select(t.User.role, t.User.status).where(t.User.account_id == account_id, t.User.id == user_id)
    found = (await session.execute(user.with_for_update(key_share=True))).one_or_none()
    if found is None:
        raise NotFound("No user with this id.", field=("userId",))
    return found


async def _managed(session: AsyncSession, viewer: Viewer, user_id: UUID) -> sa.Row[str, str]:
    user = await _locked(session, viewer.account_id, user_id)
    if user.role == Role.OWNER:
        raise NotAllowedNow("This is the owner of the account. Transfer the ownership first.", field=("userId",))
    if user.role not in GIVEN:
        raise NotAllowedNow("Users of the system account are managed on the command line.", field=("userId",))
    return user


async def _refuse_unbound(session: AsyncSession, viewer: Viewer, user_id: UUID) -> None:
    user = await _locked(session, viewer.account_id, user_id)
    if user.role not in SITE_BOUND:
        raise NotAllowedNow(
            f"This user is {user.role} and sees all sites: only editors and viewers have grants.", field=("userId",)
        )


def _refuse_oneself(viewer: Viewer, user_id: UUID, act: str) -> None:
    if user_id == viewer.user_id:
        raise NotAllowedNow(f"You cannot {act} yourself. Ask another admin or the owner.", field=("userId",))


async def _refuse_foreign(session: AsyncSession, account_id: UUID, site_ids: Sequence[UUID]) -> None:
    """Raise NotFound unless all are sites of the account; they stay until the transaction ends."""
    own = sa.select(t.Site.id).where(t.Site.account_id == account_id, t.Site.id.in_(site_ids)).order_by(t.Site.id)
    found = set((await session.execute(own.with_for_update(read=True, key_share=True))).scalars())
    for at, site_id in enumerate(site_ids):
        if site_id not in found:
            raise NotFound("No site with this id.", field=("siteIds", str(at)))


async def _drop_grants(
    session: AsyncSession, account_id: UUID, user_id: UUID, site_ids: Sequence[UUID] | None = None
) -> None:
    """Take the user's grants away, those for all sites when none are named."""
    grants = sa.delete(t.SiteUserAccess).where(
        t.SiteUserAccess.account_id == account_id, t.SiteUserAccess.user_id == user_id
    )
    if site_ids is not None:
        grants = grants.where(t.SiteUserAccess.site_id.in_(site_ids))
    dropped = grants.returning(t.SiteUserAccess.id, t.SiteUserAccess.site_id)
    for grant_id, site_id in (await session.execute(dropped)).all():
        changes.record(session, ChangeKind.DELETED, "SiteUserAccess", [grant_id], site_id=site_id)


async def _write(session: AsyncSession, account_id: UUID, user_id: UUID, **values: str) -> None:
    await session.execute(
        sa.update(t.User).where(t.User.account_id == account_id, t.User.id == user_id).values(**values)
    )
