"""Composition root of the API: everything one process shares is made and joined here, by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
import redis.exceptions
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from igny8 import logs, revision
from igny8.ai.catalogue import Catalogue
from igny8.auth.outbox import MailSender
from igny8.billing import prices
from igny8.cancelling import ended
from igny8.db import Database, LoginRole
from igny8.errors import Unavailable
from igny8.events import Bus
from igny8.files import serving
from igny8.gql.context import Services
from igny8.gql.cross_origin import CrossOrigin
from igny8.gql.http import GraphQLEndpoint
from igny8.gql.operation import Engine
from igny8.gql.rate import RateLimiter, Throttle
from igny8.gql.requests import Requests
from igny8.gql.socket import GraphQLSocket
from igny8.gql.streams.following import Streams
from igny8.jobs.hints import Hints
from igny8.schema import make_schema
from igny8.secrets import Keyring
from igny8.settings import Settings, load
from igny8.signed import SignedAddresses
from igny8.storage import Storage
from igny8.tokens import AccessTokens, RefreshTokens, derive

_PATHS: Final = frozenset({"/graphql", "/health", "/ready", "/metrics"})


def create_app(settings: Settings) -> Starlette:
    """The ASGI application. PostgreSQL and Redis may come later or go away: `/ready` tells, requests fail fast.

    Raises SettingsError for settings that only the domains understand.
    """
    prices.overridden(settings)
    services = _services(settings)
    engine = Engine(
        make_schema(services.addresses),
        settings,
        services.db,
        RateLimiter(services.redis, settings.points_per_minute),
    )
    streams = Streams(engine.reader, services.db, services.bus)
    mail = MailSender(services.db, settings, services.keyring, services.mail_waiting)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await services.db.open()
        running = [asyncio.create_task(part.run()) for part in (mail, streams, services.hints)]
        try:
            yield
        finally:
            for task in running:
                await ended(task)
            streams.close()
            await services.hints.close()
            await services.bus.close()
            await services.db.close()
            await services.redis.aclose()

    app = Starlette(
        routes=[
            Route("/health", _health),
            Route("/ready", _Ready(services)),
            Route("/metrics", _metrics),
            *serving.routes(services),
        ],
        middleware=[Middleware(Requests, known_paths=_PATHS)],
        lifespan=lifespan,
    )
    graphql = Requests(CrossOrigin(GraphQLEndpoint(engine, streams, services), settings), known_paths=_PATHS)
    socket = GraphQLSocket(engine, streams, services)
    app.middleware_stack = _Split(graphql, socket, app.build_middleware_stack())
    return app


class _Split:
    """`/graphql` goes past Starlette's layers, none of which it needs: they take as long as a small read."""

    def __init__(self, graphql: ASGIApp, socket: ASGIApp, others: ASGIApp) -> None:
        self._ours = {"http": graphql, "websocket": socket}
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = self._ours.get(scope["type"]) if scope.get("path") == "/graphql" else None
        await (ours or self._others)(scope, receive, send)


def from_environment() -> Starlette:
    """What uvicorn runs: the application for this process's settings. Raises SettingsError."""
    settings = load(Settings)
    logs.configure(settings)
    return create_app(settings)


def _services(settings: Settings) -> Services:
    redis_client: Redis = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
        # One new attempt at once, for a connection that died in the pool; more would hold requests for seconds.
        retry=Retry(NoBackoff(), 1),
    )
    redis_url = settings.redis_url.get_secret_value()
    db, bus = Database(settings), Bus(redis_url)
    return Services(
        settings=settings,
        db=db,
        redis=redis_client,
        throttle=Throttle(redis_client),
        keyring=Keyring(settings.secrets_keys),
        storage=Storage(settings.files_url),
        addresses=SignedAddresses(settings.token_key, settings.public_url),
        access_tokens=AccessTokens(settings.token_key),
        refresh_tokens=RefreshTokens(settings.token_key),
        replay_key=derive(settings.token_key, "replayed input"),
        catalogue=Catalogue.load(settings.ai_models),
        bus=bus,
        hints=Hints(db, redis_url, bus),
    )


async def _health(_: Request) -> Response:
    return PlainTextResponse("alive\n")


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class _Ready:
    """`/ready`: 200 when database, migrations and Redis are as this code needs them, else 503 and which is not."""

    def __init__(self, services: Services) -> None:
        self._services, self._head = services, revision.needed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        checks = {**await self._database(), "redis": await self._redis()}
        ready = all(said == "ok" for said in checks.values())
        await JSONResponse({"ready": ready, **checks}, 200 if ready else 503)(scope, receive, send)

    async def _database(self) -> dict[str, str]:
        missing = {"database": "ok", "migrations": "missing; run `igny8 migrate`"}
        try:
            row = await self._services.db.fetch_row(LoginRole.APP, "SELECT version_num FROM alembic_version", ())
        except psycopg.errors.UndefinedTable:
            return missing
        except (Unavailable, psycopg.Error):
            return {"database": "does not answer", "migrations": "unknown"}
        if row is None:
            return missing
        at = (row[0] or b"nothing").decode()
        return {"database": "ok", "migrations": "ok" if at == self._head else f"at {at}, need {self._head}"}

    async def _redis(self) -> str:
        try:
            await self._services.redis.ping()
        except (redis.exceptions.RedisError, OSError):
            return "does not answer"
        return "ok"
