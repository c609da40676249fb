"""A client of `graphql-transport-ws` over a real socket, which takes down what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.support import coordinates
from tests.support.world import Person

PATIENCE = 20.0
PROTOCOL = "graphql-transport-ws"


@dataclass
class Socket:
    """One connection; messages come in the order in which they were sent."""

    connection: ClientConnection
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next message. Raises ConnectionClosed."""
        async with asyncio.timeout(PATIENCE):
            frame = await self.connection.recv()
        assert isinstance(frame, str), "bytes never come as binary frames"
        message: dict[str, Any] = json.loads(frame)
        if message["type"] == "next":
            coordinates.note(self.asked[message["id"]], message["payload"])
        return message

    async def init(self, as_: Person | None = None, **payload: str) -> None:
        token = {"Authorization": f"Bearer {as_.token}"} if as_ else {}
        await self.send(type="connection_init", payload={**token, **payload})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        self.asked[id_] = {"query": query, "variables": variables}
        await self.send(type="subscribe", id=id_, payload=self.asked[id_])

    async def data(self, id_: str = "1") -> Any:
        """The data of the next message, which is an event of this operation."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert message["id"] == id_, message
        assert "errors" not in message["payload"], message
        return next(iter(message["payload"]["data"].values()))

    async def until_complete(self, id_: str = "1") -> list[Any]:
        """All events up to the end of the operation."""
        events = []
        while True:
            message = await self.receive()
            if message == {"type": "complete", "id": id_}:
                return events
            assert message["type"] == "next", message
            events.append(next(iter(message["payload"]["data"].values())))

    async def error(self, id_: str = "1") -> dict[str, Any]:
        """The one error that the operation ends with."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("error", id_), message
        (error,) = message["payload"]
        found: dict[str, Any] = error
        return found

    async def closed(self) -> tuple[int, str]:
        """How the server closes the connection; what it sends before is not looked at."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as end:
            closing = end.rcvd
        assert closing is not None, "the connection was dropped"
        return closing.code, closing.reason


@asynccontextmanager
async def opened(
    address: str, *, protocols: tuple[str, ...] = (PROTOCOL,), headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Socket]:
    """A connection that has not said who it is."""
    url = address.replace("http://", "ws://") + "/graphql"
    names = [Subprotocol(name) for name in protocols] or None
    async with connect(
        url,
        subprotocols=names,
        additional_headers=headers,
        compression=None,
        max_size=None,
        **{"max_queue": None, **options},
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def signed_in(address: str, person: Person, **options: Any) -> AsyncIterator[Socket]:
    async with opened(address, **options) as socket:
        await socket.init(person)
        yield socket
