"""GraphQL over server-sent events, one operation a connection: an event `next` for each answer, then `complete`."""

import asyncio
import contextlib
from typing import Any, Final

import orjson
from starlette.types import Receive, Send

from igny8.errors import Forbidden, RequestError, Unauthenticated
from igny8.gql import faults
from igny8.gql.context import Context
from igny8.gql.credentials import Presented
from igny8.gql.operation import Asked, Engine, Outcome
from igny8.gql.streams.following import Follower, Streams, Wanted
from igny8.gql.streams.outbox import Outbox
from igny8.transactions import SIGNED_OUT, Credentials, Standing

#: After so many seconds without a word one is said, so that nobody between takes the connection for dead.
QUIET_SECONDS: Final = 15.0

_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


class EventStream:
    """The answer to one request; the sink of a subscription."""

    def __init__(self, engine: Engine, streams: Streams, receive: Receive, send: Send) -> None:
        self._engine, self._streams, self._receive, self._send = engine, streams, receive, send
        self._outbox = Outbox(self._send_text, self._stop)
        self._begun = False
        self._cookies: list[str] = []
        self._headers_sent = False
        self._over = asyncio.Event()
        self._follower: Follower | None = None
        self._standing: Standing | None = None
        self.credentials: Credentials
        self.expires_at = 0.0

    async def run(self, asked: Asked, context: Context, who: Presented, *, reads_only: bool) -> Outcome | None:
        """Answer until one side ends it; a refusal that comes before anything was sent is given back.

        Raises WrongMethod for a mutation when only reads are allowed.
        """
        answered = await self._engine.begin(asked, context, reads_only=reads_only)
        self._cookies = context.cookies
        try:
            if isinstance(answered, Outcome):
                if answered.refused is not None and b'"data":' not in answered.body:
                    return answered
                self.next(answered.body.decode())
                self.completed()
            else:
                await self._follow(answered, context, who)
        except Exception as error:
            refusal = self._engine.refusal(context, error)
            if not self._begun:
                return refusal
            self._end(orjson.loads(refusal.body)["errors"])
        await self._until_over()
        return None

    @property
    def full(self) -> bool:
        return self._outbox.full

    async def room(self) -> None:
        await self._outbox.room()

    def next(self, payload: str) -> None:
        self._put(f"event: next\ndata: {payload}\n\n")

    def failed(self, error: RequestError) -> None:
        self._end([faults.refused(error)])

    def completed(self) -> None:
        self._put("event: complete\ndata:\n\n")
        self._over.set()

    def moved(self, standing: Standing) -> None:
        if self._standing is None or standing.role is not self._standing.role:
            self._refuse(Forbidden("Your role has changed: connect again."))
        elif self._follower is not None:
            self._standing = standing
            self._follower.moved(standing)

    def signed_out(self) -> None:
        self._refuse(Unauthenticated(SIGNED_OUT))

    def expired(self) -> None:
        self._refuse(Unauthenticated("Your access token has expired; refresh it, and connect again."))

    async def _follow(self, wanted: Wanted, context: Context, who: Presented) -> None:
        credentials = context.required_credentials()
        if who.expires_at is None:
            raise AssertionError("credentials come from a token")
        self.credentials, self.expires_at = credentials, who.expires_at.timestamp()
        self._standing = await self._streams.watch.admit(self)
        self._follower = self._streams.follow(wanted, credentials, self._standing, self)
        await self._follower.begin()
        if not self._begun:
            self._put(":\n\n")

    async def _until_over(self) -> None:
        gone = asyncio.create_task(self._gone())
        over = asyncio.create_task(self._over.wait())
        try:
            while True:
                done, _ = await asyncio.wait({gone, over}, timeout=QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    break
                self._put(":\n\n")
            if over in done and gone not in done:
                await self._outbox.flushed()
                with contextlib.suppress(OSError, RuntimeError):
                    await self._send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            over.cancel()
            self._release()

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _release(self) -> None:
        self._outbox.close()
        if self._follower is not None:
            self._follower.left()
        if self._standing is not None:
            self._streams.watch.dismiss(self)

    def _refuse(self, error: RequestError) -> None:
        if self._follower is not None:
            self._follower.left()
        self.failed(error)

    def _end(self, errors: list[dict[str, Any]]) -> None:
        self.next(orjson.dumps({"errors": errors}).decode())
        self.completed()

    def _stop(self) -> None:
        self._over.set()

    def _put(self, text: str) -> None:
        self._begun = True
        self._outbox.put(text)

    async def _send_text(self, text: str) -> None:
        if not self._headers_sent:
            self._headers_sent = True
            headers = [*_HEADERS, *((b"set-cookie", cookie.encode("latin-1")) for cookie in self._cookies)]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})
