"""Who sends a request: a Bearer token, or for browsers HttpOnly cookies guarded against other sites' pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import cookie_parser

from igny8.access import SYSTEM_ROLES
from igny8.errors import BadRequest, Forbidden, RequestError, Unauthenticated
from igny8.gql import ids
from igny8.gql.context import Services
from igny8.gql.incoming import Incoming
from igny8.settings import Settings
from igny8.tokens import AccessClaims
from igny8.transactions import Credentials

#: A browser says with it that it wants cookies. A page of another site cannot send it without our consent (CORS).
COOKIE_MODE_HEADER: Final = "x-igny8-session"
ACCOUNT_HEADER: Final = "x-igny8-account"
ACCESS_COOKIE: Final = "igny8_access"
REFRESH_COOKIE: Final = "igny8_refresh"


class ForeignOrigin(Exception):
    """A page of another site asks to use or to set cookies."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows of its sender; `refused` says why a token is not good, `expires_at` until when it is."""

    credentials: Credentials | None = None
    refused: RequestError | None = None
    cookie_mode: bool = False
    refresh_token: str | None = None
    expires_at: datetime | None = None


def presented(request: Incoming, services: Services) -> Presented:
    """The sender's credentials. Raises ForeignOrigin."""
    settings = services.settings
    cookie_mode = request.headers.get(COOKIE_MODE_HEADER) == "cookie"
    if cookie_mode:
        refuse_foreign_origin(request.headers, settings)
    refresh_token = _cookies(request).get(cookie_name(REFRESH_COOKIE, settings)) if cookie_mode else None
    try:
        token = _token(request, settings, cookie_mode=cookie_mode)
        if token is None:
            return Presented(None, None, cookie_mode, refresh_token)
        claims = services.access_tokens.read(token)
        return Presented(_credentials(claims, request), None, cookie_mode, refresh_token, claims.expires_at)
    except RequestError as error:
        return Presented(None, error, cookie_mode, refresh_token)


def cookie_name(name: str, settings: Settings) -> str:
    """The `__Host-` prefix makes browsers refuse the cookie from sub-domains and without TLS."""
    return f"__Host-{name}" if settings.production else name


def set_cookie(name: str, value: str, *, seconds: int, settings: Settings) -> str:
    """A Set-Cookie header that scripts cannot read and other sites' pages do not send; 0 seconds deletes it."""
    secure = "; Secure" if settings.production else ""
    return f"{cookie_name(name, settings)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def own_origin(settings: Settings) -> str:
    parts = urlsplit(settings.public_url)
    return f"{parts.scheme}://{parts.netloc}"


def refuse_foreign_origin(headers: Mapping[str, str], settings: Settings) -> None:
    """Raise ForeignOrigin for a page of a site that is not ours and not among the allowed ones."""
    origin = headers.get("origin")
    if origin is not None and origin not in (own_origin(settings), *settings.allowed_origins):
        raise ForeignOrigin("Pages of this origin may not use cookies here.")


def _token(request: Incoming, settings: Settings, *, cookie_mode: bool) -> str | None:
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("The Authorization header must say: Bearer <access token>.")
        return token.strip()
    cookie = _cookies(request).get(cookie_name(ACCESS_COOKIE, settings))
    if cookie and not cookie_mode:
        raise Forbidden("Requests with cookies must carry the header X-Igny8-Session: cookie.")
    return cookie


def _cookies(request: Incoming) -> dict[str, str]:
    header = request.headers.get("cookie")
    return cookie_parser(header) if header else {}


def _credentials(claims: AccessClaims, request: Incoming) -> Credentials:
    named = request.headers.get(ACCOUNT_HEADER)
    if named is not None and claims.role not in SYSTEM_ROLES:
        raise Forbidden("Only developers may name the account to act on (X-Igny8-Account).")
    try:
        acting_on = ids.parse("acc", named) if named is not None else None
    except ids.WrongId as error:
        raise BadRequest(f"X-Igny8-Account: {error}.") from None
    return Credentials(claims.account_id, claims.user_id, claims.session_id, claims.role, acting_on)
