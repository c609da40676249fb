"""GraphQL over WebSocket: the protocol `graphql-transport-ws` for subscriptions, queries and mutations.

Close codes are the protocol's own. 4401 tells a client to sign in again, 4403 to connect again with a fresh token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog
from prometheus_client import Gauge
from starlette.types import Receive, Scope, Send
from uuid_utils import uuid7

from igny8.errors import RateLimited, RequestError, RequestErrorCode, Unauthenticated
from igny8.gql import faults
from igny8.gql.context import Context, Services
from igny8.gql.credentials import ForeignOrigin, Presented, presented, refuse_foreign_origin
from igny8.gql.incoming import Incoming, Refusal, asked
from igny8.gql.operation import Asked, Engine, Outcome
from igny8.gql.streams.following import Follower, Streams, Wanted
from igny8.gql.streams.outbox import Outbox
from igny8.logs import REQUEST
from igny8.transactions import Credentials, Standing

PROTOCOL: Final = "graphql-transport-ws"
INIT_SECONDS: Final = 5.0
MOST_OPERATIONS: Final = 20
LARGEST_MESSAGE: Final = 65_536  # bytes
LONGEST_ID: Final = 100
_CLOSE_SECONDS: Final = 5.0

BAD_MESSAGE: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
NOT_SPOKEN: Final = 4406
NO_INIT: Final = 4408
ID_IN_USE: Final = 4409
INIT_TWICE: Final = 4429
TOO_LARGE: Final = 1009
OUR_FAULT: Final = 4500
TRY_LATER: Final = 1013
_INIT_REFUSED: Final = {RequestErrorCode.UNAVAILABLE: TRY_LATER, RequestErrorCode.TIMEOUT: TRY_LATER}

OPEN: Final = Gauge("igny8_sockets", "WebSockets that are open.")

#: For uvicorn, which reads the frames. What is compressed needs a window of memory for each connection.
SOCKETS: Final[dict[str, Any]] = {
    "ws": "websockets-sansio",
    "ws_max_size": LARGEST_MESSAGE,
    "ws_per_message_deflate": False,
}

log = structlog.get_logger()


class _Close(Exception):
    """The connection has to end."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class GraphQLSocket:
    """The ASGI application behind WebSockets to `/graphql`."""

    def __init__(self, engine: Engine, streams: Streams, services: Services) -> None:
        self._engine, self._streams, self._services = engine, streams, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the wish to connect
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        try:
            refuse_foreign_origin(headers, self._services.settings)
        except ForeignOrigin:
            await send({"type": "websocket.close", "code": FORBIDDEN})
            return
        spoken = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if spoken else None})
        if not spoken:
            await send({"type": "websocket.close", "code": NOT_SPOKEN, "reason": "Subprotocol not acceptable"})
            return
        address = scope["client"][0] if scope.get("client") else None
        request = Incoming(uuid7().hex, "GET", headers, b"", address, receive)
        OPEN.inc()
        try:
            await Connection(self._engine, self._streams, self._services, request, send).serve()
        finally:
            OPEN.dec()


class Connection:
    """One open socket, and all that runs on it."""

    def __init__(self, engine: Engine, streams: Streams, services: Services, request: Incoming, send: Send) -> None:
        self.engine, self.streams, self.services, self.request = engine, streams, services, request
        self.outbox = Outbox(self._send_text, self._broken)
        self.operations: dict[str, _Operation] = {}
        self.who = Presented()
        #: What a watched connection shows; not asked for where nobody is signed in.
        self.credentials: Credentials
        self.expires_at = 0.0
        self.standing: Standing | None = None
        self._send, self._ending = send, False
        self._initialised = self._acknowledged = False
        self._running: asyncio.Task[Any] | None = None

    async def serve(self) -> None:
        """Until one of the two sides ends it."""
        self._running = asyncio.current_task()
        said = REQUEST.set(self.request.id)
        try:
            try:
                async with asyncio.timeout(INIT_SECONDS):
                    while not self._acknowledged:
                        await self._next_message()
            except TimeoutError:
                raise _Close(NO_INIT, "Connection initialisation timeout") from None
            while True:
                await self._next_message()
        except _Gone:
            pass
        except _Close as close:
            await self._close(close.code, close.reason)
        except asyncio.CancelledError:
            if not self._ending:
                raise
        except Exception:
            log.exception("socket failed")
            await self._close(OUR_FAULT, "Internal server error")
        finally:
            self._release()
            REQUEST.reset(said)

    def moved(self, standing: Standing) -> None:
        if self.standing is None or standing.role is not self.standing.role:
            self._end(FORBIDDEN, "Your role has changed: connect again")
            return
        self.standing = standing
        for operation in list(self.operations.values()):
            if operation.follower is not None:
                operation.follower.moved(standing)

    def signed_out(self) -> None:
        self._end(UNAUTHORIZED, "The session has ended: sign in again")

    def expired(self) -> None:
        self._end(FORBIDDEN, "The access token has expired: connect again with a fresh one")

    async def _next_message(self) -> None:
        received = await self.request.receive()
        if received["type"] == "websocket.disconnect":
            raise _Gone
        text = received.get("text")
        if text is None:
            raise _Close(BAD_MESSAGE, "Messages must be text")
        if len(text) > LARGEST_MESSAGE or len(text.encode()) > LARGEST_MESSAGE:
            raise _Close(TOO_LARGE, f"A message may have {LARGEST_MESSAGE} bytes")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Close(BAD_MESSAGE, "Messages must be valid JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Close(BAD_MESSAGE, "Messages must be objects with a type")
        take = _TAKERS.get(message["type"])
        if take is None:
            raise _Close(BAD_MESSAGE, "Unknown type of message")
        await take(self, message)
        if self.outbox.full:
            # Whoever asks more than it listens is not asked for more until it has listened.
            await self.outbox.room()

    async def _init(self, message: dict[str, Any]) -> None:
        if self._initialised:
            raise _Close(INIT_TWICE, "Too many initialisation requests")
        self._initialised = True
        given = message.get("payload")
        if not isinstance(given, dict | None):
            raise _Close(BAD_MESSAGE, "The payload of connection_init must be an object")
        told = {name.lower(): value for name, value in (given or {}).items() if isinstance(value, str)}
        request = Incoming(
            self.request.id, "GET", {**self.request.headers, **told}, b"", self.request.address, self.request.receive
        )
        try:
            self.who = presented(request, self.services)
            if self.who.refused is not None:
                raise self.who.refused
            if self.who.credentials is not None and self.who.expires_at is not None:
                self.credentials, self.expires_at = self.who.credentials, self.who.expires_at.timestamp()
                self.standing = await self._admitted()
        except _Close:
            raise
        except ForeignOrigin as error:
            raise _Close(FORBIDDEN, str(error)) from None
        except Exception as error:
            refused = faults.as_request_error(error)
            if refused is None:
                raise
            raise _Close(_INIT_REFUSED.get(refused.code, FORBIDDEN), _short(refused.message)) from None
        self._acknowledged = True
        self.outbox.put('{"type":"connection_ack"}')

    async def _admitted(self) -> Standing:
        try:
            return await self.streams.watch.admit(self)
        except Unauthenticated as ended:
            raise _Close(UNAUTHORIZED, ended.message) from None

    async def _ping(self, message: dict[str, Any]) -> None:
        given = message.get("payload")
        if not isinstance(given, dict | None):
            raise _Close(BAD_MESSAGE, "The payload of a ping must be an object")
        answer = {"type": "pong"} if given is None else {"type": "pong", "payload": given}
        self.outbox.put(orjson.dumps(answer).decode())

    async def _pong(self, _: dict[str, Any]) -> None:
        """Nobody waits for it: dead connections are found by the frames of that name."""

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._acknowledged:
            raise _Close(UNAUTHORIZED, "Unauthorized")
        id_ = _id_of(message)
        if id_ in self.operations:
            raise _Close(ID_IN_USE, f"Subscriber for {id_} already exists")
        given = message.get("payload")
        if not isinstance(given, dict):
            raise _Close(BAD_MESSAGE, "The payload of subscribe must be an object")
        try:
            wanted = asked(given)
        except Refusal as refusal:
            raise _Close(BAD_MESSAGE, _short(refusal.message)) from None
        operation = _Operation(self, id_)
        if len(self.operations) >= MOST_OPERATIONS:
            operation.failed(
                RateLimited(f"A connection runs {MOST_OPERATIONS} operations at a time: complete one of them first.")
            )
            return
        self.operations[id_] = operation
        operation.begin(wanted)

    async def _complete(self, message: dict[str, Any]) -> None:
        operation = self.operations.pop(_id_of(message), None)
        if operation is not None:
            operation.stop()

    def _end(self, code: int, reason: str) -> None:
        """End the connection from outside of its own task."""
        if self._ending:
            return
        self._ending = True
        self._release()
        ending = asyncio.create_task(self._end_gently(code, reason))
        _ENDING.add(ending)
        ending.add_done_callback(_ENDING.discard)

    async def _end_gently(self, code: int, reason: str) -> None:
        await self._close(code, reason)
        if self._running is not None:
            self._running.cancel()

    async def _close(self, code: int, reason: str) -> None:
        self._ending = True
        self.outbox.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except (OSError, TimeoutError, RuntimeError):
            pass
        log.info("socket closed", code=code, reason=reason)

    def _release(self) -> None:
        """Let go of all that runs for this connection."""
        self.outbox.close()
        for operation in list(self.operations.values()):
            operation.stop()
        self.operations.clear()
        if self.standing is not None:
            self.streams.watch.dismiss(self)

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    def _broken(self) -> None:
        self._end(TOO_LARGE, "The client does not take what it is sent")


class _Gone(Exception):
    """The other side has ended the connection."""


class _Operation:
    """What runs under one id; the sink of a subscription."""

    def __init__(self, connection: Connection, id_: str) -> None:
        self.follower: Follower | None = None
        self._connection, self._id = connection, id_
        self._next = f'{{"id":{orjson.dumps(id_).decode()},"type":"next","payload":'
        self._running: asyncio.Task[None] | None = None

    def begin(self, wanted: Asked) -> None:
        self._running = asyncio.create_task(self._run(wanted))

    def stop(self) -> None:
        """The client wants no more of it."""
        if self.follower is not None:
            self.follower.left()
        if self._running is not None:
            self._running.cancel()

    @property
    def full(self) -> bool:
        return self._connection.outbox.full

    async def room(self) -> None:
        await self._connection.outbox.room()

    def next(self, payload: str) -> None:
        self._connection.outbox.put(self._next, payload, "}")

    def failed(self, error: RequestError) -> None:
        self._fail([faults.refused(error)])

    def completed(self) -> None:
        self._over({"id": self._id, "type": "complete"})

    def _fail(self, errors: list[dict[str, Any]]) -> None:
        self._over({"id": self._id, "type": "error", "payload": errors})

    def _over(self, message: dict[str, Any]) -> None:
        if self._connection.operations.get(self._id) is self:
            del self._connection.operations[self._id]
        self._connection.outbox.put(orjson.dumps(message).decode())

    async def _run(self, wanted: Asked) -> None:
        connection = self._connection
        context = self._context(wanted.idempotency_key)
        try:
            answered = await connection.engine.begin(wanted, context)
            if isinstance(answered, Wanted):
                await self._follow(answered, context)
                return
        except Exception as error:
            answered = connection.engine.refusal(context, error)
        finally:
            self._running = None
        self._answer(answered)

    async def _follow(self, wanted: Wanted, context: Context) -> None:
        credentials, standing = context.required_credentials(), self._connection.standing
        if standing is None:
            raise AssertionError("who has credentials was admitted")
        self.follower = self._connection.streams.follow(wanted, credentials, standing, self)
        await self.follower.begin()

    def _answer(self, outcome: Outcome) -> None:
        if outcome.refused is not None:
            told = orjson.loads(outcome.body)
            if "data" not in told:
                self._fail(told["errors"])
                return
        self.next(outcome.body.decode())
        self.completed()

    def _context(self, idempotency_key: str | None) -> Context:
        connection = self._connection
        return Context(
            services=connection.services,
            request_id=uuid7().hex,
            ip_address=connection.request.address,
            user_agent=(connection.request.headers.get("user-agent") or "")[:300] or None,
            credentials=connection.who.credentials,
            idempotency_key=idempotency_key,
        )


def _id_of(message: dict[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 1 <= len(id_) <= LONGEST_ID:
        raise _Close(BAD_MESSAGE, f"An id is a text of 1 to {LONGEST_ID} characters")
    return id_


def _short(reason: str) -> str:
    """A reason that fits into a closing frame."""
    return reason.encode()[:120].decode(errors="ignore")


_ENDING: Final[set[asyncio.Task[None]]] = set()
_TAKERS: Final[dict[str, Callable[[Connection, dict[str, Any]], Awaitable[None]]]] = {
    "connection_init": Connection._init,
    "ping": Connection._ping,
    "pong": Connection._pong,
    "subscribe": Connection._subscribe,
    "complete": Connection._complete,
}
