"""Access to providers: an account's keys, addresses and models. A key can be written and used, and never read."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs, outgoing
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotFound, ValidationFailed
from igny8.inputs import KEEP, Check, Field, Keep
from igny8.secrets import Keyring
from igny8.system.tables import ImageStyle, IntegrationSettings, IntegrationType

_KEY_LENGTHS: Final = range(8, 501)
#: A key shorter than this would be half told by its last four characters.
_LONG_ENOUGH_TO_SHOW: Final = 12


def key_place(account_id: UUID, settings_id: UUID) -> str:
    """What the sealed key of an account's settings is bound to."""
    return f"integration:{account_id}:{settings_id}:api_key"


def api_key(value: str | None, field: Field) -> str | None:
    """A key as a provider gives it out; null is none. Raises ValidationFailed, which never repeats the key."""
    if value is None:
        return None
    if any(sign.isspace() for sign in value):
        raise ValidationFailed("A key has no spaces or line breaks: copy it again without them.", field=field)
    if len(value) not in _KEY_LENGTHS or not (value.isascii() and value.isprintable()):
        raise ValidationFailed(
            f"A key has {_KEY_LENGTHS[0]} to {_KEY_LENGTHS[-1]} letters, digits and signs.", field=field
        )
    return value


def base_url(value: str | None, field: Field, *, allow_private: bool) -> str | None:
    """The address below which a provider's protocol is spoken, without the last slash. Raises ValidationFailed."""
    given = inputs.text(value, field, longest=500)
    if given is None:
        return None
    try:
        url = outgoing.parsed(given, allow_private=allow_private)
    except outgoing.Refused as refused:
        raise ValidationFailed(refused.message, field=field) from None
    if url.query or url.fragment:
        raise ValidationFailed("The address may not have a query or a fragment (? or #).", field=field)
    return str(url).rstrip("/")


def model(value: str | None, field: Field) -> str | None:
    """The name of a model, such as gpt-4o-mini or runware:97@1. Raises ValidationFailed."""
    given = inputs.text(value, field, longest=200)
    if given is not None and any(sign.isspace() for sign in given):
        raise ValidationFailed("The name of a model has no spaces.", field=field)
    return given


_CHECKS: Final[dict[str, Check]] = {"text_model": model, "image_model": model}


async def save(
    session: AsyncSession,
    account_id: UUID,
    integration_type: IntegrationType,
    *,
    keyring: Keyring,
    allow_private: bool,
    key: str | Keep | None = KEEP,
    address: str | Keep | None = KEEP,
    text_model: str | Keep | None = KEEP,
    image_model: str | Keep | None = KEEP,
    image_style: ImageStyle | Keep | None = KEEP,
    options: object = KEEP,
    is_active: bool | Keep | None = KEEP,
) -> tuple[UUID, bool]:
    """Store what is given: the id, and whether a stored key was forgotten.

    A stored key does not follow to another address: whoever may change the address must not be able to have the
    key sent to a server of their own. Raises ValidationFailed.
    """
    values = inputs.checked(_CHECKS, {"text_model": text_model, "image_model": image_model})
    if integration_type is IntegrationType.RUNWARE and values.get("text_model"):
        raise ValidationFailed("Runware makes images: it has no text models.", field=("input", "textModel"))
    if image_style is not KEEP:
        values["image_style"] = image_style and image_style.value
    if options is not KEEP:
        values["options"] = inputs.json_object(options, ("input", "options"))
    if is_active is not KEEP:
        values["is_active"] = inputs.required(is_active, ("input", "isActive"))
    if address is not KEEP:
        values["base_url"] = base_url(address, ("input", "baseUrl"), allow_private=allow_private)
    if key is not KEEP:
        key = api_key(key, ("input", "apiKey"))
    stored = await _held(session, account_id, integration_type)
    forgotten = False
    if key is not KEEP:
        values |= _sealed(keyring, key, account_id, stored.id)
    elif values.get("base_url", stored.base_url) != stored.base_url and stored.has_api_key:
        values |= _sealed(keyring, None, account_id, stored.id)
        forgotten = True
    if {"api_key", "base_url"} & values.keys():
        values["last_test"] = sa.null()
    if values:
        own = sa.and_(IntegrationSettings.account_id == account_id, IntegrationSettings.id == stored.id)
        await session.execute(sa.update(IntegrationSettings).where(own).values(values))
    changes.record(session, ChangeKind.UPDATED, "IntegrationSettings", [stored.id])
    return stored.id, forgotten


async def delete(session: AsyncSession, account_id: UUID, integration_type: IntegrationType) -> UUID:
    """Delete the settings and the key with them; the id they had. Raises NotFound."""
    own = sa.and_(
        IntegrationSettings.account_id == account_id,
        IntegrationSettings.integration_type == integration_type.value,
    )
    gone = await session.execute(sa.delete(IntegrationSettings).where(own).returning(IntegrationSettings.id))
    id_ = gone.scalar_one_or_none()
    if id_ is None:
        raise NotFound(f"There are no settings for {integration_type}.", field=("integrationType",))
    changes.record(session, ChangeKind.DELETED, "IntegrationSettings", [id_])
    return id_


async def stored(
    session: AsyncSession, account_id: UUID, integration_type: IntegrationType
) -> IntegrationSettings | None:
    """The account's settings, the sealed key included."""
    own = sa.select(IntegrationSettings).where(
        IntegrationSettings.account_id == account_id,
        IntegrationSettings.integration_type == integration_type.value,
    )
    return (await session.execute(own)).scalar_one_or_none()


def opened_key(keyring: Keyring, settings: IntegrationSettings) -> str | None:
    """The key in the clear, for a call. Raises SecretUnreadable."""
    if settings.api_key is None:
        return None
    return keyring.open(settings.api_key, bound_to=key_place(settings.account_id, settings.id))


async def note_test(
    session: AsyncSession, account_id: UUID, settings_id: UUID, report: dict[str, Any], *, as_of: datetime
) -> None:
    """Keep the report of a test, unless the settings were changed since `as_of`, when they were read."""
    own = sa.and_(
        IntegrationSettings.account_id == account_id,
        IntegrationSettings.id == settings_id,
        IntegrationSettings.updated_at == as_of,
    )
    noted = sa.update(IntegrationSettings).where(own).values(last_test=report, updated_at=as_of)
    if (await session.execute(noted.returning(IntegrationSettings.id))).first() is not None:
        changes.record(session, ChangeKind.UPDATED, "IntegrationSettings", [settings_id], tested=True)


async def _held(
    session: AsyncSession, account_id: UUID, integration_type: IntegrationType
) -> sa.Row[UUID, str | None, bool]:
    """The account's row for a provider, made when there is none, locked until the transaction ends."""
    new = insert(IntegrationSettings).values(
        account_id=account_id, id=new_id(), integration_type=integration_type.value
    )
    await session.execute(new.on_conflict_do_nothing())
    row = sa.select(IntegrationSettings.id, IntegrationSettings.base_url, IntegrationSettings.has_api_key).where(
        IntegrationSettings.account_id == account_id,
        IntegrationSettings.integration_type == integration_type.value,
    )
    return (await session.execute(row.with_for_update())).one()


def _sealed(keyring: Keyring, key: str | None, account_id: UUID, settings_id: UUID) -> dict[str, object]:
    if key is None:
        return {"api_key": None, "api_key_last4": None}
    shown = key[-4:] if len(key) >= _LONG_ENOUGH_TO_SHOW else "****"
    return {"api_key": keyring.seal(key, bound_to=key_place(account_id, settings_id)), "api_key_last4": shown}
