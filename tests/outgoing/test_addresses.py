"""What an address leads to."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igny8.outgoing.addresses import Reach, plain, reach
from igny8.outgoing.vetting import is_this_machine


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1",
        "93.184.216.34",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.169.0.1",
        "223.255.255.254",
        "::ffff:93.184.216.34",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "2a00:1450:4001:80b::200e",
        "64:ff9b::5db8:d822",
        "2002:5db8:d822::1",
    ],
)
def test_the_public_internet(text: str) -> None:
    assert reach(ip_address(text)) is Reach.PUBLIC


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "fc00::1",
        "fd12:3456:789a::1",
    ],
)
def test_private_networks(text: str) -> None:
    assert reach(ip_address(text)) is Reach.PRIVATE


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "::127.0.0.1",
        "::93.184.216.34",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:0:5db8:d822::80ff:fffe",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "2002:c0a8:101::1",
        "2606:2800:21f:cb07:0:5efe:10.0.0.1",
        "2606:2800:21f:cb07:200:5efe:127.0.0.1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_places_that_are_never_called(text: str) -> None:
    assert reach(ip_address(text)) is Reach.NEVER


NAT64 = IPv6Network("64:ff9b::/96")
IPV4 = st.integers(0, 2**32 - 1).map(IPv4Address)
IPV6 = st.integers(0, 2**128 - 1).map(IPv6Address) | st.integers(0, 2**125 - 1).map(
    lambda bits: IPv6Address(1 << 125 | bits)
)


@given(IPV4 | IPV6)
def test_what_python_calls_special_is_never_public(address: IPv4Address | IPv6Address) -> None:
    if reach(address) is Reach.PUBLIC and address not in NAT64:
        inner = plain(address)
        special = inner.is_private, inner.is_loopback, inner.is_link_local, inner.is_multicast, inner.is_reserved
        assert not any(special)


@given(IPV4)
def test_no_dress_makes_an_inner_address_public(inner: IPv4Address) -> None:
    bits = int(inner)
    dresses = {
        "mapped": 0xFFFF << 32 | bits,
        "compatible": bits,
        "nat64": 0x64FF9B << 96 | bits,
        "6to4": 0x2002 << 112 | bits << 80 | 1,
        "teredo server": 0x20010000 << 96 | bits << 64 | 0xFFFFFFFF - 0x5DB8D822,
        "teredo client": 0x20010000 << 96 | 0x5DB8D822 << 64 | 0xFFFFFFFF - bits,
        "isatap": 0x26062800021FCB07 << 64 | 0x5EFE << 32 | bits,
    }
    if reach(inner) is not Reach.PUBLIC:
        for dress in dresses.values():
            assert reach(IPv6Address(dress)) is not Reach.PUBLIC


def test_our_own_address_is_known_whatever_its_range() -> None:
    assert is_this_machine(ip_address("127.0.0.1"))
    assert not is_this_machine(ip_address("192.0.2.1"))
