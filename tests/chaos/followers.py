"""Clients that follow jobs, lose their connection or drop it, and come back after the last cursor they have seen."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.support.world import Person

_EVENT: Final = "cursor state message itemsDone itemsFailed job { id }"
JOB: Final = f"subscription($id: ID!, $after: String) {{ jobEvents(jobId: $id, after: $after) {{ {_EVENT} }} }}"
SITE: Final = f"subscription($id: ID!, $after: String) {{ siteJobEvents(siteId: $id, after: $after) {{ {_EVENT} }} }}"

#: A server that was stopped says nothing and ends nothing.
_SILENCE: Final = 20.0
_FAULTS: Final = (OSError, TimeoutError, httpx.HTTPError, WebSocketException, EOFError)


class Again(Exception):
    """The stream ended before its time: come back."""


@dataclass
class Follower:
    """One client of one stream. `seen` are the events as they came, over all its connections."""

    address: str
    http: httpx.AsyncClient
    person: Person
    query: str
    id: str
    random: Random
    by_socket: bool
    seen: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    complete: bool = False

    async def follow(self) -> None:
        """Until the stream says that it is complete."""
        while not self.complete:
            self.connections += 1
            try:
                await self._take(self.random.choice((1, 5, 30, 200, 100_000)))
            except (*_FAULTS, Again):
                await asyncio.sleep(self.random.uniform(0.1, 1.0))

    async def _take(self, most: int) -> None:
        """Take so many events from a new connection, then drop it."""
        variables = {"id": self.id, "after": self.seen[-1]["cursor"] if self.seen else "0"}
        body = {"query": self.query, "variables": variables}
        token = self.person.token
        answers = (
            _by_socket(self.address, token, body)
            if self.by_socket
            else _by_events(self.http, self.address, token, body)
        )
        async with aclosing(answers) as payloads:
            for _ in range(most):
                async with asyncio.timeout(_SILENCE):
                    payload = await anext(payloads, None)
                if payload is None:
                    self.complete = True
                    return
                self.seen.append(_event(payload))


def _event(payload: dict[str, Any]) -> dict[str, Any]:
    """Raises Again for an error: nothing that is asked for here is wrong, so it is one that passes."""
    if payload.get("errors"):
        raise Again
    found: dict[str, Any] = next(iter(payload["data"].values()))
    return found


async def _by_socket(address: str, token: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
    """By `graphql-transport-ws`."""
    url = address.replace("http://", "ws://") + "/graphql"
    async with connect(
        url, subprotocols=[Subprotocol("graphql-transport-ws")], compression=None, open_timeout=5, close_timeout=1
    ) as socket:
        hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        await socket.send(json.dumps(hello))
        await socket.recv()
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": body}))
        async for frame in socket:
            message = json.loads(frame)
            if message["type"] == "complete":
                return
            if message["type"] == "error":
                raise Again
            yield message["payload"]
    raise Again


async def _by_events(
    http: httpx.AsyncClient, address: str, token: str, body: dict[str, Any]
) -> AsyncGenerator[dict[str, Any]]:
    """By server-sent events."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with http.stream("POST", f"{address}/graphql", json=body, headers=headers) as response:
        if not response.headers["content-type"].startswith("text/event-stream"):
            raise Again
        kind = ""
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif kind == "complete":
                return
            elif name == "data":
                yield json.loads(value)
    raise Again
