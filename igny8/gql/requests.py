"""What every HTTP request gets, whatever its path: an id, a log line, and a place in the metrics."""

import re
import time
from typing import Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from igny8.db import new_id

REQUEST_ID: Final = "igny8.request_id"
_SAFE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_QUIET: Final = frozenset({"/health", "/ready", "/metrics"})

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
        structlog.contextvars.bind_contextvars(request_id=request_id)
        path = scope["path"] if scope["path"] in self._known_paths else "other"
        begun = time.perf_counter()
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            seconds = time.perf_counter() - begun
            REQUESTS.labels(path, status).inc()
            SECONDS.labels(path).observe(seconds)
            if path not in _QUIET:
                log.info("answered", method=scope["method"], path=path, status=status, ms=round(seconds * 1000, 1))
            structlog.contextvars.unbind_contextvars("request_id")


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
            return str(value, "ascii")
    return new_id().hex
