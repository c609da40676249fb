"""GraphQL over HTTP: POST with a JSON body, GET for queries, and the explorer page in development.

Follows the GraphQL over HTTP specification: `application/graphql-response+json` for clients that ask for it, and
`application/json` for the others, with the status codes that each of them prescribes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from igny8.errors import RequestErrorCode
from igny8.gql.context import Context, Services
from igny8.gql.credentials import ForeignOrigin, Presented, presented
from igny8.gql.incoming import (
    HTML,
    JSON,
    RESPONSE_JSON,
    Incoming,
    Refusal,
    answer_type,
    asks_for_events,
    asks_for_page,
    in_query_string,
    posted,
)
from igny8.gql.interrupts import UnlessGone
from igny8.gql.operation import Engine, Outcome, WrongMethod
from igny8.gql.requests import refusal_body
from igny8.gql.sse import EventStream
from igny8.gql.streams.following import Streams

#: What a refused operation answers in `application/graphql-response+json`; else 400.
_STATUS: Final = {
    RequestErrorCode.UNAUTHENTICATED: 401,
    RequestErrorCode.FORBIDDEN: 403,
    RequestErrorCode.NOT_FOUND: 404,
    RequestErrorCode.RATE_LIMITED: 429,
    RequestErrorCode.INTERNAL: 500,
    RequestErrorCode.UNAVAILABLE: 503,
    RequestErrorCode.TIMEOUT: 503,
}
#: These are told by their status whatever the media type, because proxies and clients act on them.
_ALWAYS: Final = frozenset({RequestErrorCode.RATE_LIMITED, RequestErrorCode.UNAVAILABLE, RequestErrorCode.INTERNAL})
#: The explorer is an inline script that loads its libraries, each with its digest.
_EXPLORER_POLICY: Final = (
    b"default-src 'self'; script-src 'unsafe-inline' https:; style-src 'unsafe-inline' https:;"
    b" img-src 'self' data: https:; font-src data: https:; worker-src blob:; frame-ancestors 'none'"
)
_CONTENT_TYPES: Final = {media: f"{media}; charset=utf-8".encode() for media in (JSON, RESPONSE_JSON, HTML)}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Starlette's Response does the same in three times the time."""

    body: bytes
    status: int
    media_type: str
    headers: Sequence[tuple[bytes, bytes]] = ()

    async def __call__(self, send: Send) -> None:
        headers = [
            (b"content-type", _CONTENT_TYPES[self.media_type]),
            (b"content-length", b"%d" % len(self.body)),
            (b"cache-control", b"no-store"),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class GraphQLEndpoint:
    """The ASGI application behind `/graphql`."""

    def __init__(self, engine: Engine, streams: Streams, services: Services) -> None:
        self._engine, self._streams, self._services = engine, streams, services
        self._explorer = None if services.settings.production else get_graphql_ide_html().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Incoming.of(scope, receive)
        try:
            response = await self._respond(request, send)
        except Refusal as refusal:
            body = refusal_body(refusal.message, RequestErrorCode.BAD_REQUEST, request.id)
            headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
            response = Answer(body, refusal.status, JSON, headers)
        except ClientDisconnect:
            log.info("client hung up")
            return
        if response is not None:
            await response(send)

    async def _respond(self, request: Incoming, send: Send) -> Answer | None:
        """The answer; None when it has been sent already, as events."""
        if request.method == "GET" and self._explorer is not None and asks_for_page(request):
            return Answer(self._explorer, 200, HTML, [(b"content-security-policy", _EXPLORER_POLICY)])
        events = asks_for_events(request)
        media_type = RESPONSE_JSON if events else answer_type(request)
        if request.method == "GET":
            asked = in_query_string(request)
        elif request.method == "POST":
            asked = await posted(request, self._services.settings.max_body_bytes)
        else:
            raise Refusal(405, "Use POST, or GET for queries.", {"Allow": "GET, POST"})
        try:
            who = presented(request, self._services)
            context = self._context(request, who)
            if context.idempotency_key is None:
                context.idempotency_key = asked.idempotency_key
            if events:
                stream = EventStream(self._engine, self._streams, request.receive, send)
                refused = await stream.run(asked, context, who, reads_only=request.method == "GET")
                return None if refused is None else _answer(refused, media_type, context.cookies)
            with UnlessGone(request.receive):
                outcome = await self._engine.run(asked, context, reads_only=request.method == "GET")
        except ForeignOrigin as error:
            raise Refusal(403, str(error)) from None
        except WrongMethod:
            raise Refusal(405, "Mutations must be sent by POST.", {"Allow": "POST"}) from None
        return _answer(outcome, media_type, context.cookies)

    def _context(self, request: Incoming, who: Presented) -> Context:
        return Context(
            services=self._services,
            request_id=request.id,
            ip_address=request.address,
            user_agent=(request.headers.get("user-agent") or "")[:300] or None,
            credentials=who.credentials,
            refused=who.refused,
            idempotency_key=request.headers.get("idempotency-key"),
            cookie_mode=who.cookie_mode,
            refresh_cookie=who.refresh_token,
        )


def _answer(outcome: Outcome, media_type: str, cookies: Sequence[str]) -> Answer:
    status = 200
    if outcome.refused is not None and (media_type == RESPONSE_JSON or outcome.refused in _ALWAYS):
        status = _STATUS.get(outcome.refused, 400)
    headers = []
    if outcome.allowance is not None:
        headers += [
            (b"ratelimit-limit", b"%d" % outcome.allowance.limit),
            (b"ratelimit-remaining", b"%d" % outcome.allowance.remaining),
            (b"ratelimit-cost", b"%d" % outcome.allowance.cost),
        ]
    if outcome.retry_after is not None:
        headers.append((b"retry-after", b"%d" % outcome.retry_after))
    if cookies:
        headers += [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]
    return Answer(outcome.body, status, media_type, headers)
