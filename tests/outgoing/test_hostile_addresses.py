"""Addresses that lead inside, in every dress that is known: none of them is ever connected to.

A server waits on this machine on the port that is named, and a network that would lead to it whatever is dialled.
"""

from pathlib import Path

import httpx2
import pytest

from igny8 import outgoing
from tests.outgoing.far_side import PUBLIC, Exchange, Names, Server

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent

#: Refused always, even where private addresses are allowed.
NEVER = (HERE / "never_called.txt").read_text().split()

#: Refused where only the public internet may be called.
INSIDE = (HERE / "inside.txt").read_text().split()

#: What a name that looks harmless may resolve to.
RESOLVED: tuple[list[str], ...] = (
    ["0.0.0.0"],
    ["10.1.2.3"],
    ["100.64.1.1"],
    ["127.0.0.1"],
    ["169.254.169.254"],
    ["168.63.129.16"],
    ["172.20.0.2"],
    ["192.168.1.1"],
    ["224.0.0.1"],
    ["255.255.255.255"],
    ["::1"],
    ["::ffff:127.0.0.1"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::"],
    ["2001:0:7f00:1::"],
    ["fd00::1"],
    ["fe80::1%eth0"],
    ["ff02::1"],
    [PUBLIC, "127.0.0.1"],
    [PUBLIC, "::1"],
    ["127.0.0.1", PUBLIC],
    [],
)


def test_the_corpus_is_large() -> None:
    assert len({*NEVER, *INSIDE}) + len(RESOLVED) >= 120


@pytest.mark.parametrize("template", [*NEVER, *INSIDE])
async def test_a_hostile_address_is_not_connected_to(template: str, server: Server) -> None:
    url = template.replace("{port}", str(server.port))
    exchange, names = Exchange(server.port), Names()
    with pytest.raises(outgoing.Refused) as refused:
        outgoing.parsed(url)
    assert refused.value.message.endswith(".")
    async with outgoing.client(resolve=names, dial=exchange) as client:
        with pytest.raises((outgoing.Refused, httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
            await client.get(url)
    assert (server.connections, exchange.dialled, names.asked) == (0, [], [])


@pytest.mark.parametrize("template", NEVER)
async def test_some_addresses_stay_refused_where_private_ones_are_allowed(template: str, server: Server) -> None:
    url = template.replace("{port}", str(server.port))
    exchange, names = Exchange(server.port), Names()
    with pytest.raises(outgoing.Refused):
        outgoing.parsed(url, allow_private=True)
    async with outgoing.client(True, resolve=names, dial=exchange) as client:
        with pytest.raises((outgoing.Refused, httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
            await client.get(url)
    assert (server.connections, exchange.dialled, names.asked) == (0, [], [])


@pytest.mark.parametrize("addresses", RESOLVED, ids=",".join)
async def test_a_name_that_resolves_inside_is_not_connected_to(addresses: list[str], server: Server) -> None:
    exchange, names = Exchange(server.port), Names(api_provider_net=[addresses])
    url = f"https://api.provider.net:{server.port}/v1"
    async with outgoing.client(resolve=names, dial=exchange) as client:
        with pytest.raises(outgoing.Refused if addresses else httpx2.ConnectError):
            await client.get(url)
    assert (server.connections, exchange.dialled, names.asked) == (0, [], ["api.provider.net"])
    if addresses:
        with pytest.raises(outgoing.Refused):
            await outgoing.vet(outgoing.parsed(url), resolve=names)


@pytest.mark.parametrize("url", ["https://a\r\nHost:x/", "https://a b/", "https://a\x00/", "https://a\t/", "", " "])
def test_an_address_is_one_word(url: str) -> None:
    with pytest.raises(outgoing.Refused):
        outgoing.parsed(url)


def test_an_address_has_a_length() -> None:
    with pytest.raises(outgoing.Refused, match="at most 2048 characters"):
        outgoing.parsed("https://api.provider.net/" + "a" * 2_048)


async def test_a_name_that_is_not_known_yet_may_be_stored() -> None:
    url = outgoing.parsed("https://api.provider.net/v1")
    await outgoing.vet(url, resolve=Names())
    await outgoing.vet(url, resolve=Names(api_provider_net=[[PUBLIC]]))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.provider.net",
        "https://api.provider.net:443/v1",
        "https://api.provider.net:8443/v1?a=b#c",
        "https://API.Provider.NET/",
        "https://bücher.de/",
        "https://xn--bcher-kva.de/",
        "https://my_site.provider.net/",
        "https://93.184.216.34/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:9443/",
        "https://1.provider.net/",
        "https://0x7f.provider.net/",
    ],
)
def test_usual_addresses_pass(url: str) -> None:
    assert outgoing.parsed(url).scheme == "https"


@pytest.mark.parametrize("url", ["http://127.0.0.1:4010/v1", "http://localhost:4010/v1", "http://openai:8000/v1"])
def test_servers_of_ones_own_pass_where_private_addresses_are_allowed(url: str) -> None:
    assert str(outgoing.parsed(url, allow_private=True)) == url
