"""Pages of other origins that the settings name may read answers (CORS)."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from igny8.gql.credentials import ACCOUNT_HEADER, COOKIE_MODE_HEADER, own_origin
from igny8.settings import Settings


class CrossOrigin:
    """ASGI middleware: what carries no Origin comes from no page, and passes untouched."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._for_pages = CORSMiddleware(
            app,
            allow_origins=[own_origin(settings), *settings.allowed_origins],
            allow_methods=["GET", "POST"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "x-request-id",
                ACCOUNT_HEADER,
                COOKIE_MODE_HEADER,
            ],
            expose_headers=[
                "x-request-id",
                "retry-after",
                "ratelimit-limit",
                "ratelimit-remaining",
                "ratelimit-cost",
            ],
            allow_credentials=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from_page = any(name == b"origin" for name, _ in scope["headers"])
        await (self._for_pages if from_page else self._app)(scope, receive, send)
