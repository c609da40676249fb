"""What `graphql-transport-ws` prescribes, and what clients do that it forbids."""

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from igny8.access import Role
from igny8.gql.socket import LARGEST_MESSAGE, MOST_OPERATIONS
from igny8.jobs import JobPhase
from tests.streams.conftest import Work, public
from tests.streams.sockets import PATIENCE, opened, signed_in
from tests.support.tenants import rows_of
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

JOB = "subscription($id: ID!) { jobEvents(jobId: $id) { cursor } }"
VIEWER = "{ viewer { role } }"
SUBSCRIBE: dict[str, Any] = {"type": "subscribe", "id": "1", "payload": {"query": "{ plans { slug } }"}}


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("nonsense", "graphql-ws")])
async def test_no_other_protocol_is_spoken(live: str, protocols: tuple[str, ...]) -> None:
    async with opened(live, protocols=protocols) as socket:
        assert socket.connection.subprotocol is None
        assert await socket.closed() == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://igny8.test.evil.test"])
async def test_a_page_of_another_site_cannot_connect(live: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(live, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_our_own_pages_can_connect(live: str, tenant: Tenant) -> None:
    async with signed_in(live, tenant[Role.OWNER], origin="http://igny8.test") as socket:
        await socket.subscribe("1", VIEWER)
        assert await socket.data() == {"role": "OWNER"}


async def test_other_addresses_have_no_socket(live: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(f"{live}/elsewhere"):
            pass
    assert refused.value.response.status_code == 403


async def test_who_says_nothing_is_disconnected(live: str) -> None:
    async with opened(live) as socket:
        await socket.send(type="ping")
        assert await socket.closed() == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ("null", 4400),
        ('"connection_init"', 4400),
        ("{}", 4400),
        ('{"type": 1}', 4400),
        ('{"type": "nonsense"}', 4400),
        ('{"type": "start", "id": "1", "payload": {"query": "{ plans { slug } }"}}', 4400),
        ('{"type": "connection_init", "payload": []}', 4400),
        ('{"type": "ping", "payload": 1}', 4400),
        ("\x00", 4400),
        (b'{"type": "connection_init"}', 4400),
        (json.dumps(SUBSCRIBE), 4401),
        ('{"type": "complete"}', 4400),
        ("[" * 60_000, 4400),
        ('{"type": "ping", "payload": {"x": "' + "x" * LARGEST_MESSAGE + '"}}', 1009),
    ],
)
async def test_a_message_that_cannot_be_closes_the_connection(live: str, message: str | bytes, code: int) -> None:
    async with opened(live) as socket:
        await socket.connection.send(message)
        assert (await socket.closed())[0] == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "connection_init"}, 4429),
        ({"type": "subscribe", "payload": SUBSCRIBE["payload"]}, 4400),
        ({"type": "subscribe", "id": "", "payload": SUBSCRIBE["payload"]}, 4400),
        ({"type": "subscribe", "id": 1, "payload": SUBSCRIBE["payload"]}, 4400),
        ({"type": "subscribe", "id": "x" * 101, "payload": SUBSCRIBE["payload"]}, 4400),
        ({"type": "subscribe", "id": "1"}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": 1}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "{ plans { slug } }", "variables": []}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "{ plans { slug } }", "operationName": 1}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "{ plans { slug } }", "extensions": 1}}, 4400),
        (
            {
                "type": "subscribe",
                "id": "1",
                "payload": {"query": "{ plans { slug } }", "extensions": {"idempotencyKey": 1}},
            },
            4400,
        ),
    ],
)
async def test_so_does_a_wrong_message_of_a_client_that_was_let_in(
    live: str, tenant: Tenant, message: dict[str, Any], code: int
) -> None:
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.send(**message)
        assert (await socket.closed())[0] == code


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "BAD_REQUEST"),
        ("{ nonsense }", "BAD_REQUEST"),
        ("subscription { nonsense }", "BAD_REQUEST"),
        ('subscription { a: jobEvents(jobId: "x") { cursor } b: jobEvents(jobId: "x") { cursor } }', "BAD_REQUEST"),
        ('subscription { jobEvents(jobId: "x") @skip(if: true) { cursor } }', "BAD_REQUEST"),
        ("subscription { __typename }", "BAD_REQUEST"),
        ("{ sites { totalCount } }" + " " * 200_000, None),
        ("query { " + " ".join(f"a{n}: viewer {{ role }}" for n in range(40)) + " }", "TOO_COMPLEX"),
    ],
)
async def test_a_wrong_operation_is_an_error_of_its_own(
    live: str, tenant: Tenant, query: str, code: str | None
) -> None:
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        await socket.subscribe("1", query)
        if code is None:
            assert (await socket.closed())[0] == 1009
            return
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "1")
        assert {error["extensions"]["code"] for error in message["payload"]} == {code}
        await socket.subscribe("1", VIEWER)
        assert await socket.data() == {"role": "OWNER"}


async def test_an_id_in_use_closes_and_one_that_is_done_is_free(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        for _ in range(3):
            await socket.subscribe("1", VIEWER)
            await socket.until_complete()
        await socket.subscribe("1", JOB, id=public(job))
        await socket.data()
        await socket.subscribe("1", VIEWER)
        assert await socket.closed() == (4409, "Subscriber for 1 already exists")


async def test_only_so_many_operations_run_at_a_time(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    async with signed_in(live, tenant[Role.OWNER]) as socket:
        for number in range(MOST_OPERATIONS):
            await socket.subscribe(str(number), JOB, id=public(job))
            await socket.data(str(number))
            await socket.data(str(number))
        await socket.subscribe("one more", VIEWER)
        error = await socket.error("one more")
        assert error["extensions"] == {"code": "RATE_LIMITED"}
        await socket.send(type="complete", id="7")
        await socket.subscribe("one more", VIEWER)
        assert await socket.data("one more") == {"role": "OWNER"}
        await socket.until_complete("one more")
        await job.progress(JobPhase.PREP, 10, "On it goes")
        told = {(await socket.receive())["id"] for _ in range(MOST_OPERATIONS - 1)}
        assert told == {str(number) for number in range(MOST_OPERATIONS)} - {"7"}


async def test_a_ping_is_answered_with_its_payload(live: str) -> None:
    async with opened(live) as socket:
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.init()
        await socket.send(type="ping", payload={"sent": 1})
        assert await socket.receive() == {"type": "pong", "payload": {"sent": 1}}
        await socket.send(type="pong")
        await socket.send(type="complete", id="of nothing")
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


async def test_thousands_of_pings_that_nobody_reads_the_answers_of_hold_up_nobody(live: str, tenant: Tenant) -> None:
    async with opened(live, max_queue=1) as flooding, signed_in(live, tenant[Role.OWNER]) as other:

        async def flood() -> None:
            for _ in range(20_000):
                await flooding.send(type="ping", payload={"x": "x" * 500})

        sending = asyncio.create_task(flood())
        for _ in range(20):
            await other.subscribe("1", VIEWER)
            assert await other.until_complete() == [{"role": "OWNER"}]
        sending.cancel()
        await asyncio.wait([sending])
        flooding.connection.transport.abort()


async def test_mutations_run_once_for_an_idempotency_key(live: str, tenant: Tenant, work: Work) -> None:
    job = await work.running()
    query = "mutation($id: ID!) { cancelJob(id: $id) { success job { cancelRequested } } }"
    body = {"query": query, "variables": {"id": public(job)}, "extensions": {"idempotencyKey": "just-once-please"}}
    async with signed_in(live, tenant[Role.EDITOR]) as socket:
        socket.asked["1"] = body
        for _ in range(2):
            await socket.send(type="subscribe", id="1", payload=body)
            assert await socket.until_complete() == [{"success": True, "job": {"cancelRequested": True}}]
    from igny8.changes import Change

    changes = await rows_of(work.db, Change, tenant.id, action="cancelJob")
    assert len(changes) == 1


async def test_a_token_that_is_not_good_is_told_at_once(live: str, tenant: Tenant, world: World) -> None:
    async with opened(live) as socket:
        await socket.send(type="connection_init", payload={"authorization": "Bearer nonsense"})
        assert await socket.closed() == (4403, "Your access token is not valid; sign in again.")
    person = tenant[Role.EDITOR]
    world.sql.execute("UPDATE session SET revoked_at = now() WHERE id = %s", [person.session_id])
    async with opened(live) as socket:
        await socket.send(type="connection_init", payload={"authorization": f"Bearer {person.token}"})
        assert await socket.closed() == (4401, "This session has ended. Sign in again.")


async def test_a_browser_may_show_its_cookie_and_a_developer_names_the_account(
    live: str, tenant: Tenant, world: World
) -> None:
    cookie = {"Cookie": f"igny8_access={tenant[Role.ADMIN].token}"}
    async with opened(live, headers=cookie, origin="http://igny8.test") as socket:
        await socket.init(**{"X-Igny8-Session": "cookie"})
        await socket.subscribe("1", VIEWER)
        assert await socket.data() == {"role": "ADMIN"}
    async with opened(live, headers=cookie) as socket:
        await socket.send(type="connection_init")
        assert (await socket.closed())[0] == 4403
    developer = world.operators()[Role.DEVELOPER]
    async with opened(live) as socket:
        await socket.init(developer, **{"X-Igny8-Account": tenant.public_id})
        await socket.subscribe("1", "{ account { id } }")
        assert await socket.data() == {"id": tenant.public_id}


async def test_a_client_that_vanishes_leaves_nothing_behind(live: str, tenant: Tenant, work: Work) -> None:
    import httpx

    job = await work.running()
    for _ in range(5):
        async with signed_in(live, tenant[Role.OWNER]) as socket:
            await socket.subscribe("1", JOB, id=public(job))
            await socket.data()
            socket.connection.transport.abort()
    async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE):
        while True:
            metrics = (await http.get(f"{live}/metrics")).text
            if "igny8_sockets 0.0" in metrics and "igny8_subscriptions 0.0" in metrics:
                break
            await asyncio.sleep(0.05)
