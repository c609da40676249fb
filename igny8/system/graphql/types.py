"""What the schema shows of prompts, settings, author profiles, strategies and models."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, and_, func, literal_column
from strawberry import lazy
from strawberry.scalars import JSON

from igny8.access import Permission
from igny8.ai.catalogue import ModelKind
from igny8.auth.graphql.types import Sector, User
from igny8.gql.read.conditions import equal, id_setting, select_from
from igny8.gql.read.declare import Connection, Node, column, computed, listed, many, one, rows, sql
from igny8.system import prompt_types
from igny8.system import tables as t

for _enum in (t.PromptType, t.IntegrationType, t.ImageStyle):
    strawberry.enum(_enum)
strawberry.enum(ModelKind, name="AIModelKind")

READ = Permission.CONTENT_READ
MANAGES = Permission.SETTINGS_MANAGE


@strawberry.type(description="What `{{name}}` in a prompt stands for.")
class PromptVariable:
    name: str
    description: str
    required: bool


@rows(t.AIPromptVersion, prefix="prv", need=MANAGES)
class AIPromptVersion:
    """A text that was saved."""

    version: int
    value: str
    created_at: datetime
    created_by: User | None = one()


def _chosen(kind: Any, of: Any) -> ColumnElement[Any]:
    """A column of the account's choice of a prompt, when it has made one."""
    mine = t.AIPrompt
    found = select_from(mine, of).where(
        mine.account_id == id_setting("account_id"),
        mine.prompt_type == kind.prompt_type,
        mine.version.is_not(None),
    )
    return found.scalar_subquery()


def _own_value(kind: Any) -> ColumnElement[Any]:
    saved = t.AIPromptVersion
    found = select_from(saved, saved.value).where(
        saved.account_id == id_setting("account_id"),
        saved.prompt_type == kind.prompt_type,
        saved.version == _chosen(kind, t.AIPrompt.version),
    )
    return found.scalar_subquery()


def _value(prompt_type: str, own: str | None) -> str:
    return prompt_types.default(t.PromptType(prompt_type)) if own is None else own


def _variables(prompt_type: str) -> list[PromptVariable]:
    declared = prompt_types.VARIABLES[t.PromptType(prompt_type)]
    return [
        {"name": one.name, "description": one.description, "required": one.required}  # type: ignore[misc]  # as the compiler wants objects
        for one in declared
    ]


def _is_saved(kind: Any, version: Any) -> ColumnElement[bool]:
    return and_(version.account_id == id_setting("account_id"), equal(version.prompt_type, kind.prompt_type))


def _changed_it(kind: Any, user: Any) -> ColumnElement[bool]:
    return and_(user.account_id == id_setting("account_id"), user.id == _chosen(kind, t.AIPrompt.updated_by_id))


@rows(t.PromptKind, prefix="prm", need=MANAGES)
class AIPrompt:
    """What a model is told for one kind of work: the account's own text, or the built-in one."""

    prompt_type: t.PromptType
    value: str = computed(_value, needs={"prompt_type": lambda kind: kind.prompt_type, "own": _own_value})
    is_default: bool = sql(
        lambda kind: _chosen(kind, t.AIPrompt.version).is_(None),
        never_null=True,
        description="Whether it is the built-in text.",
    )
    version: int = sql(
        lambda kind: func.coalesce(_chosen(kind, t.AIPrompt.version), literal_column("0")),
        never_null=True,
        description="0 is the built-in text.",
    )
    variables: list[PromptVariable] = computed(_variables, needs=["prompt_type"])
    history: list[AIPromptVersion] = listed(
        _is_saved,
        most=100,
        default=(("VERSION", lambda version: version.version, True),),
        description="The latest 100 versions that were saved, newest first.",
    )
    updated_at: datetime | None = sql(lambda kind: _chosen(kind, t.AIPrompt.updated_at))
    updated_by: User | None = one(_changed_it)


@strawberry.type(description="One step of a test.")
class ReadinessCheck:
    id: str
    passed: bool
    blocking: bool
    message: str
    remedy: str | None = strawberry.field(description="What to do when it has not passed.")


@strawberry.type(description="What a test of a connection found; `ok` when every blocking check has passed.")
class ConnectionReport:
    ok: bool
    checks: list[ReadinessCheck]
    tested_at: datetime


@rows(t.IntegrationSettings, prefix="ist", need=MANAGES)
class IntegrationSettings(Node):
    """The account's own access to a provider of models."""

    integration_type: t.IntegrationType
    is_active: bool
    has_api_key: bool = column(description="True when a key is stored. The key itself is never readable.")
    api_key_last4: str | None
    base_url: str | None = column(description="Where the provider's protocol is spoken; null is the usual address.")
    text_model: str | None
    image_model: str | None
    image_style: t.ImageStyle | None
    options: JSON
    last_test: ConnectionReport | None
    updated_at: datetime


@rows(t.AuthorProfile, prefix="aut", need=READ)
class AuthorProfile(Node):
    """A voice to write in."""

    name: str
    description: str | None
    tone: str | None
    language: str
    instructions: str | None
    is_default: bool = column(description="Exactly one of an account's profiles is the default.")
    created_at: datetime
    updated_at: datetime


@rows(t.Strategy, prefix="str", need=READ)
class Strategy(Node):
    """Instructions that some types of prompts get."""

    name: str
    description: str | None
    sector: Annotated["Sector", lazy("igny8.auth.graphql.types")] | None = one()
    prompt_types: list[t.PromptType]
    instructions: JSON
    is_active: bool
    created_at: datetime
    updated_at: datetime


@strawberry.type
class SectorSystem:
    """What this domain adds to `Sector`."""

    strategies: Connection[Strategy] = many(lambda sector, strategy: strategy.sector_id == sector.id)


@strawberry.type(description="A model we know. A price that is null is unknown.")
class AIModel:
    provider: t.IntegrationType
    name: str
    kind: ModelKind
    input_price_usd: Decimal | None
    output_price_usd: Decimal | None
    image_price_usd: Decimal | None
    is_default: bool


@strawberry.type(description="Whether a part of the service works. Numbers and messages are for developers.")
class ComponentStatus:
    ok: bool
    latency_ms: float | None
    message: str | None
    count: int | None


@strawberry.type(description="What waits and runs in a queue.")
class QueueStatus:
    name: str
    queued: int
    running: int
    failed_last_hour: int


@strawberry.type(description="How the service is. Queues are for developers.")
class SystemStatus:
    version: str
    database: ComponentStatus
    redis: ComponentStatus
    workers: ComponentStatus
    dispatcher: ComponentStatus
    queues: list[QueueStatus]
    oldest_queued_seconds: int
