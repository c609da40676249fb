"""Mutations of the people of an account, and of the account itself."""

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission, Role
from igny8.auth import accounts, invitations, members
from igny8.auth.graphql.desk import desk_of
from igny8.auth.graphql.types import Account, User
from igny8.auth.tables import AccountStatus, UserStatus
from igny8.gql import ids
from igny8.gql.arguments import id_list, kept, optional
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row


@strawberry.input
class InviteUserInput:
    email: str
    name: str | None = UNSET
    role: Role
    site_ids: list[ID] | None = strawberry.field(
        default=UNSET, description="The sites that an editor or viewer may see."
    )


@strawberry.input(description="What is left out stays as it is.")
class UpdateAccountInput:
    name: str | None = UNSET
    slug: str | None = UNSET


@strawberry.type
class UpdateAccountPayload(MutationPayload):
    account: Account | None = None


@strawberry.type
class SetAccountStatusPayload(MutationPayload):
    account: Account | None = None


@strawberry.type
class TransferOwnershipPayload(MutationPayload):
    account: Account | None = None


@strawberry.type
class InviteUserPayload(MutationPayload):
    user: User | None = None


@strawberry.type
class ResendInvitationPayload(MutationPayload):
    user: User | None = None


@strawberry.type
class SetUserRolePayload(MutationPayload):
    user: User | None = None


@strawberry.type
class SetUserStatusPayload(MutationPayload):
    user: User | None = None


@strawberry.type
class DeleteUserPayload(MutationPayload):
    deleted_id: ID | None = None


@strawberry.type
class GrantSiteAccessPayload(MutationPayload):
    user: User | None = None


@strawberry.type
class RevokeSiteAccessPayload(MutationPayload):
    user: User | None = None


@strawberry.type
class MemberMutation:
    @mutation(need=Permission.ACCOUNT_MANAGE)
    async def update_account(self, info: Info, input: UpdateAccountInput) -> UpdateAccountPayload:
        async with info.context.writing() as write:
            account_id = write.viewer.account_id
            await accounts.update(write.session, account_id, name=kept(input.name), slug=kept(input.slug))
            return write.answered(UpdateAccountPayload(account=row(account_id)))

    @mutation(
        need=Permission.SYSTEM_ADMIN,
        anywhere=True,
        description="For developers. Suspended and cancelled accounts can be read and exported, and not changed.",
    )
    async def set_account_status(self, info: Info, account_id: ID, status: AccountStatus) -> SetAccountStatusPayload:
        target = ids.given("acc", account_id, "accountId")
        async with info.context.writing(in_account=target) as write:
            await accounts.set_status(write.session, target, status)
            return write.answered(SetAccountStatusPayload(account=row(target)))

    @mutation(
        need=Permission.ACCOUNT_MANAGE,
        description="Make another active user the owner; you become an admin. Only the owner may.",
    )
    async def transfer_ownership(self, info: Info, user_id: ID) -> TransferOwnershipPayload:
        target = ids.given("usr", user_id, "userId")
        async with info.context.writing() as write:
            await members.transfer_ownership(write.session, write.viewer, target)
            return write.answered(TransferOwnershipPayload(account=row(write.viewer.account_id)))

    @mutation(need=Permission.USERS_MANAGE, description="Mail an invitation; the user counts from now on.")
    async def invite_user(self, info: Info, input: InviteUserInput) -> InviteUserPayload:
        site_ids = id_list("sit", optional(input.site_ids), "input", "siteIds")
        async with info.context.writing() as write:
            user_id = await invitations.invite(
                write.session,
                desk_of(info).outbox,
                write.viewer,
                email=input.email,
                name=optional(input.name),
                role=input.role,
                site_ids=site_ids,
            )
            return write.answered(InviteUserPayload(user=row(user_id)))

    @mutation(need=Permission.USERS_MANAGE, description="Mail a new invitation; the old link stops working.")
    async def resend_invitation(self, info: Info, user_id: ID) -> ResendInvitationPayload:
        target = ids.given("usr", user_id, "userId")
        async with info.context.writing() as write:
            await invitations.resend(write.session, desk_of(info).outbox, write.viewer, target)
            return write.answered(ResendInvitationPayload(user=row(target)))

    @mutation(need=Permission.USERS_MANAGE, description="Nobody raises a role above their own.")
    async def set_user_role(self, info: Info, user_id: ID, role: Role) -> SetUserRolePayload:
        target = ids.given("usr", user_id, "userId")
        async with info.context.writing() as write:
            await members.set_role(write.session, write.viewer, target, role)
            return write.answered(SetUserRolePayload(user=row(target)))

    @mutation(need=Permission.USERS_MANAGE, description="Disabling a user ends their sessions.")
    async def set_user_status(self, info: Info, user_id: ID, status: UserStatus) -> SetUserStatusPayload:
        target = ids.given("usr", user_id, "userId")
        async with info.context.writing() as write:
            await members.set_status(write.session, write.viewer, target, status)
            return write.answered(SetUserStatusPayload(user=row(target)))

    @mutation(need=Permission.USERS_MANAGE, description="Only disabled and invited users; what they made stays.")
    async def delete_user(self, info: Info, user_id: ID) -> DeleteUserPayload:
        target = ids.given("usr", user_id, "userId")
        async with info.context.writing() as write:
            await members.delete(write.session, write.viewer, target)
            return write.answered(DeleteUserPayload(deleted_id=user_id))

    @mutation(need=Permission.USERS_MANAGE, description="Let an editor or viewer see these sites, from now on.")
    async def grant_site_access(self, info: Info, user_id: ID, site_ids: list[ID]) -> GrantSiteAccessPayload:
        target = ids.given("usr", user_id, "userId")
        sites = id_list("sit", site_ids, "siteIds")
        async with info.context.writing() as write:
            await members.grant_sites(write.session, write.viewer, target, sites)
            return write.answered(GrantSiteAccessPayload(user=row(target)))

    @mutation(need=Permission.USERS_MANAGE, description="Take these sites away again, from the next request on.")
    async def revoke_site_access(self, info: Info, user_id: ID, site_ids: list[ID]) -> RevokeSiteAccessPayload:
        target = ids.given("usr", user_id, "userId")
        sites = id_list("sit", site_ids, "siteIds")
        async with info.context.writing() as write:
            await members.revoke_sites(write.session, write.viewer, target, sites)
            return write.answered(RevokeSiteAccessPayload(user=row(target)))
