"""Where a call goes: to the address that was vetted, as the host that was named."""

from pathlib import Path

import httpcore2
import httpx2
import pytest

from igny8 import outgoing
from igny8.outgoing.network import GuardedNetwork
from tests.outgoing.far_side import OTHER_PUBLIC, PUBLIC, Exchange, Names, Server, certificate, said, serving

pytestmark = pytest.mark.anyio


async def test_a_public_name_is_called_by_its_vetted_address_and_its_own_name(tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path, "api.provider.net")
    async with serving(tls=ours) as server:
        exchange, names = Exchange(server.port), Names(api_provider_net=[[PUBLIC]])
        async with outgoing.client(resolve=names, dial=exchange, tls=theirs) as client:
            response = await client.get("https://api.provider.net/v1?a=b")
            again = await client.get("https://api.provider.net/v2")
    assert (response.text, again.text) == ("fine", "fine")
    assert [(request.line, request.headers["host"]) for request in server.requests] == [
        ("GET /v1?a=b HTTP/1.1", "api.provider.net"),
        ("GET /v2 HTTP/1.1", "api.provider.net"),
    ]
    assert server.names == ["api.provider.net"]
    assert exchange.dialled == [(PUBLIC, 443)]
    assert names.asked == ["api.provider.net"]


async def test_a_certificate_for_another_name_ends_the_call(tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path, "other.provider.net")
    async with serving(tls=ours) as server:
        exchange, names = Exchange(server.port), Names(api_provider_net=[[PUBLIC]])
        async with outgoing.client(resolve=names, dial=exchange, tls=theirs) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get("https://api.provider.net/v1", headers={"Authorization": "Bearer key"})
    assert server.requests == []


async def test_names_that_share_an_address_share_no_connection(tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path, "one.provider.net", "two.provider.net")
    async with serving(tls=ours) as server:
        exchange = Exchange(server.port)
        names = Names(one_provider_net=[[PUBLIC]], two_provider_net=[[PUBLIC]])
        async with outgoing.client(resolve=names, dial=exchange, tls=theirs) as client:
            await client.get("https://one.provider.net/")
            await client.get("https://two.provider.net/")
    assert server.names == ["one.provider.net", "two.provider.net"]


async def test_a_name_that_is_moved_inside_after_it_was_vetted_is_reached_where_it_was_vetted(tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path, "api.provider.net")
    async with serving(tls=ours) as server:
        exchange = Exchange(server.port)
        names = Names(api_provider_net=[[PUBLIC], ["127.0.0.1"]])
        async with outgoing.client(resolve=names, dial=exchange, tls=theirs) as client:
            server.answers["/"] = said(b"fine", Connection="close")
            assert (await client.get("https://api.provider.net/")).text == "fine"
            with pytest.raises(outgoing.Refused):
                await client.get("https://api.provider.net/")
    assert exchange.dialled == [(PUBLIC, 443)]
    assert names.asked == ["api.provider.net"] * 2


async def test_the_next_address_is_tried_when_the_first_is_dead(tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path, "api.provider.net")
    async with serving(tls=ours) as server:
        exchange = Exchange(server.port, dead=[OTHER_PUBLIC])
        names = Names(api_provider_net=[[OTHER_PUBLIC, PUBLIC]])
        async with outgoing.client(resolve=names, dial=exchange, tls=theirs) as client:
            assert (await client.get("https://api.provider.net/")).text == "fine"
            exchange = Exchange(server.port, dead=[OTHER_PUBLIC, PUBLIC])
        async with outgoing.client(resolve=names, dial=exchange, tls=theirs) as client:
            with pytest.raises(httpx2.ConnectError, match="nobody there"):
                await client.get("https://api.provider.net/")
    assert exchange.dialled == [(OTHER_PUBLIC, 443), (PUBLIC, 443)]


async def test_an_unknown_name_is_told() -> None:
    async with outgoing.client(resolve=Names()) as client:
        with pytest.raises(httpx2.ConnectError, match="not known"):
            await client.get("https://api.provider.net/")


async def test_the_systems_own_resolver_is_asked(server: Server) -> None:
    async with outgoing.client(True) as client:
        assert (await client.get(f"http://localhost:{server.port}/")).text == "fine"
    assert server.connections == 1


async def test_a_proxy_of_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
    exchange = Exchange(1, dead=[PUBLIC])
    async with outgoing.client(resolve=Names(api_provider_net=[[PUBLIC]]), dial=exchange) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("https://api.provider.net/")
    assert (server.connections, exchange.dialled) == (0, [(PUBLIC, 443)])


async def test_cookies_are_neither_kept_nor_sent(server: Server) -> None:
    server.answers["/"] = said(b"", Set_Cookie="visitor=1; Path=/")
    async with outgoing.client(True) as client:
        for _ in range(2):
            await client.get(f"http://127.0.0.1:{server.port}/")
        assert len(client.cookies) == 0
    assert ["cookie" in request.headers for request in server.requests] == [False, False]


async def test_there_is_no_way_to_a_local_socket() -> None:
    network = GuardedNetwork(allow_private=True, resolve=Names(), dial=httpcore2.AnyIOBackend())
    with pytest.raises(outgoing.Refused):
        await network.connect_unix_socket("/var/run/docker.sock")
