"""How the service is: everybody learns whether, developers learn how."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from igny8 import __version__
from igny8.access import Role
from igny8.ai.catalogue import Catalogue
from igny8.db import Database
from igny8.jobs.presence import Process, present
from igny8.settings import Settings
from igny8.system import status
from igny8.system.status import Component
from igny8.worker import TASKS, working
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

PART = "{ ok latencyMs message count }"
STATUS = (
    f"{{ systemStatus {{ version database {PART} redis {PART} workers {PART} dispatcher {PART}"
    " queues { name queued running failedLastHour } oldestQueuedSeconds } }"
)


async def test_everybody_who_is_signed_in_learns_whether_it_works(api: Api, tenant: Tenant) -> None:
    for role in (Role.VIEWER, Role.OWNER):
        status = (await api.data(STATUS, as_=tenant[role]))["systemStatus"]
        assert status["version"] == __version__
        for part in ("database", "redis"):
            assert status[part] == {"ok": True, "latencyMs": None, "message": None, "count": None}
        assert status["queues"] == []
    assert await api.code(STATUS) == "UNAUTHENTICATED"


async def test_developers_learn_how_quickly(api: Api, world: World, tenant: Tenant) -> None:
    developer = world.operators()[Role.DEVELOPER]
    for headers in ({}, {"X-Igny8-Account": tenant.public_id}):
        status = (await api(STATUS, as_=developer, headers=headers))["data"]["systemStatus"]
        for part in ("database", "redis"):
            assert status[part]["ok"] is True
            assert status[part]["latencyMs"] > 0
        assert status["workers"] == {"ok": False, "latencyMs": None, "message": "No worker runs.", "count": 0}
        assert status["dispatcher"]["message"] == "No dispatcher runs."


async def test_workers_dispatchers_and_queues_are_counted(
    api: Api, world: World, tenant: Tenant, settings: Settings, redis_url: str
) -> None:
    developer = world.operators()[Role.DEVELOPER]

    async def status() -> dict[str, Any]:
        found: dict[str, Any] = (await api(STATUS, as_=developer))["data"]["systemStatus"]
        return found

    for state, due, count in (("QUEUED", "1 hour", 3), ("RETRYING", "-1 hour", 1), ("FAILED", "1 hour", 2)):
        failed = state == "FAILED"
        error = "'CRASHED', 'Crashed', false, now()" if failed else "NULL, NULL, NULL, NULL"
        world.sql.execute(
            "INSERT INTO job (account_id, id, scope_id, kind, queue, state, max_attempts, arguments, due_at,"
            " error_code, error_message, error_retryable, finished_at)"
            f" SELECT %s, gen_random_uuid(), %s, 'CLUSTER_KEYWORDS', 'work', %s, 3, '{{}}', now() - %s::interval, {error}"
            " FROM generate_series(1, %s)",
            [tenant.id, tenant.sites["a"], state, due, count],
        )
    try:
        async with working(settings, TASKS), working(settings, TASKS), present(redis_url, Process.DISPATCHER):
            ends = asyncio.get_running_loop().time() + 20
            while ((found := await status())["workers"]["count"], found["dispatcher"]["count"]) != (2, 1):
                assert asyncio.get_running_loop().time() < ends, found
                await asyncio.sleep(0.05)
            work = {"name": "work", "queued": 4, "running": 0, "failedLastHour": 2}
            assert found["queues"] == [{"name": "ai", "queued": 0, "running": 0, "failedLastHour": 0}, work]
            assert found["oldestQueuedSeconds"] // 60 == 60
        assert (await status())["workers"]["ok"] is False
    finally:
        world.sql.execute("DELETE FROM job WHERE account_id = %s", [tenant.id])


async def test_models_are_listed_with_their_prices(api: Api, tenant: Tenant, settings: Settings) -> None:
    asked = "{ aiModels { provider name kind inputPriceUsd outputPriceUsd imagePriceUsd isDefault } }"
    models = (await api.data(asked, as_=tenant[Role.VIEWER]))["aiModels"]
    assert {(one["provider"], one["kind"]) for one in models if one["isDefault"]} == {
        ("OPENAI", "TEXT"),
        ("OPENAI", "IMAGE"),
        ("OPENAI", "EMBEDDING"),
        ("RUNWARE", "IMAGE"),
    }
    (known,) = [one for one in models if one["name"] == "gpt-4.1-mini"]
    assert (known["inputPriceUsd"], known["outputPriceUsd"], known["imagePriceUsd"]) == ("0.40", "1.60", None)
    assert any(one["name"].startswith("sandbox-") for one in models)
    assert await api.code(asked) == "UNAUTHENTICATED"


async def test_models_of_the_sandbox_are_not_shown_to_customers() -> None:
    shown = Catalogue.load().listed(sandbox=False)
    assert shown
    assert not any(model.name.startswith("sandbox-") for model in shown)


async def test_what_does_not_answer_is_told(settings: Settings) -> None:
    nobody = SecretStr("postgresql://igny8_app:test@127.0.0.1:1/igny8")
    db = Database(settings.model_copy(update={"database_app_url": nobody}))
    client: Redis = Redis.from_url("redis://127.0.0.1:1")
    await db.open()
    try:
        assert await status.database(db) == Component(ok=False, message="PostgreSQL does not answer.")
        assert await status.of_redis(client) == Component(ok=False, message="Redis does not answer.")
    finally:
        await client.aclose()
        await db.close()
