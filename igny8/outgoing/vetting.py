"""Which URLs may be called, and which addresses a name may resolve to."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address, ip_address
from typing import Final

import httpx2

from igny8.outgoing.addresses import Address, Reach, plain, reach
from igny8.outgoing.errors import Refused

#: The IP addresses of a name, as text. Raises OSError when the name is not known.
Resolve = Callable[[str, int], Awaitable[list[str]]]

LONGEST_URL: Final = 2_048
MOST_ADDRESSES: Final = 32

_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
#: A last label of this form makes the whole host a number: `127.1`, `0x7f000001`, `2130706433`.
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*")
#: Last labels that are never found in the public DNS.
_INSIDE: Final = frozenset(
    {"alt", "arpa", "corp", "example", "home", "internal", "intranet", "invalid"}
    | {"lan", "local", "localdomain", "localhost", "onion", "private", "test"}
)
#: Above 1023 every port may be that of an HTTP server, but for those where something else listens as a rule.
_OTHER_SERVICES: Final = frozenset(
    {1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432}
    | {5672, 6000, 6379, 6380, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 10080, 10250, 11211, 27017}
)

_INWARD: Final = "This address leads into a private network. Give one that is reachable from the public internet."

# Threads of their own: a name server that never answers would otherwise hold up whatever else runs in threads.
_LOOKUPS: Final = ThreadPoolExecutor(max_workers=16, thread_name_prefix="outgoing-lookup")


async def resolve(host: str, port: int) -> list[str]:
    """The system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().run_in_executor(
        _LOOKUPS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return [str(place[0]) for *_, place in found]


def parsed(text: str, *, allow_private: bool = False) -> httpx2.URL:
    """The URL, checked as far as its text goes. Raises Refused."""
    if not text.isprintable() or " " in text:
        raise Refused("An address may not contain spaces or control characters.")
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise Refused("This is not an address: it should look like https://api.example.com/v1.") from None
    check(url, allow_private=allow_private)
    return url


async def vet(url: httpx2.URL, *, allow_private: bool = False, resolve: Resolve = resolve) -> None:
    """Whether the URL may be called as things stand. Raises Refused.

    For addresses that are to be stored: a name that is not known now passes, since every call looks again.
    """
    check(url, allow_private=allow_private)
    try:
        await vetted_addresses(host_of(url), url.port or 443, allow_private=allow_private, resolve=resolve)
    except OSError:
        return


def check(url: httpx2.URL, *, allow_private: bool) -> None:
    """Refuse what the text of the URL already tells. Raises Refused."""
    if url.scheme != "https" and not (allow_private and url.scheme == "http"):
        raise Refused("The address must begin with https://.")
    if url.userinfo:
        raise Refused("The address may not hold a user name or password.")
    if len(str(url)) > LONGEST_URL:
        raise Refused(f"The address may have at most {LONGEST_URL} characters.")
    _check_port(url)
    host = host_of(url)
    address = literal(host)
    if address is not None:
        _check_address(address, allow_private=allow_private)
        return
    last = host.rpartition(".")[2]
    if not _NAME.fullmatch(host) or _NUMBER.fullmatch(last):
        raise Refused("The address does not name a host: it should look like https://api.example.com/v1.")
    if not allow_private and ("." not in host or last in _INSIDE):
        raise Refused(_INWARD)


def host_of(url: httpx2.URL) -> str:
    """The host as it goes to the resolver: ASCII, without brackets."""
    return url.raw_host.decode("ascii")


def literal(host: str) -> Address | None:
    """The address that the host spells out in full, if it does."""
    try:
        return ip_address(host)
    except ValueError:
        return None


async def vetted_addresses(host: str, port: int, *, allow_private: bool, resolve: Resolve) -> list[Address]:
    """The addresses of a host in the order to try them; one that may not be called refuses them all.

    Raises Refused, and OSError when the name is not known.
    """
    address = literal(host)
    texts = [host] if address is not None else (await resolve(host, port))[:MOST_ADDRESSES]
    found = list(dict.fromkeys(plain(ip_address(text)) for text in texts))
    for address in found:
        _check_address(address, allow_private=allow_private)
    return found


def is_this_machine(address: Address) -> bool:
    """Whether it is an address of our own, public or not: the system would send from it to reach it."""
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 443))  # chooses a route and sends nothing
            return str(probe.getsockname()[0]) == str(address)
    except OSError:
        return False


def _check_port(url: httpx2.URL) -> None:
    port = url.port
    if port is None or port in (80, 443):
        return
    if not 1024 <= port <= 65535 or port in _OTHER_SERVICES:
        raise Refused(f"The port {port} is not one of a web service. Leave it out, or use 443 or one above 1023.")


def _check_address(address: Address, *, allow_private: bool) -> None:
    found = reach(address)
    if found is Reach.NEVER:
        raise Refused("This address is a reserved one, which is never called.")
    if not allow_private and (found is Reach.PRIVATE or is_this_machine(address)):
        raise Refused(_INWARD)
