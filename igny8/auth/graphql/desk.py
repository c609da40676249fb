"""Between a request and the sign-in flows: what they need of it, and what becomes of their tokens."""

from datetime import UTC, datetime

import strawberry

from igny8.auth.desk import Desk, Origin
from igny8.auth.outbox import Outbox
from igny8.auth.sessions import SignedIn
from igny8.gql.context import Info
from igny8.gql.credentials import ACCESS_COOKIE, REFRESH_COOKIE, set_cookie
from igny8.transactions import Credentials


@strawberry.type(description="What a client keeps; browsers that asked for cookies get them there instead.")
class TokenPair:
    access_token: str
    access_token_expires_at: datetime
    refresh_token: str
    refresh_token_expires_at: datetime


def desk_of(info: Info) -> Desk:
    services = info.context.services
    return Desk(
        db=services.db,
        settings=services.settings,
        throttle=services.throttle,
        outbox=Outbox(services.keyring, services.settings.public_url),
        access_tokens=services.access_tokens,
        refresh_tokens=services.refresh_tokens,
        mail_waiting=services.mail_waiting,
    )


def origin_of(info: Info) -> Origin:
    context = info.context
    return Origin(context.request_id, info.field_name, context.ip_address, context.user_agent)


def welcome(info: Info, signed_in: SignedIn) -> TokenPair | None:
    """The rest of this request is the new session's. Its tokens go to the client: into cookies if it asked so."""
    context, member, tokens = info.context, signed_in.member, signed_in.tokens
    context.credentials = Credentials(member.account_id, member.user_id, member.session_id, member.role)
    context.refused = None
    if not context.cookie_mode:
        return TokenPair(
            access_token=tokens.access_token,
            access_token_expires_at=tokens.access_token_expires_at,
            refresh_token=tokens.refresh_token,
            refresh_token_expires_at=tokens.refresh_token_expires_at,
        )
    for name, value, expires_at in (
        (ACCESS_COOKIE, tokens.access_token, tokens.access_token_expires_at),
        (REFRESH_COOKIE, tokens.refresh_token, tokens.refresh_token_expires_at),
    ):
        seconds = max(0, int((expires_at - datetime.now(UTC)).total_seconds()))
        context.cookies.append(set_cookie(name, value, seconds=seconds, settings=context.services.settings))
    return None


def forget_cookies(info: Info) -> None:
    """Delete the browser's cookies."""
    context = info.context
    if context.cookie_mode:
        for name in (ACCESS_COOKIE, REFRESH_COOKIE):
            context.cookies.append(set_cookie(name, "", seconds=0, settings=context.services.settings))
