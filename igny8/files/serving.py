"""The two addresses that are no GraphQL: stored files are fetched from one, and uploads are put at the other.

Whoever has a signed address may use it until it expires; there is no token and no cookie.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from igny8 import changes, transactions
from igny8.db import LoginRole, fetch_row
from igny8.errors import DomainError, NotFound, RequestErrorCode, Unavailable
from igny8.files import uploads
from igny8.files.uploads import Allowed
from igny8.gql.context import Services
from igny8.gql.credentials import own_origin
from igny8.gql.requests import REQUEST_ID, refusal_body
from igny8.signed import Act, AddressRefused
from igny8.storage import FileGone, is_key

#: How long the next piece of a body may take, in seconds.
_PATIENCE: Final = 30.0
_TYPES: Final[Mapping[str, str]] = {
    "webp": "image/webp",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
}
_SHOWN: Final = frozenset({"webp"})
#: Even a file that a browser took for a page could run and load nothing.
_SANDBOX: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"

Answering = Callable[[Request], Awaitable[Response]]


class _Refused(Exception):
    """The request is answered with this status and sentence."""

    def __init__(self, status: int, message: str, code: RequestErrorCode = RequestErrorCode.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def routes(services: Services) -> list[Route]:
    """The routes of `/files/` and `/uploads/`."""

    async def fetch(request: Request) -> Response:
        return await _fetched(request, services)

    async def put(request: Request) -> Response:
        return await _put(request, services)

    return [
        Route("/files/{key:path}", _answering(fetch), methods=["GET"]),
        Route(
            "/uploads/{account}/{upload}", _answering(put), methods=["PUT", "OPTIONS"], middleware=[_pages(services)]
        ),
    ]


def _pages(services: Services) -> Middleware:
    """Pages that may call the API may put files, too."""
    origins = [own_origin(services.settings), *services.settings.allowed_origins]
    return Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["PUT"], allow_headers=["content-type"])


def _answering(act: Answering) -> Answering:
    """Refusals look as they do everywhere else."""

    async def answer(request: Request) -> Response:
        try:
            return await act(request)
        except AddressRefused as error:
            refused = _Refused(403, str(error), RequestErrorCode.FORBIDDEN)
        except _Refused as error:
            refused = error
        except FileGone:
            refused = _Refused(404, "This file is not there any more.", RequestErrorCode.NOT_FOUND)
        except Unavailable as error:
            refused = _Refused(503, error.message, RequestErrorCode.UNAVAILABLE)
        except DomainError as error:
            gone = isinstance(error, NotFound)
            code = RequestErrorCode.NOT_FOUND if gone else RequestErrorCode.BAD_REQUEST
            refused = _Refused(404 if gone else 409, error.message, code)
        body = refusal_body(refused.message, refused.code, request.scope[REQUEST_ID])
        return Response(body, refused.status, media_type="application/json")

    return answer


def _until(request: Request, services: Services, act: Act) -> datetime:
    """When the address expires. Raises AddressRefused."""
    said = request.query_params
    return services.addresses.check(
        act,
        request.url.path,
        expires=said.get("expires", ""),
        signature=said.get("signature", ""),
        name=said.get("name", ""),
    )


async def _fetched(request: Request, services: Services) -> Response:
    until, key = _until(request, services, Act.FETCH), request.path_params["key"]
    if not is_key(key):
        raise FileGone(key)
    extension = key.rpartition(".")[2]
    left = int((until - datetime.now(UTC)).total_seconds())
    headers = {
        "content-type": _TYPES.get(extension, "application/octet-stream"),
        "content-security-policy": _SANDBOX,
        "content-disposition": _disposition(request.query_params.get("name", ""), shown=extension in _SHOWN),
        # What a key stands for never changes. Pages of other origins may show it, as articles do.
        "cache-control": f"private, max-age={left}, immutable",
        "cross-origin-resource-policy": "cross-origin",
        "etag": f'"{key[33:65]}"',
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    found = await services.storage.fetch(key)
    headers["content-length"] = str(found.size)
    if request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(found.chunks, headers=headers)


def _disposition(name: str, *, shown: bool) -> str:
    kind = "inline" if shown and not name else "attachment"
    return f"{kind}; filename*=UTF-8''{quote(name, safe='')}" if name else kind


async def _put(request: Request, services: Services) -> Response:
    _until(request, services, Act.PUT)
    account_id, upload_id = UUID(request.path_params["account"]), UUID(request.path_params["upload"])

    async def within(act: Callable[[AsyncSession], Awaitable[None]]) -> None:
        actor = changes.Actor(account_id, None, request.scope[REQUEST_ID], None, "putUpload")
        async with services.db.session(LoginRole.APP) as session:
            await fetch_row(session, transactions.ACT_AS, {"account": str(account_id), "user": ""})
            async with transactions.logged(session, actor):
                await act(session)

    expected: list[tuple[Allowed, str]] = []

    async def expect(session: AsyncSession) -> None:
        expected.append(await uploads.expected(session, account_id, upload_id))
        _refuse_other_than(expected[0][0], request)

    await within(expect)
    (allowed, key), measured = expected[0], _Measured(request, expected[0][0])
    try:
        await services.storage.put(key, measured.chunks())
    except ClientDisconnect:
        return Response(status_code=499)
    await within(lambda session: uploads.arrived(session, account_id, upload_id, key, measured.size))
    return JSONResponse({"bytes": measured.size, "mimeType": allowed.mime_type})


def _refuse_other_than(allowed: Allowed, request: Request) -> None:
    """Refuse a body that says it is not what was announced, before it is read. Raises _Refused."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != allowed.mime_type:
        raise _Refused(415, f"This upload was announced as {allowed.mime_type}: send that as its Content-Type.")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > allowed.most_bytes:
        raise _too_large(allowed)


def _too_large(allowed: Allowed) -> _Refused:
    return _Refused(413, f"This upload was announced with {allowed.most_bytes:,} bytes, and may not be larger.")


class _Measured:
    """The body as it comes, piece by piece; `size` once it is over."""

    def __init__(self, request: Request, allowed: Allowed) -> None:
        self._request, self._allowed = request, allowed
        self.size = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises _Refused for a body that is too large, empty or too slow."""
        pieces = self._request.stream()
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise _Refused(408, f"Nothing came for {_PATIENCE:.0f} seconds. Put the file again.") from None
            self.size += len(piece)
            if self.size > self._allowed.most_bytes:
                raise _too_large(self._allowed)
            if piece:
                yield piece
        if not self.size:
            raise _Refused(400, "The file is empty.")
