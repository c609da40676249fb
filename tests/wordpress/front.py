"""A server in front of the real WordPress: it shares the requests among the PHP servers and drops replies when asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from igny8.devstack.sandbox.wordpress.unreliable import Control, controlled
from tests.wordpress.instance import Instance

#: Headers of one connection, which end here; WordPress hears no word of compression.
_OF_THE_CONNECTION = {b"connection", b"keep-alive", b"transfer-encoding", b"accept-encoding", b"expect"}


class Front:
    """ASGI. Each origin answers one request at a time, so each is lent to one."""

    def __init__(self, instance: Instance) -> None:
        self._free: asyncio.LifoQueue[str] = asyncio.LifoQueue()
        for origin in instance.origins:
            self._free.put_nowait(origin)
        self._control = Control(_Acts(instance))
        self._http = httpx2.AsyncClient(timeout=120)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await controlled(self._control, self._forwarded, scope["path"], scope, receive, send)

    async def _forwarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        headers = [header for header in request.headers.raw if header[0] not in _OF_THE_CONNECTION]
        query = f"?{request.url.query}" if request.url.query else ""
        origin = await self._free.get()
        try:
            url = f"{origin}{scope['raw_path'].decode('ascii')}{query}"
            answer = await self._http.request(request.method, url, headers=headers, content=body)
        finally:
            self._free.put_nowait(origin)
        sent = Response(answer.content, answer.status_code)
        kept = [header for header in answer.headers.raw if header[0].lower() not in _OF_THE_CONNECTION]
        sent.raw_headers = [(name.lower(), value) for name, value in kept if name.lower() != b"content-length"]
        sent.headers["content-length"] = str(len(answer.content))
        await sent(scope, receive, send)

    async def aclose(self) -> None:
        await self._http.aclose()


@dataclass(frozen=True)
class _Acts:
    instance: Instance

    async def act(self, act: str, given: dict[str, str]) -> Response:
        match act:
            case "empty":
                await asyncio.to_thread(self.instance.empty)
            case "due":
                await asyncio.to_thread(self.instance.make_due, int(given["id"]))
            case _:
                return JSONResponse({"error": f"The real WordPress cannot do this: {act} {given}."}, 404)
        return Response(status_code=204)


def front_app(instance: Instance) -> Starlette:
    """The server for a WordPress."""
    front = Front(instance)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await front.aclose()

    return Starlette(routes=[Mount("/", front)], lifespan=lifespan)
