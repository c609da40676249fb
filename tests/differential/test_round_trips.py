"""A query of any shape is one data statement and one round trip, counted on the wire between the API and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
from graphql import GraphQLSchema, build_schema, print_schema
from pydantic import SecretStr

from igny8.access import Role
from igny8.app import create_app
from igny8.schema import make_schema
from igny8.settings import Settings
from tests.conftest import running
from tests.differential.comparison import Court, fill_two_sites, wide
from tests.differential.operations import drawn
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

#: Messages of clients in PostgreSQL's protocol (its documentation, "Message Formats").
EXECUTES, SYNCS = b"E", b"S"


@dataclass
class Wire:
    """A proxy in front of PostgreSQL that counts what the client sends."""

    upstream: str
    statements: int = 0
    round_trips: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_unix_connection(self.upstream)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        answering = asyncio.ensure_future(_pumped(behind, writer))
        try:
            await self._counted(reader, ahead)
        finally:
            answering.cancel()
            ahead.close()
            writer.close()
            self._tasks.discard(task)

    async def _counted(self, reader: asyncio.StreamReader, ahead: asyncio.StreamWriter) -> None:
        started = False
        while True:
            try:
                head = await reader.readexactly(5 if started else 4)
                length = int.from_bytes(head[-4:], "big")
                body = await reader.readexactly(length - 4)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            # Before the start-up message proper a client may ask for TLS and GSS, with 4 bytes of code.
            started = started or length > 8
            if len(head) == 5:
                self.statements += head[:1] == EXECUTES
                self.round_trips += head[:1] == SYNCS
            ahead.write(head + body)

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)


@pytest.fixture
async def wire(settings: Settings) -> AsyncIterator[tuple[Wire, Settings]]:
    """The proxy, and settings whose reads of owners and editors go through it."""
    address = urlsplit(settings.database_app_url.get_secret_value())
    folder = parse_qs(address.query)["host"][0]
    wire = Wire(f"{folder}/.s.PGSQL.5432")
    server = await asyncio.start_server(wire.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    def through(url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        login = parts.netloc.rpartition("@")[0]
        return SecretStr(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query="sslmode=disable").geturl())

    urls = {name: through(getattr(settings, name)) for name in ("database_app_url", "database_member_url")}
    yield wire, wide(settings).model_copy(update=urls)
    await wire.end()
    server.close()


async def test_a_query_of_any_shape_is_one_statement_and_one_round_trip(
    wire: tuple[Wire, Settings], settings: Settings, world: World
) -> None:
    counts, through = wire
    schema: GraphQLSchema = build_schema(print_schema(make_schema()._schema))
    tenant: Tenant = fill_two_sites(world)
    async with running(create_app(through)) as client:
        api = Api(client)
        known, _ = Court(schema, settings, client, world).asker(tenant, "owner")
        counted = 0
        for case in range(40):
            asked = drawn(f"wire-{case}", schema, known)
            for role in (Role.OWNER, Role.EDITOR):
                body = {"query": asked.text, "variables": asked.variables, "operationName": asked.name}
                first = (await api.post(body, as_=tenant[role])).json()  # compiles and prepares it
                before = (counts.statements, counts.round_trips)
                again = (await api.post(body, as_=tenant[role])).json()
                spent = (counts.statements - before[0], counts.round_trips - before[1])
                assert again.get("data") == first.get("data")
                if any(not key.startswith("__") for key in again.get("data") or ()):
                    counted += 1
                    assert spent == (1, 1), asked
        assert counted > 30
