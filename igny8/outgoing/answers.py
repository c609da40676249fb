"""The body of an answer within its bounds: so many bytes, sent and unpacked, until the deadline."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

import httpcore2
import httpx2

from igny8.outgoing.errors import TooLarge, TooSlow

_PIECE: Final = 1 << 16

#: The special before the general.
_NAMES: Final[dict[type[Exception], type[httpx2.TransportError]]] = {
    httpcore2.ConnectTimeout: httpx2.ConnectTimeout,
    httpcore2.ReadTimeout: httpx2.ReadTimeout,
    httpcore2.WriteTimeout: httpx2.WriteTimeout,
    httpcore2.PoolTimeout: httpx2.PoolTimeout,
    httpcore2.TimeoutException: httpx2.ReadTimeout,
    httpcore2.ConnectError: httpx2.ConnectError,
    httpcore2.ReadError: httpx2.ReadError,
    httpcore2.WriteError: httpx2.WriteError,
    httpcore2.NetworkError: httpx2.ReadError,
    httpcore2.LocalProtocolError: httpx2.LocalProtocolError,
    httpcore2.RemoteProtocolError: httpx2.RemoteProtocolError,
    httpcore2.ProtocolError: httpx2.RemoteProtocolError,
    httpcore2.UnsupportedProtocol: httpx2.UnsupportedProtocol,
}


class CoreStream(Protocol):
    """The body of an answer of httpcore2."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


@asynccontextmanager
async def until(deadline: float) -> AsyncIterator[None]:
    """End the block at a time of the event loop's clock, and failures of httpcore2 as httpx2 names them.

    Raises TooSlow, httpx2.TransportError.
    """
    try:
        async with asyncio.timeout_at(deadline) as limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise TooSlow("The other server took too long. Try again later.") from None
        raise
    except tuple(_NAMES) as error:
        name = next(name for kind, name in _NAMES.items() if isinstance(error, kind))
        raise name(str(error)) from error


class Body(httpx2.AsyncByteStream):
    """What a client reads of an answer. Raises TooLarge, TooSlow, httpx2.TransportError, httpx2.DecodingError."""

    def __init__(self, stream: CoreStream, *, packed: bool, most: int, deadline: float) -> None:
        self._stream = stream
        self._unpack = _Gzip() if packed else None
        self._most = most
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent = given = 0
        async for data in self._sent():
            sent += len(data)
            self._check(sent)
            for piece in self._unpack.pieces(data) if self._unpack else (data,):
                given += len(piece)
                self._check(given)
                yield piece
        if self._unpack:
            self._unpack.check_end()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _sent(self) -> AsyncIterator[bytes]:
        stream = aiter(self._stream)
        while True:
            async with until(self._deadline):
                data = await anext(stream, None)
            if data is None:
                return
            yield data

    def _check(self, size: int) -> None:
        if size > self._most:
            raise too_large(self._most)


def too_large(most: int) -> TooLarge:
    return TooLarge(f"The other server sent more than {most} bytes, the most that is read.")


class _Gzip:
    """One gzip member, unpacked piece by piece, so that a small body cannot become a large one unseen."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._begun = True
        try:
            piece = self._inflate.decompress(data, _PIECE)
            while piece:
                yield piece
                piece = self._inflate.decompress(self._inflate.unconsumed_tail, _PIECE)
        except zlib.error as error:
            raise httpx2.DecodingError("The answer is not the gzip that it says it is.") from error

    def check_end(self) -> None:
        if self._begun and not self._inflate.eof:
            raise httpx2.DecodingError("The answer ended in the midst of its gzip.")
