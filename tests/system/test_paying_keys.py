"""Which key pays: the account's own, or the server's; and else a sentence that says where to set one."""

import pytest
from pydantic import SecretStr

from igny8.db import Database, LoginRole
from igny8.errors import NotAllowedNow
from igny8.secrets import Keyring
from igny8.settings import Settings
from igny8.system.connections import Connection, connection_for, require_connection
from igny8.system.tables import IntegrationType
from tests.support.api import Api
from tests.support.world import Tenant, World
from tests.system.provider import KEY
from tests.system.test_integration_settings import saved

pytestmark = pytest.mark.anyio

SERVERS = "sk-server-0123456789"
USUAL = "https://api.openai.com/v1"


async def found(
    db: Database, settings: Settings, tenant: Tenant, provider: IntegrationType = IntegrationType.OPENAI
) -> Connection:
    async with db.session(LoginRole.SYSTEM) as session:
        await require_connection(session, tenant.id, provider, settings)
        keyring = Keyring(settings.secrets_keys)
        return await connection_for(session, tenant.id, provider, keyring=keyring, settings=settings)


def with_key(settings: Settings) -> Settings:
    return settings.model_copy(update={"openai_api_key": SecretStr(SERVERS), "runware_api_key": SecretStr(SERVERS)})


async def test_the_accounts_own_key_comes_first(api: Api, db: Database, settings: Settings, tenant: Tenant) -> None:
    await saved(api, tenant, apiKey=KEY)
    assert await found(db, with_key(settings), tenant) == Connection("OPENAI", USUAL, KEY, "ACCOUNT")
    await saved(api, tenant, apiKey=KEY, baseUrl="http://localhost:9999/v1")
    assert await found(db, settings, tenant) == Connection("OPENAI", "http://localhost:9999/v1", KEY, "ACCOUNT")


async def test_without_one_the_servers_key_serves(api: Api, db: Database, settings: Settings, tenant: Tenant) -> None:
    server = Connection("OPENAI", USUAL, SERVERS, "SERVER")
    assert await found(db, with_key(settings), tenant) == server
    await saved(api, tenant, textModel="gpt-text")
    assert await found(db, with_key(settings), tenant) == server
    await saved(api, tenant, apiKey=KEY, isActive=False)
    assert await found(db, with_key(settings), tenant) == server
    runware = await found(db, with_key(settings), tenant, IntegrationType.RUNWARE)
    assert runware == Connection("RUNWARE", "https://api.runware.ai/v1", SERVERS, "SERVER")


async def test_without_any_the_error_says_where_to_set_one(db: Database, settings: Settings, tenant: Tenant) -> None:
    with pytest.raises(NotAllowedNow) as refused:
        await found(db, settings, tenant)
    assert refused.value.message == (
        "There is no key for OpenAI. Save one with saveIntegrationSettings;"
        " an operator can set one for all accounts in IGNY8_OPENAI_API_KEY."
    )


async def test_the_servers_key_never_goes_to_an_accounts_address(
    api: Api, db: Database, settings: Settings, tenant: Tenant
) -> None:
    await saved(api, tenant, baseUrl="http://localhost:9999/v1")
    with pytest.raises(NotAllowedNow, match="name an address and no key"):
        await found(db, with_key(settings), tenant)


async def test_a_key_of_another_row_does_not_open(
    api: Api, db: Database, settings: Settings, tenant: Tenant, world: World
) -> None:
    other = world.tenant()
    for one in (tenant, other):
        await saved(api, one, apiKey=KEY)
    world.sql.execute(
        "UPDATE integration_settings SET api_key = (SELECT api_key FROM integration_settings WHERE account_id = %s)"
        " WHERE account_id = %s",
        (other.id, tenant.id),
    )
    with pytest.raises(NotAllowedNow, match="cannot be opened any more"):
        await found(db, with_key(settings), tenant)


async def test_an_account_is_never_served_by_anothers_key(
    api: Api, db: Database, settings: Settings, tenant: Tenant, world: World
) -> None:
    await saved(api, world.tenant(), apiKey=KEY)
    with pytest.raises(NotAllowedNow):
        await found(db, settings, tenant)
