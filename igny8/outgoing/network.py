"""Connections to vetted addresses: the name is resolved once, and what was vetted is what is dialled."""

import asyncio
from collections.abc import Iterable

import httpcore2

from igny8.outgoing.errors import Refused
from igny8.outgoing.vetting import Resolve, vetted_addresses

_MOST_ATTEMPTS = 4


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens the sockets of a client. TLS still checks the certificate against the name in the URL."""

    def __init__(self, *, allow_private: bool, resolve: Resolve, dial: httpcore2.AsyncNetworkBackend) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface of httpcore2
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises Refused, httpcore2.ConnectError, httpcore2.ConnectTimeout."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await vetted_addresses(
                    host, port, allow_private=self._allow_private, resolve=self._resolve
                )
        except TimeoutError:
            raise httpcore2.ConnectTimeout("The name server does not answer.") from None
        except OSError:
            raise httpcore2.ConnectError("The name of the host is not known.") from None
        tried = addresses[:_MOST_ATTEMPTS]
        share = None if timeout is None else timeout / max(1, len(tried))
        failed: Exception = httpcore2.ConnectError("The name of the host has no address.")
        for address in tried:
            try:
                return await self._dial.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface of httpcore2
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise Refused("Only addresses on the network are called.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
