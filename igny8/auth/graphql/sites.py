"""Mutations of sites and sectors."""

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.auth import sectors, sites
from igny8.auth.graphql.types import Sector, Site
from igny8.auth.tables import SectorStatus, SiteStatus
from igny8.gql import ids
from igny8.gql.arguments import kept, kept_id, optional, optional_id
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row


@strawberry.input
class CreateSiteInput:
    name: str
    slug: str | None = strawberry.field(default=UNSET, description="Made from the name when left out.")
    domain: str | None = UNSET
    industry_id: ID | None = UNSET
    language: str | None = strawberry.field(default=UNSET, description="BCP 47, for example en or de-CH; default en.")
    timezone: str | None = strawberry.field(default=UNSET, description="IANA name; default UTC.")
    wp_url: str | None = UNSET
    wp_username: str | None = UNSET
    wp_app_password: str | None = strawberry.field(default=UNSET, description="Stored encrypted, never readable.")


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateSiteInput:
    id: ID
    name: str | None = UNSET
    slug: str | None = UNSET
    domain: str | None = UNSET
    industry_id: ID | None = UNSET
    status: SiteStatus | None = UNSET
    language: str | None = UNSET
    timezone: str | None = UNSET
    wp_url: str | None = UNSET
    wp_username: str | None = UNSET
    wp_app_password: str | None = UNSET


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateSectorInput:
    id: ID
    name: str | None = UNSET
    slug: str | None = UNSET
    description: str | None = UNSET
    status: SectorStatus | None = UNSET


@strawberry.type
class CreateSitePayload(MutationPayload):
    site: Site | None = None


@strawberry.type
class UpdateSitePayload(MutationPayload):
    site: Site | None = None


@strawberry.type
class DeleteSitePayload(MutationPayload):
    deleted_id: ID | None = None


@strawberry.type
class UpdateSectorPayload(MutationPayload):
    sector: Sector | None = None


@strawberry.type
class DeleteSectorPayload(MutationPayload):
    deleted_id: ID | None = None


@strawberry.type
class SiteMutation:
    @mutation(need=Permission.SITES_MANAGE, description="A new site; its slug is unique in the account.")
    async def create_site(self, info: Info, input: CreateSiteInput) -> CreateSitePayload:
        async with info.context.writing() as write:
            site_id = await sites.create(
                write.session,
                write.viewer.account_id,
                keyring=info.context.services.keyring,
                name=input.name,
                slug=optional(input.slug),
                domain=optional(input.domain),
                industry_id=optional_id("ind", input.industry_id, "input", "industryId"),
                language=optional(input.language),
                timezone=optional(input.timezone),
                wp_url=optional(input.wp_url),
                wp_username=optional(input.wp_username),
                wp_app_password=optional(input.wp_app_password),
            )
            return write.answered(CreateSitePayload(site=row(site_id)))

    @mutation(need=Permission.SITES_MANAGE)
    async def update_site(self, info: Info, input: UpdateSiteInput) -> UpdateSitePayload:
        site_id = ids.given("sit", input.id, "input", "id")
        async with info.context.writing() as write:
            await sites.update(
                write.session,
                write.viewer.account_id,
                site_id,
                keyring=info.context.services.keyring,
                name=kept(input.name),
                slug=kept(input.slug),
                domain=kept(input.domain),
                industry_id=kept_id("ind", input.industry_id, "input", "industryId"),
                status=kept(input.status),
                language=kept(input.language),
                timezone=kept(input.timezone),
                wp_url=kept(input.wp_url),
                wp_username=kept(input.wp_username),
                wp_app_password=kept(input.wp_app_password),
            )
            return write.answered(UpdateSitePayload(site=row(site_id)))

    @mutation(
        need=Permission.SITES_MANAGE,
        description="CONFLICT with the counts of what depends on the site, unless `force`: then all of it goes.",
    )
    async def delete_site(self, info: Info, id: ID, force: bool | None = None) -> DeleteSitePayload:
        site_id = ids.given("sit", id, "id")
        async with info.context.writing() as write:
            await sites.delete(write.session, write.viewer.account_id, site_id, force=bool(force))
            return write.answered(DeleteSitePayload(deleted_id=id))

    @mutation(need=Permission.SITES_MANAGE)
    async def update_sector(self, info: Info, input: UpdateSectorInput) -> UpdateSectorPayload:
        sector_id = ids.given("sec", input.id, "input", "id")
        async with info.context.writing() as write:
            await sectors.update(
                write.session,
                write.viewer.account_id,
                sector_id,
                name=kept(input.name),
                slug=kept(input.slug),
                description=kept(input.description),
                status=kept(input.status),
            )
            return write.answered(UpdateSectorPayload(sector=row(sector_id)))

    @mutation(need=Permission.SITES_MANAGE)
    async def delete_sector(self, info: Info, id: ID, force: bool | None = None) -> DeleteSectorPayload:
        sector_id = ids.given("sec", id, "id")
        async with info.context.writing() as write:
            await sectors.delete(write.session, write.viewer.account_id, sector_id)
            return write.answered(DeleteSectorPayload(deleted_id=id))
