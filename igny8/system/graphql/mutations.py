"""Mutations of prompts, integration settings, author profiles and strategies."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, UNSET
from strawberry.scalars import JSON

from igny8 import outgoing
from igny8.access import Permission
from igny8.errors import ValidationFailed
from igny8.gql import ids
from igny8.gql.arguments import kept, kept_id, optional, optional_id
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.settings import Settings
from igny8.system import author_profiles, connections, integration_settings, prompts, provider_test, strategies
from igny8.system.graphql.types import (
    AIPrompt,
    AuthorProfile,
    ConnectionReport,
    IntegrationSettings,
    ReadinessCheck,
    Strategy,
)
from igny8.system.tables import ImageStyle, IntegrationType, PromptType

MANAGES = Permission.SETTINGS_MANAGE


@strawberry.input(description="What is left out stays as it is; null clears.")
class IntegrationSettingsInput:
    integration_type: IntegrationType
    api_key: str | None = strawberry.field(default=UNSET, description="Stored encrypted, never readable.")
    base_url: str | None = strawberry.field(
        default=UNSET, description="A stored key is forgotten when the address changes: give it again."
    )
    text_model: str | None = UNSET
    image_model: str | None = UNSET
    image_style: ImageStyle | None = UNSET
    options: JSON | None = UNSET
    is_active: bool | None = UNSET


@strawberry.input
class CreateAuthorProfileInput:
    name: str
    description: str | None = UNSET
    tone: str | None = UNSET
    language: str | None = strawberry.field(default=UNSET, description="BCP 47, for example en or de-CH; default en.")
    instructions: str | None = UNSET
    is_default: bool | None = UNSET


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateAuthorProfileInput:
    id: ID
    name: str | None = UNSET
    description: str | None = UNSET
    tone: str | None = UNSET
    language: str | None = UNSET
    instructions: str | None = UNSET
    is_default: bool | None = UNSET


@strawberry.input
class CreateStrategyInput:
    name: str
    description: str | None = UNSET
    sector_id: ID | None = strawberry.field(default=UNSET, description="None: for the whole account.")
    prompt_types: list[PromptType] | None = UNSET
    instructions: JSON | None = strawberry.field(default=UNSET, description="A JSON object.")
    is_active: bool | None = UNSET


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateStrategyInput:
    id: ID
    name: str | None = UNSET
    description: str | None = UNSET
    sector_id: ID | None = UNSET
    prompt_types: list[PromptType] | None = UNSET
    instructions: JSON | None = UNSET
    is_active: bool | None = UNSET


@strawberry.type
class SaveAiPromptPayload(MutationPayload):
    prompt: AIPrompt | None = None


@strawberry.type
class ResetAiPromptPayload(MutationPayload):
    prompt: AIPrompt | None = None


@strawberry.type
class SaveIntegrationSettingsPayload(MutationPayload):
    settings: IntegrationSettings | None = None


@strawberry.type
class TestIntegrationSettingsPayload(MutationPayload):
    #: As it is stored, so that an idempotency key can keep it.
    document: strawberry.Private[dict[str, Any] | None] = None

    @strawberry.field
    def report(self) -> ConnectionReport | None:
        told = self.document
        if told is None:
            return None
        checks = [ReadinessCheck(**check) for check in told["checks"]]
        return ConnectionReport(ok=told["ok"], checks=checks, tested_at=datetime.fromisoformat(told["testedAt"]))


@strawberry.type
class DeleteIntegrationSettingsPayload(MutationPayload):
    deleted_id: ID | None = None


@strawberry.type
class CreateAuthorProfilePayload(MutationPayload):
    author_profile: AuthorProfile | None = None


@strawberry.type
class UpdateAuthorProfilePayload(MutationPayload):
    author_profile: AuthorProfile | None = None


@strawberry.type
class DeleteAuthorProfilePayload(MutationPayload):
    deleted_id: ID | None = None


@strawberry.type
class CreateStrategyPayload(MutationPayload):
    strategy: Strategy | None = None


@strawberry.type
class UpdateStrategyPayload(MutationPayload):
    strategy: Strategy | None = None


@strawberry.type
class DeleteStrategyPayload(MutationPayload):
    deleted_id: ID | None = None


async def _refuse_inward(address: str | None, settings: Settings) -> None:
    """Look where the address leads, before the transaction. Raises ValidationFailed."""
    field = ("input", "baseUrl")
    allowed = settings.outgoing_private
    checked = integration_settings.base_url(address, field, allow_private=allowed) if address is not UNSET else None
    if checked is None:
        return
    try:
        await outgoing.vet(outgoing.parsed(checked, allow_private=allowed), allow_private=allowed)
    except outgoing.Refused as refused:
        raise ValidationFailed(refused.message, field=field) from None


@strawberry.type
class SystemMutation:
    @mutation(need=MANAGES, description="A new version of a prompt, used from now on.")
    async def save_ai_prompt(self, info: Info, prompt_type: PromptType, value: str) -> SaveAiPromptPayload:
        async with info.context.writing() as write:
            await prompts.save(write.session, write.viewer, prompt_type, value)
            return write.answered(SaveAiPromptPayload(prompt=row(prompts.kind_id(prompt_type))))

    @mutation(need=MANAGES, description="Use the built-in text again; the saved versions stay to be read.")
    async def reset_ai_prompt(self, info: Info, prompt_type: PromptType) -> ResetAiPromptPayload:
        async with info.context.writing() as write:
            await prompts.reset(write.session, write.viewer, prompt_type)
            return write.answered(ResetAiPromptPayload(prompt=row(prompts.kind_id(prompt_type))))

    @mutation(need=MANAGES, description="Make or change the account's own access to a provider.")
    async def save_integration_settings(
        self, info: Info, input: IntegrationSettingsInput
    ) -> SaveIntegrationSettingsPayload:
        services = info.context.services
        async with info.context.looking():
            pass  # a caller who may not must not have us look names up
        await _refuse_inward(input.base_url, services.settings)
        async with info.context.writing() as write:
            id_, forgotten = await integration_settings.save(
                write.session,
                write.viewer.account_id,
                input.integration_type,
                keyring=services.keyring,
                allow_private=services.settings.outgoing_private,
                key=kept(input.api_key),
                address=kept(input.base_url),
                text_model=kept(input.text_model),
                image_model=kept(input.image_model),
                image_style=kept(input.image_style),
                options=kept(input.options),
                is_active=kept(input.is_active),
            )
            said = (
                "The stored key was forgotten, because the address changed. Save the key again."
                if forgotten
                else None
            )
            return write.answered(SaveIntegrationSettingsPayload(settings=row(id_), message=said))

    @mutation(
        need=MANAGES,
        description="Try a provider, step by step: with what is given, and for the rest with what is stored."
        " Spends nothing.",
    )
    async def test_integration_settings(
        self, info: Info, input: IntegrationSettingsInput
    ) -> TestIntegrationSettingsPayload:
        services = info.context.services
        async with info.context.looking() as look:
            trial = await connections.trial(
                look.session,
                look.viewer.account_id,
                input.integration_type,
                keyring=services.keyring,
                settings=services.settings,
                key=kept(input.api_key),
                address=kept(input.base_url),
                text_model=kept(input.text_model),
                image_model=kept(input.image_model),
            )
        report = await provider_test.run(trial.setup, allow_private=services.settings.outgoing_private)
        async with info.context.writing() as write:
            document = report.document()
            if trial.of is not None:
                id_, as_of = trial.of
                await integration_settings.note_test(
                    write.session, write.viewer.account_id, id_, document, as_of=as_of
                )
            return write.answered(TestIntegrationSettingsPayload(document=document))

    @mutation(need=MANAGES, description="Delete the settings for a provider, and the key with them.")
    async def delete_integration_settings(
        self, info: Info, integration_type: IntegrationType
    ) -> DeleteIntegrationSettingsPayload:
        async with info.context.writing() as write:
            id_ = await integration_settings.delete(write.session, write.viewer.account_id, integration_type)
            return write.answered(DeleteIntegrationSettingsPayload(deleted_id=ID(ids.show("ist", id_))))

    @mutation(need=MANAGES, description="The first one of an account becomes the default.")
    async def create_author_profile(self, info: Info, input: CreateAuthorProfileInput) -> CreateAuthorProfilePayload:
        async with info.context.writing() as write:
            profile_id = await author_profiles.create(
                write.session,
                write.viewer.account_id,
                name=input.name,
                description=optional(input.description),
                tone=optional(input.tone),
                language=optional(input.language),
                instructions=optional(input.instructions),
                is_default=bool(optional(input.is_default)),
            )
            return write.answered(CreateAuthorProfilePayload(author_profile=row(profile_id)))

    @mutation(need=MANAGES)
    async def update_author_profile(self, info: Info, input: UpdateAuthorProfileInput) -> UpdateAuthorProfilePayload:
        profile_id = ids.given("aut", input.id, "input", "id")
        async with info.context.writing() as write:
            await author_profiles.update(
                write.session,
                write.viewer.account_id,
                profile_id,
                name=kept(input.name),
                description=kept(input.description),
                tone=kept(input.tone),
                language=kept(input.language),
                instructions=kept(input.instructions),
                is_default=kept(input.is_default),
            )
            return write.answered(UpdateAuthorProfilePayload(author_profile=row(profile_id)))

    @mutation(need=MANAGES, description="After the default, the oldest profile left becomes the default.")
    async def delete_author_profile(self, info: Info, id: ID) -> DeleteAuthorProfilePayload:
        profile_id = ids.given("aut", id, "id")
        async with info.context.writing() as write:
            await author_profiles.delete(write.session, write.viewer.account_id, profile_id)
            return write.answered(DeleteAuthorProfilePayload(deleted_id=id))

    @mutation(need=MANAGES)
    async def create_strategy(self, info: Info, input: CreateStrategyInput) -> CreateStrategyPayload:
        sector_id = optional_id("sec", input.sector_id, "input", "sectorId")
        async with info.context.writing() as write:
            active = optional(input.is_active)
            strategy_id = await strategies.create(
                write.session,
                write.viewer.account_id,
                name=input.name,
                description=optional(input.description),
                sector_id=sector_id,
                prompt_types=optional(input.prompt_types) or (),
                instructions=optional(input.instructions),
                is_active=active is None or active,
            )
            return write.answered(CreateStrategyPayload(strategy=row(strategy_id)))

    @mutation(need=MANAGES)
    async def update_strategy(self, info: Info, input: UpdateStrategyInput) -> UpdateStrategyPayload:
        strategy_id = ids.given("str", input.id, "input", "id")
        sector_id = kept_id("sec", input.sector_id, "input", "sectorId")
        async with info.context.writing() as write:
            await strategies.update(
                write.session,
                write.viewer.account_id,
                strategy_id,
                name=kept(input.name),
                description=kept(input.description),
                sector_id=sector_id,
                prompt_types=kept(input.prompt_types),
                instructions=kept(input.instructions),
                is_active=kept(input.is_active),
            )
            return write.answered(UpdateStrategyPayload(strategy=row(strategy_id)))

    @mutation(need=MANAGES)
    async def delete_strategy(self, info: Info, id: ID) -> DeleteStrategyPayload:
        strategy_id = ids.given("str", id, "id")
        async with info.context.writing() as write:
            await strategies.delete(write.session, write.viewer.account_id, strategy_id)
            return write.answered(DeleteStrategyPayload(deleted_id=id))
