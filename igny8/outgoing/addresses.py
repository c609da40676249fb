"""What an IP address leads to: the public internet, a private network, or a place that is never called.

The tables follow the special-purpose registries of IANA (RFC 6890 and later). They are our own because
`ipaddress.is_global` is true of multicast and of addresses that carry another one, and differs between versions.
"""

from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Reach(Enum):
    """Where a connection to the address would end."""

    PUBLIC = "public"
    PRIVATE = "private"
    NEVER = "never"


#: Answered inside a cloud's network with the credentials of the machine that asks; some look public or private.
_METADATA: Final = (
    "168.63.129.16",  # Azure
    "100.100.100.200",  # Alibaba
    "fd00:ec2::/32",  # AWS
    "fd20:ce::254",  # Google
)

_NEVER: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        *_METADATA,
        "0.0.0.0/8",  # this network: 0.0.0.0 is this machine
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "192.0.0.0/24",  # protocol assignments, Oracle's metadata among them
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # relays of 6to4
        "192.175.48.0/24",  # AS112
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast address
        "64:ff9b:1::/48",  # NAT64 of a local network
        "100::/64",  # discarded
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, given up
        "ff00::/8",  # multicast
    )
)

_PRIVATE: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks; local proxies hand these out
        "::1",
        "fc00::/7",
    )
)

_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_COMPATIBLE: Final = IPv6Network("::/96")
_ISATAP: Final = 0x5EFE


def plain(address: Address) -> Address:
    """An IPv4 address in its IPv6 dress (`::ffff:10.0.0.1`) without it: the same place."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def reach(address: Address) -> Reach:
    """Where it leads; an address that carries others is public only if each of them is."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:  # one of this machine's networks
        return Reach.NEVER
    address = plain(address)
    if any(address in network for network in _NEVER):
        return Reach.NEVER
    if any(address in network for network in _PRIVATE):
        return Reach.PRIVATE
    if isinstance(address, IPv4Address):
        return Reach.PUBLIC if address.is_global else Reach.NEVER
    if any(reach(inner) is not Reach.PUBLIC for inner in carried(address)):
        return Reach.NEVER
    routed = address in _NAT64 or (address in _UNICAST and address.is_global)
    return Reach.PUBLIC if routed else Reach.NEVER


def carried(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that a translator or a tunnel on the way would take from it."""
    bits = int(address)
    last = IPv4Address(bits & 0xFFFFFFFF)
    if address in _NAT64 or address in _COMPATIBLE:  # RFC 6052, RFC 4291
        return [last]
    if address in _SIX_TO_FOUR:  # RFC 3056
        return [IPv4Address(bits >> 80 & 0xFFFFFFFF)]
    if address in _TEREDO:  # RFC 4380: the server, and the client with its bits turned
        return [IPv4Address(bits >> 64 & 0xFFFFFFFF), IPv4Address(~bits & 0xFFFFFFFF)]
    if bits >> 32 & 0xFFFF == _ISATAP and bits >> 48 & 0xFFFF in (0, 0x0200):  # RFC 5214
        return [last]
    return []
