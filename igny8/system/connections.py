"""Which key pays for a call, and where it goes: the account's own access to a provider, or the server's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import structlog
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.ai.calls import Connection, Provider
from igny8.errors import NotAllowedNow
from igny8.inputs import KEEP, Keep
from igny8.secrets import Keyring, SecretUnreadable
from igny8.settings import Settings
from igny8.system import integration_settings, tables
from igny8.system.integration_settings import opened_key, stored
from igny8.system.provider_test import Check, Setup
from igny8.system.tables import IntegrationType

log = structlog.get_logger()

_NAMES: Final[Mapping[IntegrationType, str]] = {
    IntegrationType.OPENAI: "OpenAI",
    IntegrationType.RUNWARE: "Runware",
}


async def require_connection(
    session: AsyncSession, account_id: UUID, provider: IntegrationType, settings: Settings
) -> None:
    """Raises NotAllowedNow, which says where to set a key, unless there is one for the account's calls.

    It reads nothing of the key, so that editors may ask it before they start a job.
    """
    table = tables.IntegrationSettings
    known = sa.select(table.is_active, table.has_api_key, table.base_url).where(
        table.account_id == account_id, table.integration_type == provider.value
    )
    own = (await session.execute(known)).first()
    if own is not None and _counts(own.is_active, own.has_api_key, own.base_url):
        if not own.has_api_key:
            raise _no_own_key(provider)
    elif server_access(settings, provider)[1] is None:
        raise _no_key(provider)


async def connection_for(
    session: AsyncSession, account_id: UUID, provider: IntegrationType, *, keyring: Keyring, settings: Settings
) -> Connection:
    """The account's own connection when its settings are active, else the server's.

    An address of the account's own never gets the server's key. Raises NotAllowedNow, which says where to set a key.
    """
    own = await stored(session, account_id, provider)
    address, fallback = server_access(settings, provider)
    if own is not None and _counts(own.is_active, own.has_api_key, own.base_url):
        key = _own_key(keyring, own)
        if key is None:
            raise _no_own_key(provider)
        return Connection(
            Provider(provider.value), own.base_url or address, key, "ACCOUNT", own.text_model, own.image_model
        )
    if fallback is None:
        raise _no_key(provider)
    return Connection(Provider(provider.value), address, fallback.get_secret_value(), "SERVER")


def _counts(is_active: bool, has_api_key: bool, base_url: str | None) -> bool:
    """Whether an account's own settings are what its calls go by."""
    return is_active and (has_api_key or base_url is not None)


def _no_own_key(provider: IntegrationType) -> NotAllowedNow:
    return NotAllowedNow(
        f"The settings for {_NAMES[provider]} name an address and no key."
        " Save the key with saveIntegrationSettings, or clear the address."
    )


def _no_key(provider: IntegrationType) -> NotAllowedNow:
    return NotAllowedNow(
        f"There is no key for {_NAMES[provider]}. Save one with saveIntegrationSettings;"
        f" an operator can set one for all accounts in IGNY8_{provider}_API_KEY."
    )


def server_access(settings: Settings, provider: IntegrationType) -> tuple[str, SecretStr | None]:
    """The usual address of a provider, and the server's own key."""
    if provider is IntegrationType.OPENAI:
        return settings.openai_base_url, settings.openai_api_key
    return settings.runware_base_url, settings.runware_api_key


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test is to try: a setup, or the check that failed before it.

    `of` are the id and the time of the stored settings, when nothing but them is tried.
    """

    setup: Setup | Check
    of: tuple[UUID, datetime] | None


async def trial(
    session: AsyncSession,
    account_id: UUID,
    provider: IntegrationType,
    *,
    keyring: Keyring,
    settings: Settings,
    key: str | Keep | None = KEEP,
    address: str | Keep | None = KEEP,
    text_model: str | Keep | None = KEEP,
    image_model: str | Keep | None = KEEP,
) -> Trial:
    """What is given, and for the rest what is stored. Raises ValidationFailed.

    A stored key goes only to the address that it was stored for.
    """
    own = await stored(session, account_id, provider)
    usual, _ = server_access(settings, provider)
    place = own.base_url if own else None
    if address is not KEEP:
        place = integration_settings.base_url(address, ("input", "baseUrl"), allow_private=settings.outgoing_private)
    same_address = own is None or place == own.base_url
    models = {
        name: integration_settings.model(value, ("input", field)) if value is not KEEP else getattr(own, name, None)
        for name, field, value in (
            ("text_model", "textModel", text_model),
            ("image_model", "imageModel", image_model),
        )
    }
    given = None if key is KEEP else integration_settings.api_key(key, ("input", "apiKey"))
    found = given or _stored_key_for(keyring, own, same_address=same_address)
    as_stored = same_address and all(one is KEEP for one in (key, text_model, image_model))
    of = (own.id, own.updated_at) if own is not None and as_stored else None
    return Trial(found if isinstance(found, Check) else Setup(provider, place or usual, found, **models), of)


def _stored_key_for(keyring: Keyring, own: tables.IntegrationSettings | None, *, same_address: bool) -> str | Check:
    if own is None or not own.has_api_key:
        return Check("key", False, "No key is given, and none is stored.", "Give the key of your account there.")
    if not same_address:
        return Check(
            "key", False, "The stored key is sent to the address it was stored for alone.", "Give the key as well."
        )
    try:
        key = opened_key(keyring, own)
    except SecretUnreadable as error:
        log.error("secret unreadable", reason=str(error))
        key = None
    return key or Check("key", False, "The stored key cannot be opened any more.", "Save the key again.")


def _own_key(keyring: Keyring, own: tables.IntegrationSettings) -> str | None:
    try:
        return opened_key(keyring, own)
    except SecretUnreadable as error:
        log.error("secret unreadable", reason=str(error))
        raise NotAllowedNow(
            "The stored key cannot be opened any more. Save it again with saveIntegrationSettings."
        ) from None
