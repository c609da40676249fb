"""Sign-up, and sectors from templates, in the schema."""

import strawberry
from strawberry import ID, UNSET

from igny8.access import Audience, Permission
from igny8.auth.graphql.desk import TokenPair, desk_of, origin_of, welcome
from igny8.auth.graphql.types import Sector, Viewer
from igny8.gql import ids
from igny8.gql.arguments import optional, optional_id
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.onboarding import sectors, sign_up


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


@strawberry.input
class CreateSectorInput:
    site_id: ID
    name: str
    slug: str | None = strawberry.field(default=UNSET, description="Made from the name when left out.")
    description: str | None = UNSET
    industry_sector_id: ID | None = UNSET
    copy_seed_keywords: bool | None = strawberry.field(
        default=UNSET, description="Begin with the seed keywords of the industry sector."
    )


@strawberry.type
class CreateSectorPayload(MutationPayload):
    sector: Sector | None = None


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

    @mutation(need=Permission.SITES_MANAGE, description="A new sector; a site has at most five active ones.")
    async def create_sector(self, info: Info, input: CreateSectorInput) -> CreateSectorPayload:
        site_id = ids.given("sit", input.site_id, "input", "siteId")
        async with info.context.writing() as write:
            sector_id = await sectors.create(
                write.session,
                write.viewer.account_id,
                site_id=site_id,
                name=input.name,
                slug=optional(input.slug),
                description=optional(input.description),
                industry_sector_id=optional_id("ins", input.industry_sector_id, "input", "industrySectorId"),
                copy_seed_keywords=bool(optional(input.copy_seed_keywords)),
            )
            return write.answered(CreateSectorPayload(sector=row(sector_id)))
