"""The port that the API will listen on."""

import errno
import os
import socket
from contextlib import closing

from igny8.devstack.faults import StackFault


def free_port(host: str = "127.0.0.1") -> int:
    with closing(socket.socket()) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def refuse_busy_port(host: str, port: int) -> None:
    """Raise StackFault, with the remedy, when nobody can listen there now."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family)) as probe:
            # As the API itself does: connections that are just closing are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StackFault(f"Port {port} is in use: choose another one with `--port {_next(port)}`.") from None
        reason = os.strerror(error.errno) if isinstance(error, PermissionError) and error.errno else str(error)
        raise StackFault(
            f"Nobody can listen on {host}, port {port} ({reason}): choose another with `--port`."
        ) from None


def _next(port: int) -> int:
    return port + 1 if port < 65535 else 8080
