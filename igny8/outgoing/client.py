"""The guarded HTTP client: every hop is checked, every connection vetted, every answer bounded."""

import asyncio
import ssl
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, cast

import httpcore2
import httpx2

from igny8.outgoing.answers import Body, CoreStream, too_large, until
from igny8.outgoing.errors import Refused
from igny8.outgoing.network import GuardedNetwork
from igny8.outgoing.vetting import Resolve, check, resolve

MAX_REDIRECTS: Final = 3

#: What may go along when a redirect leads to another origin. All else may be a credential under some name.
_HARMLESS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "connection", "content-length", "content-type"}
    | {"host", "transfer-encoding", "user-agent"}
)
_TRIP: Final = "igny8.trip"


def client(
    allow_private: bool = False,
    *,
    timeout: float = 60,
    max_bytes: int = 10_000_000,
    max_connections: int = 100,
    resolve: Resolve = resolve,
    dial: httpcore2.AsyncNetworkBackend | None = None,
    tls: ssl.SSLContext | None = None,
) -> httpx2.AsyncClient:
    """A client for addresses that users set; close it as any other. Cookies are neither kept nor sent.

    `timeout` is in seconds and for a whole exchange: redirects and body included; `max_bytes` bounds a body as it
    is sent and once it is unpacked. Its calls raise Refused, TooLarge, TooSlow and httpx2.HTTPError.
    `allow_private` opens http, loopback and private networks, for development; never link-local addresses.
    """
    network = GuardedNetwork(allow_private=allow_private, resolve=resolve, dial=dial or httpcore2.AnyIOBackend())
    transport = _GuardedTransport(
        httpcore2.AsyncConnectionPool(
            ssl_context=tls or _public_certificates(),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=30,
            network_backend=network,
        ),
        allow_private=allow_private,
        seconds=timeout,
        max_bytes=max_bytes,
    )
    return httpx2.AsyncClient(
        transport=transport,
        timeout=httpx2.Timeout(timeout, connect=min(10, timeout)),
        headers={"Accept-Encoding": "gzip"},
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=True,
        trust_env=False,
    )


@cache
def _public_certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


@dataclass
class _Trip:
    """One request with its redirects: httpx2 hands the extensions of a request on to the next hop."""

    deadline: float
    origin: httpx2.URL
    hops: int = 0


class _GuardedTransport(httpx2.AsyncBaseTransport):
    """One hop: what the client sends straight away, and again for each redirect."""

    def __init__(
        self, pool: httpcore2.AsyncConnectionPool, *, allow_private: bool, seconds: float, max_bytes: int
    ) -> None:
        self._pool = pool
        self._allow_private = allow_private
        self._seconds = seconds
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        trip = self._trip(request)
        check(request.url, allow_private=self._allow_private)
        if not _same_origin(request.url, trip.origin):
            _drop_credentials(request.headers)
        async with until(trip.deadline):
            response = await self._pool.handle_async_request(_core_request(request))
        try:
            return self._bounded(request, response, trip)
        except BaseException:
            await response.aclose()
            raise

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _trip(self, request: httpx2.Request) -> _Trip:
        trip = request.extensions.get(_TRIP)
        if not isinstance(trip, _Trip):
            deadline = asyncio.get_running_loop().time() + self._seconds
            trip = request.extensions[_TRIP] = _Trip(deadline, request.url)
        elif trip.hops >= MAX_REDIRECTS:
            raise Refused(f"The address redirects more than {MAX_REDIRECTS} times. Give the one it ends at.")
        else:
            trip.hops += 1
        return trip

    def _bounded(self, request: httpx2.Request, response: httpcore2.Response, trip: _Trip) -> httpx2.Response:
        headers = httpx2.Headers(response.headers)
        length = headers.get("content-length", "0")
        if request.method != "HEAD" and length.isdecimal() and int(length) > self._max_bytes:
            raise too_large(self._max_bytes)
        packing = headers.get("content-encoding", "identity").strip().lower()
        if packing not in ("identity", "gzip"):
            raise httpx2.DecodingError("The answer is packed in a way that was not asked for.")
        if packing == "gzip":
            del headers["content-encoding"]
            headers.pop("content-length", None)
        body = Body(
            cast(CoreStream, response.stream),
            packed=packing == "gzip",
            most=self._max_bytes,
            deadline=trip.deadline,
        )
        return httpx2.Response(response.status, headers=headers, stream=body, extensions=response.extensions)


def _core_request(request: httpx2.Request) -> httpcore2.Request:
    url = request.url
    return httpcore2.Request(
        request.method,
        httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=cast(httpx2.AsyncByteStream, request.stream),
        extensions={name: value for name, value in request.extensions.items() if name == "timeout"},
    )


def _same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    return (one.scheme, one.raw_host, one.port) == (other.scheme, other.raw_host, other.port)


def _drop_credentials(headers: httpx2.Headers) -> None:
    for name in [name for name in headers if name.lower() not in _HARMLESS]:
        del headers[name]
