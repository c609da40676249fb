"""The people of an account: who may change whom, and what goes with it."""

import pytest

from igny8.access import Role, Viewer
from igny8.auth import members
from igny8.auth import tables as t
from igny8.auth.tables import UserStatus
from igny8.db import Database, LoginRole, new_id
from igny8.errors import DomainError, NotAllowedNow, NotFound, ValidationFailed
from tests.support.tenants import (
    both,
    changes_of,
    may_enter,
    new_account,
    new_developer,
    new_member,
    new_owner,
    new_site,
    rows_of,
    writing,
)

pytestmark = pytest.mark.anyio


async def user(db: Database, viewer: Viewer) -> t.User | None:
    found = await rows_of(db, t.User, viewer.account_id, id=viewer.user_id)
    return found[0] if found else None


async def grants(db: Database, viewer: Viewer) -> set[object]:
    return {grant.site_id for grant in await rows_of(db, t.SiteUserAccess, viewer.account_id, user_id=viewer.user_id)}


async def test_an_admin_gives_equals_and_lower_ones_a_role(db: Database) -> None:
    owner = await new_owner(db)
    admin = await new_member(db, owner.account_id, Role.ADMIN)
    other = await new_member(db, owner.account_id, Role.ADMIN)
    async with writing(db, admin) as session:
        await members.set_role(session, admin, other.user_id, Role.EDITOR)
    changed = await user(db, other)
    assert changed is not None
    assert changed.role == "EDITOR"
    assert await changes_of(db, owner.account_id) == [("UPDATED", "User", [other.user_id], None)]


@pytest.mark.parametrize("role", [Role.OWNER, Role.DEVELOPER, Role.SYSTEM_BOT])
async def test_some_roles_are_given_by_nobody(db: Database, role: Role) -> None:
    owner = await new_owner(db)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    with pytest.raises(ValidationFailed) as refused:
        async with writing(db, owner) as session:
            await members.set_role(session, owner, editor.user_id, role)
    assert refused.value.field == ("role",)
    assert await may_enter(db, editor)


async def test_nobody_changes_or_disables_or_deletes_the_owner(db: Database) -> None:
    owner = await new_owner(db)
    admin = await new_member(db, owner.account_id, Role.ADMIN)
    for viewer in (owner, admin, await new_developer(db, acting_on=owner.account_id)):
        for act in (
            lambda session: members.set_role(session, viewer, owner.user_id, Role.EDITOR),  # noqa: B023
            lambda session: members.set_status(session, viewer, owner.user_id, UserStatus.DISABLED),  # noqa: B023
            lambda session: members.delete(session, viewer, owner.user_id),  # noqa: B023
        ):
            with pytest.raises(NotAllowedNow, match="owner of the account"):
                async with writing(db, viewer) as session:
                    await act(session)
    assert await may_enter(db, owner)
    assert await changes_of(db, owner.account_id) == []


async def test_who_becomes_admin_loses_the_grants_and_starts_with_none_afterwards(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    async with writing(db, owner) as session:
        await members.grant_sites(session, owner, editor.user_id, [site_id])
    async with writing(db, owner) as session:
        await members.set_role(session, owner, editor.user_id, Role.ADMIN)
    assert await grants(db, editor) == set()
    async with writing(db, owner) as session:
        await members.set_role(session, owner, editor.user_id, Role.VIEWER)
    assert await grants(db, editor) == set()


async def test_the_same_role_again_changes_nothing(db: Database) -> None:
    owner = await new_owner(db)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    async with writing(db, owner) as session:
        await members.set_role(session, owner, editor.user_id, Role.EDITOR)
        await members.set_status(session, owner, editor.user_id, UserStatus.ACTIVE)
    assert await changes_of(db, owner.account_id) == []


async def test_disabling_ends_all_sessions_and_enabling_revives_none(db: Database) -> None:
    owner = await new_owner(db)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    async with writing(db, owner) as session:
        await members.set_status(session, owner, editor.user_id, UserStatus.DISABLED)
    assert not await may_enter(db, editor)
    async with writing(db, owner) as session:
        await members.set_status(session, owner, editor.user_id, UserStatus.ACTIVE)
    assert not await may_enter(db, editor)
    (ended,) = await rows_of(db, t.Session, owner.account_id, user_id=editor.user_id)
    assert ended.revoked_at is not None
    noted = await changes_of(db, owner.account_id)
    assert noted == [
        ("DELETED", "Session", [editor.session_id], None),
        ("UPDATED", "User", [editor.user_id], None),
        ("UPDATED", "User", [editor.user_id], None),
    ]


async def test_invited_is_neither_set_nor_left_by_a_status(db: Database) -> None:
    owner = await new_owner(db)
    invited = await new_member(db, owner.account_id, Role.EDITOR, status="INVITED")
    with pytest.raises(ValidationFailed):
        async with writing(db, owner) as session:
            await members.set_status(session, owner, invited.user_id, UserStatus.INVITED)
    for status in (UserStatus.ACTIVE, UserStatus.DISABLED):
        with pytest.raises(NotAllowedNow, match="has not accepted"):
            async with writing(db, owner) as session:
                await members.set_status(session, owner, invited.user_id, status)
    assert await changes_of(db, owner.account_id) == []


async def test_an_admin_cannot_disable_or_delete_themselves(db: Database) -> None:
    owner = await new_owner(db)
    admin = await new_member(db, owner.account_id, Role.ADMIN)
    with pytest.raises(NotAllowedNow, match="You cannot disable yourself"):
        async with writing(db, admin) as session:
            await members.set_status(session, admin, admin.user_id, UserStatus.DISABLED)
    with pytest.raises(NotAllowedNow, match="You cannot delete yourself"):
        async with writing(db, admin) as session:
            await members.delete(session, admin, admin.user_id)
    assert await may_enter(db, admin)


async def test_only_disabled_and_invited_users_are_deleted(db: Database) -> None:
    owner = await new_owner(db)
    active = await new_member(db, owner.account_id, Role.EDITOR)
    disabled = await new_member(db, owner.account_id, Role.EDITOR, status="DISABLED")
    with pytest.raises(NotAllowedNow, match="Disable the user first"):
        async with writing(db, owner) as session:
            await members.delete(session, owner, active.user_id)
    async with writing(db, owner) as session:
        await members.delete(session, owner, disabled.user_id)
    assert await user(db, disabled) is None
    assert await user(db, active) is not None
    assert await changes_of(db, owner.account_id) == [("DELETED", "User", [disabled.user_id], None)]


async def test_deleting_an_invited_user_frees_the_place(db: Database) -> None:
    owner = await new_owner(db)
    invited = await new_member(db, owner.account_id, Role.VIEWER, status="INVITED")
    async with writing(db, owner) as session:
        await members.delete(session, owner, invited.user_id)
    assert [row.id for row in await rows_of(db, t.User, owner.account_id)] == [owner.user_id]


async def test_grants_are_for_several_sites_and_idempotent(db: Database) -> None:
    owner = await new_owner(db)
    first, second = await new_site(db, owner.account_id), await new_site(db, owner.account_id)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    async with writing(db, owner) as session:
        await members.grant_sites(session, owner, editor.user_id, [first])
    async with writing(db, owner) as session:
        await members.grant_sites(session, owner, editor.user_id, [first, second])
    assert await grants(db, editor) == {first, second}
    async with writing(db, owner) as session:
        await members.revoke_sites(session, owner, editor.user_id, [first])
    async with writing(db, owner) as session:
        await members.revoke_sites(session, owner, editor.user_id, [first])
    assert await grants(db, editor) == {second}
    noted = [(kind, site) for kind, _, _, site in await changes_of(db, owner.account_id)]
    assert noted == [("CREATED", first), ("CREATED", second), ("DELETED", first)]


async def test_a_grant_names_who_gave_it_unless_a_developer_did(db: Database) -> None:
    owner = await new_owner(db)
    developer = await new_developer(db, acting_on=owner.account_id)
    first, second = await new_site(db, owner.account_id), await new_site(db, owner.account_id)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    async with writing(db, owner) as session:
        await members.grant_sites(session, owner, editor.user_id, [first])
    async with writing(db, developer) as session:
        await members.grant_sites(session, developer, editor.user_id, [second])
    found = await rows_of(db, t.SiteUserAccess, owner.account_id)
    assert {grant.site_id: grant.granted_by_id for grant in found} == {first: owner.user_id, second: None}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER])
async def test_who_sees_all_sites_has_no_grants(db: Database, role: Role) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    member = owner if role is Role.OWNER else await new_member(db, owner.account_id, role)
    for act in (members.grant_sites, members.revoke_sites):
        with pytest.raises(NotAllowedNow, match="sees all sites"):
            async with writing(db, owner) as session:
                await act(session, owner, member.user_id, [site_id])
    assert await grants(db, member) == set()


async def test_one_foreign_site_grants_none(db: Database) -> None:
    owner, stranger = await new_owner(db), await new_owner(db)
    mine, theirs = await new_site(db, owner.account_id), await new_site(db, stranger.account_id)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    answers = []
    for other in (theirs, new_id()):
        with pytest.raises(NotFound) as refused:
            async with writing(db, owner) as session:
                await members.grant_sites(session, owner, editor.user_id, [mine, other])
        answers.append((refused.value.message, refused.value.field))
    assert answers == [("No site with this id.", ("siteIds", "1"))] * 2
    assert await grants(db, editor) == set()


async def test_foreign_users_and_those_who_do_not_exist_answer_alike(db: Database) -> None:
    owner, stranger = await new_owner(db), await new_owner(db)
    theirs = await new_member(db, stranger.account_id, Role.EDITOR)

    async def answer(act: object, *arguments: object) -> tuple[str, tuple[str, ...]]:
        with pytest.raises(NotFound) as refused:
            async with writing(db, owner) as session:
                await act(session, owner, *arguments)  # type: ignore[operator]  # one of the functions below
        return refused.value.message, refused.value.field

    for user_id in (theirs.user_id, new_id()):
        for act, *rest in (
            (members.set_role, Role.VIEWER),
            (members.set_status, UserStatus.DISABLED),
            (members.delete,),
            (members.grant_sites, []),
            (members.revoke_sites, []),
            (members.transfer_ownership,),
        ):
            assert await answer(act, user_id, *rest) == ("No user with this id.", ("userId",))
    assert await may_enter(db, theirs)


async def test_ownership_is_transferred_and_the_former_owner_is_an_admin(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    async with writing(db, owner) as session:
        await members.grant_sites(session, owner, editor.user_id, [site_id])
        await members.transfer_ownership(session, owner, editor.user_id)
    roles = {row.id: row.role for row in await rows_of(db, t.User, owner.account_id)}
    assert roles == {owner.user_id: "ADMIN", editor.user_id: "OWNER"}
    assert await grants(db, editor) == set()


@pytest.mark.parametrize("status", ["INVITED", "DISABLED"])
async def test_ownership_goes_to_active_users_only(db: Database, status: str) -> None:
    owner = await new_owner(db)
    other = await new_member(db, owner.account_id, Role.ADMIN, status=status)
    with pytest.raises(NotAllowedNow, match=f"This user is {status}"):
        async with writing(db, owner) as session:
            await members.transfer_ownership(session, owner, other.user_id)
    with pytest.raises(NotAllowedNow, match="owns the account already"):
        async with writing(db, owner) as session:
            await members.transfer_ownership(session, owner, owner.user_id)
    assert await may_enter(db, owner)


async def test_a_developer_transfers_the_ownership_of_another_account(db: Database) -> None:
    owner = await new_owner(db)
    admin = await new_member(db, owner.account_id, Role.ADMIN)
    developer = await new_developer(db, acting_on=owner.account_id)
    async with writing(db, developer) as session:
        await members.transfer_ownership(session, developer, admin.user_id)
    roles = {row.id: row.role for row in await rows_of(db, t.User, owner.account_id)}
    assert roles == {owner.user_id: "ADMIN", admin.user_id: "OWNER"}


async def test_of_two_transfers_at_once_one_wins(db: Database) -> None:
    owner = await new_owner(db)
    one, two = [await new_member(db, owner.account_id, Role.ADMIN) for _ in range(2)]
    lost = await both(
        db,
        (owner, lambda session: members.transfer_ownership(session, owner, one.user_id)),
        (owner, lambda session: members.transfer_ownership(session, owner, two.user_id)),
    )
    assert isinstance(lost, NotAllowedNow)
    roles = {row.id: row.role for row in await rows_of(db, t.User, owner.account_id)}
    assert roles == {owner.user_id: "ADMIN", one.user_id: "OWNER", two.user_id: "ADMIN"}


async def test_a_grant_during_a_raise_to_admin_is_not_left_behind(db: Database) -> None:
    owner = await new_owner(db)
    site_id = await new_site(db, owner.account_id)
    editor = await new_member(db, owner.account_id, Role.EDITOR)
    lost = await both(
        db,
        (owner, lambda session: members.set_role(session, owner, editor.user_id, Role.ADMIN)),
        (owner, lambda session: members.grant_sites(session, owner, editor.user_id, [site_id])),
    )
    assert isinstance(lost, DomainError)
    assert await grants(db, editor) == set()


async def test_system_users_are_not_managed(db: Database) -> None:
    system = await new_account(db, is_system=True)
    bot = await new_member(db, system, Role.SYSTEM_BOT)
    developer = await new_developer(db, acting_on=system)
    for act in (
        lambda session: members.set_role(session, developer, bot.user_id, Role.ADMIN),
        lambda session: members.set_status(session, developer, bot.user_id, UserStatus.DISABLED),
        lambda session: members.delete(session, developer, bot.user_id),
    ):
        with pytest.raises(NotAllowedNow, match="command line"):
            async with writing(db, developer) as session:
                await act(session)
    async with db.session(LoginRole.SYSTEM) as session:
        assert (await session.get(t.User, (system, bot.user_id))) is not None
