"""GraphQL over HTTP: POST with a JSON body, GET for queries, and the explorer page in development.

Follows the GraphQL over HTTP specification: `application/graphql-response+json` for clients that ask for it, and
`application/json` for the others, with the status codes that each of them prescribes.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from igny8.errors import RequestError, RequestErrorCode
from igny8.gql.context import Context, Services
from igny8.gql.credentials import read_credentials, refresh_cookie, wants_cookies
from igny8.gql.operation import Asked, Engine, Outcome, WrongMethod

JSON: Final = "application/json"
RESPONSE_JSON: Final = "application/graphql-response+json"
HTML: Final = "text/html"

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

log = structlog.get_logger()


class Refusal(Exception):
    """The HTTP request itself is at fault; nothing of GraphQL was looked at."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


class GraphQLEndpoint:
    """The ASGI application behind `/graphql`."""

    def __init__(self, engine: Engine, services: Services) -> None:
        self._engine, self._services = engine, services
        self._largest_body = services.settings.max_body_bytes
        self._explorer = None if services.settings.production else get_graphql_ide_html()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except Refusal as refusal:
            error = {"message": refusal.message, "extensions": {"code": RequestErrorCode.BAD_REQUEST}}
            body = orjson.dumps({"errors": [error]})
            response = Response(body, refusal.status, refusal.headers, JSON)
        except ClientDisconnect:
            log.info("client hung up")
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "GET" and self._explorer is not None and _prefers_html(request):
            return HTMLResponse(self._explorer)
        media_type = _answer_type(request)
        if request.method == "GET":
            asked, reads_only = _from_query_string(request), True
        elif request.method == "POST":
            asked, reads_only = _from_body(await self._body(request)), False
        else:
            raise Refusal(405, "Use POST, or GET for queries.", {"Allow": "GET, POST"})
        context = self._context(request)
        try:
            outcome = await _unless_gone(self._engine.run(asked, context, reads_only=reads_only), request)
        except WrongMethod:
            raise Refusal(405, "Mutations must be sent by POST.", {"Allow": "POST"}) from None
        return _response(outcome, media_type, context)

    def _context(self, request: Request) -> Context:
        credentials, refused = read_credentials(request, self._services)
        context = Context(
            services=self._services,
            request_id=request.scope["igny8.request_id"],
            ip_address=request.client.host if request.client else None,
            user_agent=(request.headers.get("user-agent") or "")[:300] or None,
            credentials=credentials,
            refused=refused,
            idempotency_key=request.headers.get("idempotency-key"),
            cookie_mode=wants_cookies(request),
        )
        try:
            context.refresh_cookie = refresh_cookie(request, self._services.settings)
        except RequestError as error:
            context.refused = error
        return context

    async def _body(self, request: Request) -> bytes:
        content_type = request.headers.get("content-type", "").partition(";")
        if content_type[0].strip().lower() != JSON or not _is_utf8(content_type[2]):
            raise Refusal(415, "Send the request as JSON in UTF-8: Content-Type: application/json.")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, "Compressed request bodies are not accepted.")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._largest_body:
                raise Refusal(413, f"The request body is larger than {self._largest_body} bytes.")
        return bytes(body)


def _from_body(body: bytes) -> Asked:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(400, "The request body is not valid JSON.") from None
    if not isinstance(given, dict):
        raise Refusal(400, "The request body must be a JSON object; batches are not accepted.")
    return _asked(given.get("query"), given.get("operationName"), given.get("variables"), given.get("extensions"))


def _from_query_string(request: Request) -> Asked:
    given = parse_qs(request.url.query, keep_blank_values=True, max_num_fields=20)
    if any(len(values) > 1 for values in given.values()):
        raise Refusal(400, "Each parameter may be given once.")
    single = {name: values[0] for name, values in given.items()}
    documents: dict[str, Any] = {}
    for name in ("variables", "extensions"):
        try:
            documents[name] = orjson.loads(single[name]) if single.get(name) else None
        except orjson.JSONDecodeError:
            raise Refusal(400, f"The parameter '{name}' is not valid JSON.") from None
    return _asked(
        single.get("query"), single.get("operationName") or None, documents["variables"], documents["extensions"]
    )


def _asked(query: object, operation_name: object, variables: object, extensions: object) -> Asked:
    if not isinstance(query, str):
        raise Refusal(400, "The parameter 'query' must be given, as a string.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Refusal(400, "The parameter 'operationName' must be a string.")
    for name, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise Refusal(400, f"The parameter '{name}' must be an object.")
    return Asked(query, operation_name, variables if isinstance(variables, dict) else {})


def _answer_type(request: Request) -> str:
    """The media type of the answer. Without an Accept header: JSON, as before the specification."""
    accept = request.headers.get("accept", "*/*")
    offered = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if RESPONSE_JSON in offered:
        return RESPONSE_JSON
    if offered & {JSON, "application/*", "*/*", ""}:
        return JSON
    raise Refusal(406, f"Accept {RESPONSE_JSON} or {JSON}.")


def _prefers_html(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return (
        HTML in accept and JSON not in accept and RESPONSE_JSON not in accept and "query" not in request.query_params
    )


def _is_utf8(parameters: str) -> bool:
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True


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
    response.headers["Cache-Control"] = "no-store"
    return response


async def _unless_gone(run: Coroutine[Any, Any, Outcome], request: Request) -> Outcome:
    """The outcome; or, when the client hangs up first, a cancelled statement and ClientDisconnect."""
    running = asyncio.ensure_future(run)
    done, _ = await asyncio.wait({running}, timeout=_PATIENCE)
    if done:
        return running.result()
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        running.cancel()
        await asyncio.wait({running})
        raise ClientDisconnect
    finally:
        gone.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
