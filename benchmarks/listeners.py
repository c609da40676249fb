"""Thousands of subscribers in one process: a client of `graphql-transport-ws` that does next to nothing for each.

The handshake and the frames are those of RFC 6455; what is sent has a mask of zeros, so that it need not be masked.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import orjson

from benchmarks.stack import Served

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_MASKED, _LENGTH_16, _LENGTH_64 = 0x80, 126, 127
#: So many connections are opened at a time, as the server's backlog takes them.
_AT_A_TIME: Final = 50
_READY_SECONDS: Final = 120.0
_SUBSCRIPTION: Final = "subscription($id: ID!) { jobEvents(jobId: $id) { cursor state percent message } }"


@dataclass
class Audience:
    """What its members have heard: when each message came to each of them."""

    heard: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: list[str] = field(default_factory=list)

    def hear(self, payload: bytes) -> None:
        at = time.monotonic()
        message = orjson.loads(payload)
        if message["type"] == "next":
            self.heard[message["payload"]["data"]["jobEvents"]["message"]].append(at)
        elif message["type"] in ("error", "complete"):
            self.lost.append(payload.decode())

    async def all_heard(self, message: str, members: int, seconds: float = 30.0) -> list[float]:
        """When each of them did. Raises RuntimeError when one does not."""
        ends = time.monotonic() + seconds
        while len(self.heard[message]) < members:
            if self.lost or time.monotonic() > ends:
                found = len(self.heard[message])
                raise RuntimeError(f"{found} of {members} heard {message}; {len(self.lost)} ended: {self.lost[:1]}")
            await asyncio.sleep(0.01)
        return self.heard[message]


class _Listener(asyncio.Protocol):
    """One connection with one subscription. `ready` is done at its first event."""

    def __init__(self, greeting: bytes, init: bytes, subscribe: bytes, audience: Audience) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._greeting, self._init, self._subscribe, self._audience = greeting, init, subscribe, audience
        self._data = b""
        self._take: Callable[[], bool] = self._take_greeting
        self._closing = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvloop's own kind
        self._transport = transport
        transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while self._take():
            pass

    def connection_lost(self, error: Exception | None) -> None:
        if not self._closing:
            self._audience.lost.append(f"connection lost: {error}")

    def close(self) -> None:
        self._closing = True
        self._transport.close()

    def _take_greeting(self) -> bool:
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return False
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.ready.set_exception(RuntimeError(head.decode()))
            return False
        self._data, self._take = rest, self._take_frame
        self._transport.write(_frame(_TEXT, self._init))
        return True

    def _take_frame(self) -> bool:
        if len(self._data) < 2:
            return False
        opcode, length, start = self._data[0] & 15, self._data[1], 2
        if length >= _LENGTH_16:
            start = 4 if length == _LENGTH_16 else 10
            length = int.from_bytes(self._data[2:start])
        if len(self._data) < start + length:
            return False
        payload, self._data = self._data[start : start + length], self._data[start + length :]
        self._take_payload(opcode, payload)
        return True

    def _take_payload(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT and payload == b'{"type":"connection_ack"}':
            self._transport.write(_frame(_TEXT, self._subscribe))
        elif opcode == _TEXT:
            self._audience.hear(payload)
            if not self.ready.done():
                self.ready.set_result(None)
        elif opcode == _PING:
            self._transport.write(_frame(_PONG, payload))
        elif opcode == _CLOSE:
            self._audience.lost.append(payload[2:].decode())


@asynccontextmanager
async def listening(server: Served, token: str, job_ids: Sequence[str]) -> AsyncIterator[Audience]:
    """A subscriber to each of these jobs, one may be named often; all of them have heard the job's past."""
    audience = Audience()
    greeting = _greeting(server.port)
    init = orjson.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
    listeners: list[_Listener] = []
    try:
        for at in range(0, len(job_ids), _AT_A_TIME):
            some = [_Listener(greeting, init, _subscribe(id_), audience) for id_ in job_ids[at : at + _AT_A_TIME]]
            listeners += some
            async with asyncio.timeout(_READY_SECONDS):
                for one in some:
                    await asyncio.get_running_loop().create_connection(lambda one=one: one, "127.0.0.1", server.port)
                await asyncio.gather(*(one.ready for one in some))
        yield audience
    finally:
        for one in listeners:
            one.close()


def _greeting(port: int) -> bytes:
    lines = (
        "GET /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _subscribe(job_id: str) -> bytes:
    payload = {"query": _SUBSCRIPTION, "variables": {"id": job_id}}
    return json.dumps({"type": "subscribe", "id": "1", "payload": payload}).encode()


def _frame(opcode: int, payload: bytes) -> bytes:
    if len(payload) < _LENGTH_16:
        length = bytes([_MASKED | len(payload)])
    else:
        length = bytes([_MASKED | _LENGTH_16]) + len(payload).to_bytes(2)
    return bytes([_MASKED | opcode]) + length + bytes(4) + payload
