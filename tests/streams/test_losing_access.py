"""A stream ends with what allowed it: the session, the token, the role, the grant."""

from datetime import timedelta
from typing import Any

import pytest

from igny8.access import Role
from tests.streams.conftest import Work, public, steps
from tests.streams.sockets import opened, signed_in
from tests.streams.test_following import JOB, SITE
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio


async def test_signing_out_closes_the_socket(live: str, tenant: Tenant, work: Work, api: Api) -> None:
    job = await work.running()
    viewer = tenant[Role.VIEWER]
    async with signed_in(live, viewer) as socket:
        await socket.subscribe("1", JOB, id=public(job))
        assert [(await socket.data())["state"] for _ in range(2)] == ["QUEUED", "RUNNING"]
        await api.data("mutation { signOut { success } }", as_=viewer)
        assert (await socket.closed())[0] == 4401


async def test_a_session_that_ends_elsewhere_closes_the_socket(
    live: str, tenant: Tenant, work: Work, world: World
) -> None:
    job = await work.running()
    async with signed_in(live, tenant[Role.VIEWER]) as socket:
        await socket.subscribe("1", JOB, id=public(job))
        await socket.data()
        world.sql.execute(
            "UPDATE session SET revoked_at = now() WHERE id = %s", [tenant[Role.VIEWER].session_id]
        )  # nobody is told of it
        assert (await socket.closed())[0] == 4401


async def test_a_grant_that_is_taken_away_ends_what_it_allowed_and_nothing_else(
    live: str, tenant: Tenant, work: Work, api: Api
) -> None:
    job, viewer = await work.running(), tenant[Role.VIEWER]
    async with signed_in(live, viewer) as socket, signed_in(live, tenant[Role.OWNER]) as owner:
        for one in (socket, owner):
            await one.subscribe("1", JOB, id=public(job))
            assert [(await one.data())["state"] for _ in range(2)] == ["QUEUED", "RUNNING"]
        text = "mutation($site: ID!, $user: ID!) { revokeSiteAccess(siteIds: [$site], userId: $user) { success } }"
        revoked = await api.data(text, as_=tenant[Role.OWNER], site=tenant.site("a"), user=viewer.public_id)
        assert revoked["revokeSiteAccess"]["success"]
        assert (await socket.error())["extensions"]["code"] == "NOT_FOUND"
        await steps(job, 1)
        assert (await owner.data())["message"] == "0"
        await socket.subscribe("2", SITE, id=tenant.site("a"))
        assert (await socket.error("2"))["extensions"]["code"] == "NOT_FOUND"


async def test_another_role_closes_the_socket_because_it_may_see_other_things(
    live: str, tenant: Tenant, work: Work, world: World
) -> None:
    job = await work.running()
    admin = tenant[Role.ADMIN]
    async with signed_in(live, admin) as socket:
        await socket.subscribe("1", JOB, id=public(job))
        await socket.data()
        world.sql.execute("UPDATE app_user SET role = 'VIEWER' WHERE id = %s", [admin.id])
        assert (await socket.closed())[0] == 4403


async def test_a_token_that_runs_out_closes_the_socket(live: str, tenant: Tenant, work: Work, world: World) -> None:
    job, person = await work.running(), tenant[Role.OWNER]
    token = world.token(person, lasts=timedelta(seconds=2))
    async with opened(live) as socket:
        await socket.init(None, Authorization=f"Bearer {token}")
        await socket.subscribe("1", JOB, id=public(job))
        await socket.data()
        assert (await socket.closed())[0] == 4403


async def test_a_site_that_is_deleted_ends_its_stream(live: str, tenant: Tenant, work: Work, api: Api) -> None:
    await work.running()
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.subscribe("1", SITE, id=tenant.site("a"), after="0")
        seen: list[Any] = [await socket.data() for _ in range(2)]
        assert len(seen) == 2
        gone = "mutation($id: ID!) { deleteSite(id: $id, force: true) { success errors { message } } }"
        assert (await api.data(gone, as_=tenant[Role.OWNER], id=tenant.site("a")))["deleteSite"]["success"]
        assert (await socket.error())["extensions"]["code"] == "NOT_FOUND"
