"""What every HTTP request gets, whatever its path: an id, safe headers, a log line, and a place in the metrics."""

import re
import time
from functools import lru_cache
from typing import Final

import orjson
import structlog
from prometheus_client import Counter, Histogram
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from igny8.errors import RequestErrorCode
from igny8.gql.faults import MASKED
from igny8.logs import REQUEST, answered

REQUEST_ID: Final = "igny8.request_id"
_SAFE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_QUIET: Final = frozenset({"/health", "/ready", "/metrics"})
_GONE: Final = 499  # what proxies log for a client that hung up before it was answered
#: Answers are data: a browser that opens one as a page may run and load nothing.
_SAFE_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)

REQUESTS: Final = Counter("igny8_http_requests", "HTTP requests answered.", ["path", "status"])
SECONDS: Final = Histogram(
    "igny8_http_request_seconds",
    "Time to the last byte of an answer.",
    ["path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)

log = structlog.get_logger()


class Requests:
    """ASGI middleware: takes a caller's `X-Request-Id` when it is harmless, and makes one when not."""

    def __init__(self, app: ASGIApp, known_paths: frozenset[str]) -> None:
        self._app, self._known_paths = app, known_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope[REQUEST_ID] = request_id
        path = scope["path"] if scope["path"] in self._known_paths else "other"
        begun = time.perf_counter()
        status = _GONE

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                told_already = {name for name, _ in headers}
                headers += [header for header in _SAFE_HEADERS if header[0] not in told_already]
                headers.append((b"x-request-id", request_id.encode()))
            await send(message)

        said = REQUEST.set(request_id)
        try:
            await self._app(scope, receive, told)
        except Exception:
            log.exception("request failed", path=path)
            if status != _GONE:
                raise
            body = refusal_body(MASKED, RequestErrorCode.INTERNAL, request_id)
            await Response(body, 500, media_type="application/json")(scope, receive, told)
        finally:
            seconds = time.perf_counter() - begun
            _count(path, status, seconds)
            if path not in _QUIET:
                answered(method=scope["method"], path=path, status=status, ms=round(seconds * 1000, 1))
            REQUEST.reset(said)


@lru_cache(maxsize=256)
def _meters(path: str, status: int) -> tuple[Counter, Histogram]:
    """Finding the meters of a path takes longer than counting with them."""
    return REQUESTS.labels(path, status), SECONDS.labels(path)


def _count(path: str, status: int, seconds: float) -> None:
    requests, durations = _meters(path, status)
    requests.inc()
    durations.observe(seconds)


def refusal_body(message: str, code: RequestErrorCode, request_id: str) -> bytes:
    """A refusal of the HTTP request, in the shape of every other answer."""
    error = {"message": message, "extensions": {"code": code}}
    return orjson.dumps({"errors": [error], "extensions": {"requestId": request_id}})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
            return str(value, "ascii")
    return uuid7().hex
