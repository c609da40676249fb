"""Mutations of a user's own sign-in: tokens, sessions, password, profile, verification, invitation."""

import strawberry
from strawberry import ID, UNSET

from igny8.access import Audience
from igny8.auth import (
    invitations,
    password_change,
    password_reset,
    profile,
    refreshing,
    sessions,
    sign_in,
    verification,
)
from igny8.auth.graphql.desk import TokenPair, desk_of, forget_cookies, origin_of, welcome
from igny8.auth.graphql.types import User, Viewer
from igny8.errors import Unauthenticated
from igny8.gql import ids
from igny8.gql.arguments import optional
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row

PUBLIC, SIGNED_IN = Audience.PUBLIC, Audience.SIGNED_IN


@strawberry.input
class SignInInput:
    email: str
    password: str
    account_slug: str | None = strawberry.field(
        default=UNSET, description="Needed when the e-mail address belongs to several accounts."
    )


@strawberry.input(description="What is left out stays as it is. A new e-mail address needs the current password.")
class UpdateProfileInput:
    name: str | None = UNSET
    email: str | None = UNSET
    current_password: str | None = UNSET


@strawberry.type
class SignInPayload(MutationPayload):
    tokens: TokenPair | None = None
    viewer: Viewer | None = None


@strawberry.type
class RefreshTokenPayload(MutationPayload):
    tokens: TokenPair | None = None


@strawberry.type
class SignOutPayload(MutationPayload):
    """Says nothing more."""


@strawberry.type
class RevokeSessionPayload(MutationPayload):
    """Says nothing more."""


@strawberry.type
class VerifyEmailPayload(MutationPayload):
    viewer: Viewer | None = strawberry.field(default=None, description="Null for callers who are not signed in.")


@strawberry.type
class ResendVerificationPayload(MutationPayload):
    """Says the same whether the address is known or not."""


@strawberry.type
class ChangePasswordPayload(MutationPayload):
    """Says nothing more."""


@strawberry.type
class RequestPasswordResetPayload(MutationPayload):
    """Says the same whether the address is known or not."""


@strawberry.type
class ResetPasswordPayload(MutationPayload):
    tokens: TokenPair | None = None


@strawberry.type
class AcceptInvitationPayload(MutationPayload):
    tokens: TokenPair | None = None
    viewer: Viewer | None = None


@strawberry.type
class UpdateProfilePayload(MutationPayload):
    user: User | None = None


@strawberry.type
class SigningInMutation:
    @mutation(need=PUBLIC, anywhere=True)
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:
        signed_in = await sign_in.sign_in(
            desk_of(info),
            origin_of(info),
            email=input.email,
            password=input.password,
            account_slug=optional(input.account_slug),
        )
        tokens = welcome(info, signed_in)
        return SignInPayload(tokens=tokens, viewer=row(signed_in.member.account_id))

    @mutation(
        need=PUBLIC,
        anywhere=True,
        description="The next pair of tokens. Without an argument the browser's cookie is taken."
        " A refresh token is good once; one that is used again ends its session.",
    )
    async def refresh_token(self, info: Info, refresh_token: str | None = None) -> RefreshTokenPayload:
        token = refresh_token or info.context.refresh_cookie
        if token is None:
            raise info.context.refused or Unauthenticated("Give a refresh token, or send the browser's cookies.")
        signed_in = await refreshing.refresh(desk_of(info), origin_of(info), token)
        return RefreshTokenPayload(tokens=welcome(info, signed_in))

    @mutation(need=SIGNED_IN, anywhere=True, while_suspended=True)
    async def sign_out(self, info: Info, everywhere: bool | None = None) -> SignOutPayload:
        who = info.context.required_credentials()
        async with info.context.writing(at_home=True) as write:
            if everywhere:
                await sessions.end_all(write.session, account_id=who.account_id, user_id=who.user_id)
            else:
                await sessions.end(
                    write.session, account_id=who.account_id, user_id=who.user_id, session_id=who.session_id
                )
            forget_cookies(info)
            return write.answered(SignOutPayload())

    @mutation(need=SIGNED_IN, anywhere=True, while_suspended=True, description="End one of your own sessions.")
    async def revoke_session(self, info: Info, id: ID) -> RevokeSessionPayload:
        session_id = ids.given("ses", id, "id")
        who = info.context.required_credentials()
        async with info.context.writing(at_home=True) as write:
            await sessions.end(write.session, account_id=who.account_id, user_id=who.user_id, session_id=session_id)
            return write.answered(RevokeSessionPayload())

    @mutation(need=PUBLIC, anywhere=True)
    async def verify_email(self, info: Info, token: str) -> VerifyEmailPayload:
        await verification.verify(desk_of(info), origin_of(info), token)
        who = info.context.credentials
        return VerifyEmailPayload(viewer=row(who.account_id) if who else None)

    @mutation(need=PUBLIC, anywhere=True, description="Mail the link again.")
    async def resend_verification(self, info: Info, email: str) -> ResendVerificationPayload:
        await verification.resend(desk_of(info), origin_of(info), email)
        return ResendVerificationPayload()

    @mutation(need=SIGNED_IN, anywhere=True, while_suspended=True, description="Ends all your other sessions.")
    async def change_password(self, info: Info, current_password: str, new_password: str) -> ChangePasswordPayload:
        desk, origin, who = desk_of(info), origin_of(info), info.context.required_credentials()
        await info.context.look_for_replay()
        prepared = await password_change.prepared(
            desk,
            origin,
            account_id=who.account_id,
            user_id=who.user_id,
            current=current_password,
            new=new_password,
        )
        async with info.context.writing(at_home=True) as write:
            await password_change.change(
                write.session,
                desk.outbox,
                account_id=who.account_id,
                user_id=who.user_id,
                session_id=who.session_id,
                password_hash=prepared,
            )
            return write.answered(ChangePasswordPayload())

    @mutation(need=PUBLIC, anywhere=True, description="Mail a link that sets a new password.")
    async def request_password_reset(
        self, info: Info, email: str, account_slug: str | None = None
    ) -> RequestPasswordResetPayload:
        await password_reset.request(desk_of(info), origin_of(info), email, account_slug=account_slug)
        return RequestPasswordResetPayload()

    @mutation(need=PUBLIC, anywhere=True, description="Ends all sessions of the user and begins a new one.")
    async def reset_password(self, info: Info, token: str, new_password: str) -> ResetPasswordPayload:
        signed_in = await password_reset.reset(desk_of(info), origin_of(info), token, new_password)
        return ResetPasswordPayload(tokens=welcome(info, signed_in))

    @mutation(need=PUBLIC, anywhere=True)
    async def accept_invitation(
        self, info: Info, token: str, password: str, name: str | None = None
    ) -> AcceptInvitationPayload:
        signed_in = await invitations.accept(
            desk_of(info), origin_of(info), token=token, password=password, name=name
        )
        tokens = welcome(info, signed_in)
        return AcceptInvitationPayload(tokens=tokens, viewer=row(signed_in.member.account_id))

    @mutation(need=SIGNED_IN, anywhere=True)
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> UpdateProfilePayload:
        desk, origin, who = desk_of(info), origin_of(info), info.context.required_credentials()
        person = None
        if input.email is not UNSET:
            await info.context.look_for_replay()
            person = await profile.confirm_for_email(
                desk,
                origin,
                account_id=who.account_id,
                user_id=who.user_id,
                current_password=optional(input.current_password),
            )
        async with info.context.writing(at_home=True) as write:
            if input.name is not UNSET:
                await profile.rename(write.session, input.name, account_id=who.account_id, user_id=who.user_id)
            if person is not None:
                await profile.change_email(write.session, desk.outbox, person, input.email)
            return write.answered(UpdateProfilePayload(user=row(who.user_id)))
