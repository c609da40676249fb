"""Redirects: each hop is checked as the first address was, and takes no credentials to another origin."""

from pathlib import Path

import pytest

from igny8 import outgoing
from tests.outgoing.far_side import PUBLIC, Exchange, Names, Server, certificate, sent_on, serving

pytestmark = pytest.mark.anyio

KEYS = {
    "Authorization": "Bearer canary",
    "Proxy-Authorization": "Basic canary",
    "Api-Key": "canary",
    "X-Api-Key": "canary",
    "X-Shopify-Access-Token": "canary",
    "OpenAI-Organization": "canary",
    "Cookie": "canary=1",
}


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254:{port}/latest/meta-data/",
        "//169.254.169.254:{port}/",
        "http://0.0.0.0:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://[::ffff:169.254.169.254]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://user:secret@127.0.0.1:{port}/",
        "http://inward.provider.net:{port}/",
        "http://127.0.0.1:6379/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
    ],
)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_to_a_hostile_address_is_not_followed(to: str, status: str, server: Server) -> None:
    server.answers["/"] = sent_on(to.format(port=server.port), status)
    exchange = Exchange(server.port)
    names = Names(inward_provider_net=[["169.254.169.254"]])
    async with outgoing.client(True, resolve=names, dial=exchange) as client:
        with pytest.raises(outgoing.Refused):
            await client.post(f"http://127.0.0.1:{server.port}/", json={})
    assert exchange.dialled == [("127.0.0.1", server.port)]
    assert len(server.requests) == 1


async def test_an_answer_over_tls_cannot_lead_to_plain_http_or_inside(server: Server, tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path, "api.provider.net")
    for to in (f"http://api.provider.net:{server.port}/", f"https://127.0.0.1:{server.port}/"):
        async with serving(tls=ours) as first:
            first.answers["/"] = sent_on(to)
            exchange = Exchange(first.port)
            names = Names(api_provider_net=[[PUBLIC]])
            async with outgoing.client(resolve=names, dial=exchange, tls=theirs) as client:
                with pytest.raises(outgoing.Refused):
                    await client.get("https://api.provider.net/")
        assert exchange.dialled == [(PUBLIC, 443)]
    assert server.connections == 0


async def test_three_redirects_are_followed_and_a_fourth_is_not(server: Server) -> None:
    server.answers |= {f"/{hop}": sent_on(f"/{hop + 1}") for hop in range(4)}
    async with outgoing.client(True) as client:
        response = await client.get(f"http://127.0.0.1:{server.port}/1")
        assert (response.text, response.url.path) == ("fine", "/4")
        with pytest.raises(outgoing.Refused, match="more than 3 times"):
            await client.get(f"http://127.0.0.1:{server.port}/0")
        assert (await client.get(f"http://127.0.0.1:{server.port}/1")).text == "fine"
    assert [request.path for request in server.requests].count("/4") == 2


async def test_credentials_do_not_go_to_another_host(server: Server) -> None:
    async with serving() as other:
        server.answers["/"] = sent_on(f"http://localhost:{other.port}/there", "307 Temporary")
        async with outgoing.client(True) as client:
            await client.post(f"http://127.0.0.1:{server.port}/", headers=KEYS, content=b"{}")
        (first,), (second,) = server.requests, other.requests
    assert "canary" in str(first.headers)
    assert "canary" not in str(second.headers)
    assert second.headers.keys() <= {
        "host", "accept", "accept-encoding", "connection", "user-agent", "content-length", "content-type"
    }  # fmt: skip
    assert (second.headers["host"], second.body) == (f"localhost:{other.port}", b"{}")


async def test_credentials_do_not_go_to_another_port_and_do_not_come_back(server: Server) -> None:
    async with serving() as other:
        server.answers["/"] = sent_on(f"http://127.0.0.1:{other.port}/there")
        other.answers["/there"] = sent_on(f"http://127.0.0.1:{server.port}/back")
        async with outgoing.client(True) as client:
            await client.get(f"http://127.0.0.1:{server.port}/", headers=KEYS)
        assert "canary" not in str(other.requests)
    assert [request.path for request in server.requests] == ["/", "/back"]
    assert "canary" not in str(server.requests[1].headers)


async def test_credentials_stay_within_the_origin(server: Server) -> None:
    server.answers["/"] = sent_on("/moved")
    async with outgoing.client(True) as client:
        await client.get(f"http://127.0.0.1:{server.port}/", headers={"Authorization": "Bearer canary"})
    assert server.requests[1].headers["authorization"] == "Bearer canary"
