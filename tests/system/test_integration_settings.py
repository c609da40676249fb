"""Access to providers: keys that are written and used, and never read."""

import json
from typing import Any

import psycopg
import pytest
from redis.asyncio import Redis

from igny8.access import Role
from igny8.app import create_app
from igny8.secrets import Keyring
from igny8.settings import Settings
from igny8.system.integration_settings import key_place
from tests.conftest import running
from tests.support.api import Api
from tests.support.logged import log_to_memory
from tests.support.world import Tenant, World
from tests.system.provider import KEY, Provider

pytestmark = pytest.mark.anyio

SHOWN = (
    "id integrationType isActive hasApiKey apiKeyLast4 baseUrl textModel imageModel imageStyle options updatedAt"
    " lastTest { ok testedAt checks { id passed blocking message remedy } }"
)
LIST = f"{{ integrationSettings {{ {SHOWN} }} }}"
SAVE = (
    "mutation($input: IntegrationSettingsInput!) { saveIntegrationSettings(input: $input) { success message"
    f" errors {{ code field message details }} settings {{ {SHOWN} }} }} }}"
)
TEST = (
    "mutation($input: IntegrationSettingsInput!) { testIntegrationSettings(input: $input) { success message"
    " errors { code field message } report { ok testedAt checks { id passed blocking message remedy } } } }"
)
DELETE = (
    "mutation($type: IntegrationType!) { deleteIntegrationSettings(integrationType: $type) {"
    " success errors { code field } deletedId } }"
)


async def saved(api: Api, tenant: Tenant, **given: object) -> dict[str, Any]:
    given = {"integrationType": "OPENAI", **given}
    payload: dict[str, Any] = (await api.data(SAVE, as_=tenant[Role.OWNER], input=given))["saveIntegrationSettings"]
    return payload


async def listed(api: Api, tenant: Tenant) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.data(LIST, as_=tenant[Role.ADMIN]))["integrationSettings"]
    return found


def stored_key(world: World, settings: Settings, tenant: Tenant) -> str | None:
    """The key in the clear, as only the server can read it."""
    row = world.sql.execute(
        "SELECT id, api_key FROM integration_settings WHERE account_id = %s AND integration_type = 'OPENAI'",
        (tenant.id,),
    ).fetchone()
    assert row is not None
    keyring = Keyring(settings.secrets_keys)
    return None if row[1] is None else keyring.open(row[1], bound_to=key_place(tenant.id, row[0]))


async def test_settings_keep_all_that_is_given(
    api: Api, tenant: Tenant, world: World, settings: Settings, provider: Provider
) -> None:
    given = {
        "baseUrl": provider.url, "textModel": "gpt-text", "imageModel": "gpt-image", "imageStyle": "ARTISTIC",
        "options": {"temperature": 0.4}, "isActive": False,
    }  # fmt: skip
    made = (await saved(api, tenant, **given, apiKey=KEY))["settings"]
    assert {name: made[name] for name in given} == given
    assert (made["integrationType"], made["hasApiKey"], made["apiKeyLast4"]) == ("OPENAI", True, "wxyz")
    assert made["lastTest"] is None
    assert await listed(api, tenant) == [made]
    assert stored_key(world, settings, tenant) == KEY


async def test_what_is_left_out_stays_and_null_clears(
    api: Api, tenant: Tenant, world: World, settings: Settings
) -> None:
    await saved(api, tenant, apiKey=KEY, textModel="gpt-text", imageStyle="CARTOON", options={"a": 1})
    kept = (await saved(api, tenant, imageModel="gpt-image"))["settings"]
    assert (kept["textModel"], kept["imageModel"], kept["imageStyle"]) == ("gpt-text", "gpt-image", "CARTOON")
    assert stored_key(world, settings, tenant) == KEY
    cleared = await saved(
        api, tenant, apiKey=None, textModel=None, imageModel=None, imageStyle=None, options=None, baseUrl=None
    )
    shown = cleared["settings"]
    assert (shown["hasApiKey"], shown["apiKeyLast4"], shown["textModel"]) == (False, None, None)
    assert (shown["imageModel"], shown["imageStyle"], shown["options"]) == (None, None, {})
    assert cleared["message"] is None
    assert stored_key(world, settings, tenant) is None


async def test_a_key_does_not_follow_to_another_address(
    api: Api, tenant: Tenant, world: World, settings: Settings, provider: Provider
) -> None:
    await saved(api, tenant, apiKey=KEY)
    moved = await saved(api, tenant, baseUrl=provider.url)
    assert (moved["success"], moved["settings"]["hasApiKey"]) == (True, False)
    assert moved["message"] == "The stored key was forgotten, because the address changed. Save the key again."
    assert stored_key(world, settings, tenant) is None
    both = await saved(api, tenant, baseUrl="http://localhost:9999/v1", apiKey=KEY)
    assert (both["settings"]["hasApiKey"], both["message"]) == (True, None)
    same = await saved(api, tenant, baseUrl="http://localhost:9999/v1/")
    assert (same["settings"]["hasApiKey"], same["message"]) == (True, None)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("apiKey", "sk-with a space", "A key has no spaces or line breaks"),
        ("apiKey", f" {KEY}", "A key has no spaces or line breaks"),
        ("apiKey", f"{KEY}\n", "A key has no spaces or line breaks"),
        ("apiKey", f"{KEY}\u00a0", "A key has no spaces or line breaks"),
        ("apiKey", "short", "A key has 8 to 500 letters, digits and signs."),
        ("apiKey", "k" * 501, "A key has 8 to 500 letters, digits and signs."),
        ("apiKey", "", "A key has 8 to 500 letters, digits and signs."),
        ("apiKey", "schlüssel-0123456789", "A key has 8 to 500 letters, digits and signs."),
        ("apiKey", "key-with-\x00-in-it", "A key has 8 to 500 letters, digits and signs."),
        ("baseUrl", "api.openai.com", "The address must begin with https://."),
        ("baseUrl", "ftp://localhost/v1", "The address must begin with https://."),
        ("baseUrl", "http://me:secret@localhost/v1", "The address may not hold a user name or password."),
        ("baseUrl", "http://localhost/v1?key=1", "The address may not have a query or a fragment"),
        ("baseUrl", "http://169.254.169.254/v1", "This address is a reserved one, which is never called."),
        ("baseUrl", "http://127.1/v1", "The address does not name a host"),
        ("baseUrl", "http://localhost:6379/v1", "The port 6379 is not one of a web service."),
        ("textModel", "two words", "The name of a model has no spaces."),
        ("imageModel", "x" * 201, "This may have at most 200 characters"),
        ("options", [1], "This must be a JSON object"),
        ("isActive", None, "This may not be null."),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_kept(
    api: Api, tenant: Tenant, field: str, value: object, says: str
) -> None:
    payload = await saved(api, tenant, **{field: value})
    (error,) = payload["errors"]
    assert (payload["success"], error["code"], error["field"]) == (False, "VALIDATION", ["input", field])
    assert error["message"].startswith(says)
    assert value is None or field != "apiKey" or not value or str(value) not in json.dumps(payload)
    assert await listed(api, tenant) == []


@pytest.mark.parametrize(
    "address",
    [
        "http://api.provider.net/v1",
        "https://127.0.0.1/v1",
        "https://10.0.0.1",
        "https://localhost/v1",
        "https://[::1]/",
    ],
)
async def test_without_the_development_setting_no_address_points_inside(
    tenant: Tenant, settings: Settings, provider: Provider, address: str
) -> None:
    guarded = settings.model_copy(update={"outgoing_private": False})
    async with running(create_app(guarded)) as client:
        api = Api(client)
        for mutation, name in ((SAVE, "saveIntegrationSettings"), (TEST, "testIntegrationSettings")):
            given = {"integrationType": "OPENAI", "baseUrl": address, "apiKey": KEY}
            payload = (await api.data(mutation, as_=tenant[Role.OWNER], input=given))[name]
            assert [(error["code"], error["field"]) for error in payload["errors"]] == [
                ("VALIDATION", ["input", "baseUrl"])
            ]
        assert await listed(api, tenant) == []


async def test_runware_has_no_text_models(api: Api, tenant: Tenant) -> None:
    payload = await saved(api, tenant, integrationType="RUNWARE", textModel="gpt-text")
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [
        ("VALIDATION", ["input", "textModel"])
    ]
    made = await saved(api, tenant, integrationType="RUNWARE", imageModel="runware:97@1", imageStyle="REALISTIC")
    assert made["settings"]["imageModel"] == "runware:97@1"


async def test_deleting_takes_the_key_along(api: Api, tenant: Tenant, world: World) -> None:
    made = (await saved(api, tenant, apiKey=KEY))["settings"]
    gone = (await api.data(DELETE, as_=tenant[Role.OWNER], type="OPENAI"))["deleteIntegrationSettings"]
    assert gone == {"success": True, "errors": [], "deletedId": made["id"]}
    assert world.sql.execute(
        "SELECT count(*) FROM integration_settings WHERE account_id = %s", (tenant.id,)
    ).fetchone() == (0,)
    again = (await api.data(DELETE, as_=tenant[Role.OWNER], type="OPENAI"))["deleteIntegrationSettings"]
    assert again["errors"] == [{"code": "NOT_FOUND", "field": ["integrationType"]}]


async def test_a_short_key_is_not_half_told(api: Api, tenant: Tenant) -> None:
    assert (await saved(api, tenant, apiKey="12345678"))["settings"]["apiKeyLast4"] == "****"
    assert (await saved(api, tenant, apiKey="123456789012"))["settings"]["apiKeyLast4"] == "9012"


async def test_a_known_key_is_found_nowhere(
    tenant: Tenant,
    settings: Settings,
    provider: Provider,
    superuser: psycopg.Connection[Any],
    redis_url: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Dumps of the database, the log, Redis and every answer, after all that can be done with a key."""
    lines = log_to_memory(settings)
    answers = []
    async with running(create_app(settings)) as client:
        api, owner = Api(client), tenant[Role.OWNER]

        async def ask(text: str, **variables: object) -> None:
            headers = {"Idempotency-Key": f"canary-{len(answers)}"} if text.startswith("mutation") else {}
            answers.append(await api(text, as_=owner, headers=headers, **variables))

        given = {"integrationType": "OPENAI", "apiKey": KEY, "baseUrl": provider.url, "textModel": "gpt-text"}
        await ask(TEST, input=given)
        await ask(SAVE, input=given)
        await ask(TEST, input={"integrationType": "OPENAI"})
        await ask(SAVE, input={**given, "textModel": "no model"})
        await ask(SAVE, input={**given, "apiKey": f"{KEY} "})
        provider.keys.clear()
        await ask(TEST, input={"integrationType": "OPENAI"})
        await ask(TEST, input={**given, "baseUrl": "http://127.0.0.1:1025/v1"})
        await ask(SAVE.replace("success message", "success messages"), input=given)
        await ask(
            f'mutation {{ saveIntegrationSettings(input: {{integrationType: OPENAI, apiKey: "{KEY}"}}) {{ success }} }}'
        )
        await ask(LIST)
        await ask(DELETE, type="RUNWARE")
    assert any(KEY in headers.get("authorization", "") for _, _, headers in provider.asked)
    dump = "".join(_dumped(superuser))
    assert KEY not in dump
    assert KEY.encode().hex() not in dump
    assert tenant.id.hex[:8] in dump.replace("-", "")
    assert KEY not in json.dumps(answers)
    assert KEY not in json.dumps(lines())
    assert len(lines()) >= len(answers)
    captured = capfd.readouterr()
    assert KEY not in captured.out + captured.err
    assert KEY not in await _everything_in(redis_url)


def _dumped(sql: psycopg.Connection[Any]) -> list[str]:
    """Every row of every table, as text; bytes as hexadecimal digits."""
    tables = sql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [str(row) for (name,) in tables for row in sql.execute(f"SELECT r::text FROM {name} r").fetchall()]


async def _everything_in(redis_url: str) -> str:
    client: Redis = Redis.from_url(redis_url)
    try:
        keys = [key async for key in client.scan_iter()]
        assert keys
        return " ".join([str(key) + str(await client.dump(key)) for key in keys])
    finally:
        await client.aclose()
