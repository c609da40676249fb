"""Answers that never end, come a byte at a time, or unpack to a thousand times their size."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from igny8 import outgoing
from tests.outgoing.far_side import Answer, Names, Request, Server, said, sent_on, streamed

pytestmark = pytest.mark.anyio


def url(server: Server, path: str = "/") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def raw(*parts: bytes, then: float = 0) -> Answer:
    """Bytes as they are, and a pause before the connection ends."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.sleep(then)
        writer.close()

    return answer


async def read(response: httpx2.Response, pieces: list[bytes]) -> None:
    async for piece in response.aiter_bytes():
        pieces.append(piece)


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 1_000


async def drip() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(0.02)


async def test_an_endless_body_is_left(server: Server) -> None:
    server.answers["/"] = streamed(endless)
    async with outgoing.client(True, max_bytes=100_000) as client:
        with pytest.raises(outgoing.TooLarge, match="more than 100000 bytes"):
            await client.get(url(server))


async def test_a_body_that_announces_its_length_is_not_begun(server: Server) -> None:
    server.answers["/"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", then=30)
    async with outgoing.client(True, max_bytes=100_000) as client:
        with pytest.raises(outgoing.TooLarge):
            await client.get(url(server))


async def test_a_body_of_just_the_most_is_read(server: Server) -> None:
    server.answers["/"] = said(b"x" * 1_000)
    async with outgoing.client(True, max_bytes=1_000) as client:
        assert len((await client.get(url(server))).content) == 1_000


async def test_a_head_says_the_length_of_a_body_that_does_not_come(server: Server) -> None:
    server.answers["/"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", then=30)
    async with outgoing.client(True, max_bytes=1_000) as client:
        assert (await client.head(url(server))).headers["content-length"] == "100001"


@pytest.mark.parametrize("size", [0, 1, 70_000, 1_000_000])
async def test_gzip_is_unpacked(server: Server, size: int) -> None:
    server.answers["/"] = said(gzip.compress(b"x" * size), Content_Encoding="gzip")
    async with outgoing.client(True) as client:
        response = await client.get(url(server))
    assert len(response.content) == size
    assert "content-encoding" not in response.headers
    assert server.requests[0].headers["accept-encoding"] == "gzip"


async def test_a_gzip_bomb_is_left_at_the_most(server: Server) -> None:
    server.answers["/"] = said(gzip.compress(bytes(200_000_000), 9), Content_Encoding="gzip")
    pieces: list[bytes] = []
    async with outgoing.client(True, max_bytes=1_000_000) as client, client.stream("GET", url(server)) as response:
        with pytest.raises(outgoing.TooLarge):
            await read(response, pieces)
    assert 0 < len(b"".join(pieces)) <= 1_000_000


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (gzip.compress(gzip.compress(b"x")), "gzip, gzip"),
        (zlib.compress(b"x"), "deflate"),
        (b"x", "br"),
        (b"x", "zstd"),
        (b"no gzip at all", "gzip"),
        (gzip.compress(b"x" * 1_000)[:-9], "gzip"),
    ],
    ids=[
        "twice",
        "deflate",
        "brotli",
        "zstandard",
        "not gzip",
        "cut off",
    ],  # bodies tell the time they were packed at
)
async def test_other_packings_and_broken_ones_are_told(server: Server, body: bytes, packing: str) -> None:
    server.answers["/"] = said(body, Content_Encoding=packing)
    async with outgoing.client(True) as client:
        with pytest.raises(httpx2.DecodingError):
            await client.get(url(server))


async def test_a_body_that_drips_is_left_at_the_deadline(server: Server) -> None:
    server.answers["/"] = streamed(drip)
    async with outgoing.client(True, timeout=0.3) as client:
        with pytest.raises(outgoing.TooSlow):
            await client.get(url(server))


async def test_a_drip_is_left_while_it_is_streamed(server: Server) -> None:
    server.answers["/"] = streamed(drip)
    pieces: list[bytes] = []
    async with outgoing.client(True, timeout=3) as client, client.stream("GET", url(server)) as response:
        with pytest.raises(outgoing.TooSlow):
            await read(response, pieces)
    assert pieces[0] == b"x"


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 50],
    ids=["silence", "half a head", "interim answers"],
)
async def test_a_head_that_does_not_come_is_left_at_the_deadline(server: Server, beginning: bytes) -> None:
    server.answers["/"] = raw(beginning, then=30)
    async with outgoing.client(True, timeout=0.3) as client:
        with pytest.raises((outgoing.TooSlow, httpx2.ReadTimeout)):
            await client.get(url(server))


async def test_redirects_share_one_deadline(server: Server) -> None:
    async def late(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.8)
        await sent_on(f"/{int(request.path[1:]) + 1}")(request, writer)

    server.answers |= {f"/{hop}": late for hop in range(4)}
    async with outgoing.client(True, timeout=2) as client:
        with pytest.raises((outgoing.TooSlow, httpx2.ReadTimeout)):
            await client.get(url(server, "/0"))
    assert 1 < len(server.requests) < 4


async def test_the_body_of_a_redirect_is_bounded_too(server: Server) -> None:
    server.answers["/"] = streamed(endless)
    server.answers["/on"] = raw(
        b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 9999999\r\n\r\n", b"x" * 99_999, then=30
    )
    async with outgoing.client(True, max_bytes=10_000) as client:
        with pytest.raises(outgoing.TooLarge):
            await client.get(url(server, "/on"))
    assert [request.path for request in server.requests] == ["/on"]


async def test_endless_headers_are_left(server: Server) -> None:
    server.answers["/"] = raw(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 200_000, then=30)
    async with outgoing.client(True) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(url(server))


async def test_a_name_server_that_is_silent_is_left() -> None:
    class Silent(Names):
        async def __call__(self, host: str, port: int) -> list[str]:
            await asyncio.sleep(30)
            return []

    async with outgoing.client(resolve=Silent(), timeout=0.2) as client:
        with pytest.raises((outgoing.TooSlow, httpx2.ConnectTimeout)):
            await client.get("https://api.provider.net/")


async def test_a_connection_that_breaks_off_is_told_as_the_library_names_it(server: Server) -> None:
    server.answers["/"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
    async with outgoing.client(True) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(url(server))
        server.answers["/"] = raw(b"what?\r\n\r\n")
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(url(server))
    async with outgoing.client(True) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://127.0.0.1:1025/")


async def test_a_left_answer_leaves_no_connection_and_the_client_usable(server: Server) -> None:
    server.answers["/endless"] = streamed(endless)
    async with outgoing.client(True, max_bytes=10_000, max_connections=1) as client:
        for _ in range(3):
            with pytest.raises(outgoing.TooLarge):
                await client.get(url(server, "/endless"))
            assert (await client.get(url(server))).text == "fine"
