"""The root fields of the system part."""

from dataclasses import asdict
from typing import Annotated, Any, Final

import strawberry
from sqlalchemy import ColumnElement, literal_column
from strawberry import ID

from igny8 import __version__
from igny8.access import Audience, Permission
from igny8.auth.tables import Account
from igny8.errors import BadRequest, NotFound
from igny8.gql import ids
from igny8.gql.context import Info
from igny8.gql.mutations import query
from igny8.gql.read.conditions import equal, id_setting, select_from
from igny8.gql.read.declarations import Gate, Reference
from igny8.gql.read.declare import Connection, root_list, roots
from igny8.jobs.presence import Process
from igny8.system import preview, status
from igny8.system.graphql.types import (
    MANAGES,
    READ,
    AIModel,
    AIPrompt,
    AuthorProfile,
    ComponentStatus,
    IntegrationSettings,
    QueueStatus,
    Strategy,
    SystemStatus,
)
from igny8.system.status import Component
from igny8.system.tables import IntegrationType, PromptType


def _of_sector(
    strategy: Any, sector_id: Annotated[ID | None, Reference("sec", "sector_id")] = None
) -> ColumnElement[bool]:
    return equal(strategy.sector_id, sector_id) if sector_id is not None else literal_column("true")


_PREVIEW: Final = Gate(MANAGES)
_SIGNED_IN: Final = Gate(Audience.SIGNED_IN, anywhere=True)


def _in_an_account(_: Any) -> ColumnElement[bool]:
    return select_from(Account, Account.id).where(Account.id == id_setting("account_id")).exists()


@strawberry.type
class SystemQuery:
    ai_prompts: list[AIPrompt] = root_list(
        need=MANAGES,
        most=50,
        where=_in_an_account,
        default=(("POSITION", lambda kind: kind.position, False),),
        description="One of each type, whether the account has changed it or not.",
    )
    integration_settings: list[IntegrationSettings] = root_list(
        need=MANAGES, most=50, default=(("INTEGRATION_TYPE", lambda one: one.integration_type, False),)
    )
    author_profiles: Connection[AuthorProfile] = roots(need=READ)
    strategies: Connection[Strategy] = roots(
        where=_of_sector, need=READ, description="All that you may see, or those of one sector."
    )

    @query(
        _PREVIEW,
        description="A prompt filled in with a keyword, cluster, idea, task or content, or with examples.",
    )
    async def ai_prompt_preview(
        self, info: Info, prompt_type: PromptType, value: str, subject_id: ID | None = None
    ) -> str:
        async with info.context.reading(_PREVIEW) as read:
            if subject_id is None:
                return preview.of_examples(prompt_type, value)
            kind = ids.prefix_of(subject_id)
            if kind is None:
                raise BadRequest("'subjectId': expected an id such as sit_0190f3c2..., got something that is no id.")
            if kind not in preview.SUBJECTS:
                raise NotFound(preview.NOTHING_THERE)
            found = ids.given(kind, subject_id)
            account_id = read.viewer.account_id
            return await preview.of_subject(read.session, account_id, prompt_type, value, kind=kind, id=found)

    @query(_SIGNED_IN, description="The models we know, with their prices for a million tokens or an image.")
    async def ai_models(self, info: Info) -> list[AIModel]:
        services = info.context.services
        async with info.context.reading(_SIGNED_IN):
            shown = services.catalogue.listed(sandbox=services.settings.environment == "development")
        return [
            AIModel(
                provider=IntegrationType(model.provider.value),
                name=model.name,
                kind=model.kind,
                input_price_usd=model.input_price_usd,
                output_price_usd=model.output_price_usd,
                image_price_usd=model.image_price_usd,
                is_default=model.is_default,
            )
            for model in shown
        ]

    @query(_SIGNED_IN, description="How the service is; details are for developers.")
    async def system_status(self, info: Info) -> SystemStatus:
        services = info.context.services
        async with info.context.reading(_SIGNED_IN) as read:
            told = read.viewer.may(Permission.SYSTEM_ADMIN)
        lengths = await status.of_queues(services.db) if told else []
        workers, dispatchers = [await status.of_processes(services.redis, process) for process in Process]
        return SystemStatus(
            version=__version__,
            database=_shown(await status.database(services.db), details=told),
            redis=_shown(await status.of_redis(services.redis), details=told),
            workers=_shown(workers, details=told),
            dispatcher=_shown(dispatchers, details=told),
            queues=[
                QueueStatus(
                    name=one.queue,
                    queued=one.queued,
                    running=one.running,
                    failed_last_hour=one.failed_last_hour,
                )
                for one in lengths
            ],
            oldest_queued_seconds=max((one.oldest_seconds for one in lengths), default=0),
        )


def _shown(component: Component, *, details: bool) -> ComponentStatus:
    return ComponentStatus(**asdict(component if details else Component(ok=component.ok)))
