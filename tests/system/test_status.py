"""How the service is: everybody learns whether, developers learn how."""

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from igny8 import __version__
from igny8.access import Role
from igny8.db import Database
from igny8.settings import Settings
from igny8.system import status
from igny8.system.status import Component
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
        assert status["workers"] == {
            "ok": False,
            "latencyMs": None,
            "message": "None has told of itself.",
            "count": 0,
        }


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
