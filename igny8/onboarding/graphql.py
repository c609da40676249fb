"""Sign-up in the schema."""

import strawberry
from strawberry import UNSET

from igny8.access import Audience
from igny8.auth.graphql.desk import TokenPair, desk_of, origin_of, welcome
from igny8.auth.graphql.types import Viewer
from igny8.gql.arguments import optional
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.onboarding import sign_up


@strawberry.input
class SignUpInput:
    email: str
    password: str
    name: str
    account_name: str | None = strawberry.field(default=UNSET, description="By default the person's name.")


@strawberry.type
class SignUpPayload(MutationPayload):
    tokens: TokenPair | None = None
    viewer: Viewer | None = None


@strawberry.type
class OnboardingMutation:
    @mutation(
        need=Audience.PUBLIC,
        anywhere=True,
        description="A new account with you as its owner. Credits of the trial come once the e-mail is verified.",
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload:
        signed_in = await sign_up.sign_up(
            desk_of(info),
            origin_of(info),
            email=input.email,
            password=input.password,
            name=input.name,
            account_name=optional(input.account_name),
        )
        tokens = welcome(info, signed_in)
        return SignUpPayload(tokens=tokens, viewer=row(signed_in.member.account_id))
