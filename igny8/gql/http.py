"""GraphQL over HTTP: POST with a JSON body, GET for queries, and the explorer page in development.

Follows the GraphQL over HTTP specification: `application/graphql-response+json` for clients that ask for it, and
`application/json` for the others, with the status codes that each of them prescribes.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from igny8.errors import RequestErrorCode
from igny8.gql.context import Context, Services
from igny8.gql.credentials import ForeignOrigin, Presented, presented
from igny8.gql.incoming import JSON, RESPONSE_JSON, Refusal, answer_type, asks_for_page, in_query_string, posted
from igny8.gql.operation import Engine, Outcome, WrongMethod
from igny8.gql.requests import REQUEST_ID, refusal_body

#: What a refused operation answers in `application/graphql-response+json`; else 400.
_STATUS: Final = {
    RequestErrorCode.UNAUTHENTICATED: 401,
    RequestErrorCode.FORBIDDEN: 403,
    RequestErrorCode.RATE_LIMITED: 429,
    RequestErrorCode.INTERNAL: 500,
    RequestErrorCode.UNAVAILABLE: 503,
    RequestErrorCode.TIMEOUT: 503,
}
#: These are told by their status whatever the media type, because proxies and clients act on them.
_ALWAYS: Final = frozenset({RequestErrorCode.RATE_LIMITED, RequestErrorCode.UNAVAILABLE, RequestErrorCode.INTERNAL})
_PATIENCE: Final = 0.1  # seconds; a client that hangs up on a longer request cancels it
#: The explorer is an inline script that loads its libraries, each with its digest.
_EXPLORER_POLICY: Final = (
    "default-src 'self'; script-src 'unsafe-inline' https:; style-src 'unsafe-inline' https:;"
    " img-src 'self' data: https:; font-src data: https:; worker-src blob:; frame-ancestors 'none'"
)

log = structlog.get_logger()


class GraphQLEndpoint:
    """The ASGI application behind `/graphql`."""

    def __init__(self, engine: Engine, services: Services) -> None:
        self._engine, self._services = engine, services
        self._explorer = None if services.settings.production else get_graphql_ide_html()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except Refusal as refusal:
            body = refusal_body(refusal.message, RequestErrorCode.BAD_REQUEST, scope[REQUEST_ID])
            response = Response(body, refusal.status, refusal.headers, JSON)
        except ClientDisconnect:
            log.info("client hung up")
            return
        response.headers.setdefault("Cache-Control", "no-store")
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "GET" and self._explorer is not None and asks_for_page(request):
            return HTMLResponse(self._explorer, headers={"Content-Security-Policy": _EXPLORER_POLICY})
        media_type = answer_type(request)
        if request.method == "GET":
            asked = in_query_string(request)
        elif request.method == "POST":
            asked = await posted(request, self._services.settings.max_body_bytes)
        else:
            raise Refusal(405, "Use POST, or GET for queries.", {"Allow": "GET, POST"})
        try:
            context = self._context(request, presented(request, self._services))
            running = self._engine.run(asked, context, reads_only=request.method == "GET")
            outcome = await _unless_gone(running, request)
        except ForeignOrigin as error:
            raise Refusal(403, str(error)) from None
        except WrongMethod:
            raise Refusal(405, "Mutations must be sent by POST.", {"Allow": "POST"}) from None
        return _response(outcome, media_type, context)

    def _context(self, request: Request, who: Presented) -> Context:
        return Context(
            services=self._services,
            request_id=request.scope[REQUEST_ID],
            ip_address=request.client.host if request.client else None,
            user_agent=(request.headers.get("user-agent") or "")[:300] or None,
            credentials=who.credentials,
            refused=who.refused,
            idempotency_key=request.headers.get("idempotency-key"),
            cookie_mode=who.cookie_mode,
            refresh_cookie=who.refresh_token,
        )


def _response(outcome: Outcome, media_type: str, context: Context) -> Response:
    status = 200
    if outcome.refused is not None and (media_type == RESPONSE_JSON or outcome.refused in _ALWAYS):
        status = _STATUS.get(outcome.refused, 400)
    response = Response(outcome.body, status, media_type=f"{media_type}; charset=utf-8")
    if outcome.allowance is not None:
        response.headers["RateLimit-Limit"] = str(outcome.allowance.limit)
        response.headers["RateLimit-Remaining"] = str(outcome.allowance.remaining)
        response.headers["RateLimit-Cost"] = str(outcome.allowance.cost)
    if outcome.retry_after is not None:
        response.headers["Retry-After"] = str(outcome.retry_after)
    for cookie in context.cookies:
        response.headers.append("set-cookie", cookie)
    return response


async def _unless_gone(run: Coroutine[Any, Any, Outcome], request: Request) -> Outcome:
    """The outcome; or, when the client hangs up first, a cancelled statement and ClientDisconnect."""
    running = asyncio.ensure_future(run)
    gone: asyncio.Future[None] | None = None
    try:
        await asyncio.wait({running}, timeout=_PATIENCE)
        if not running.done():
            gone = asyncio.ensure_future(_hung_up(request))
            await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        running.cancel()
        await asyncio.wait({running})
        raise ClientDisconnect
    finally:
        running.cancel()
        if gone is not None:
            gone.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
