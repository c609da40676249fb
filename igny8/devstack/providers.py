"""Where the AI calls of a development stack go: to sandbox servers, or to a real service whose key is set."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from igny8.devstack.ports import free_port
from igny8.devstack.supervisor import Child

#: Of no use anywhere else.
SANDBOX_KEY: Final = "sandbox-key-that-opens-nothing"


@dataclass(frozen=True)
class Providers:
    """Variables that lead to the providers, the sandbox servers to start, and the services that are real."""

    environment: Mapping[str, str]
    sandboxes: tuple[Child, ...]
    real: tuple[str, ...]


def providers(given: Mapping[str, str]) -> Providers:
    """A sandbox for each provider whose key and address are not in `given`, the developer's environment."""
    environment: dict[str, str] = {}
    sandboxes: list[Child] = []
    real: list[str] = []
    for protocol, path in (("openai", "/v1"), ("runware", "/v1")):
        name = protocol.upper()
        key = given.get(f"IGNY8_{name}_API_KEY") or given.get(f"{name}_API_KEY")
        if key or given.get(f"IGNY8_{name}_BASE_URL"):
            real.append(protocol)
            if key:
                environment[f"IGNY8_{name}_API_KEY"] = key
            continue
        port = free_port()
        environment[f"IGNY8_{name}_API_KEY"] = SANDBOX_KEY
        environment[f"IGNY8_{name}_BASE_URL"] = f"http://127.0.0.1:{port}{path}"
        command = [sys.executable, "-m", "igny8.devstack.sandbox", protocol, "--port", str(port)]
        sandboxes.append(Child(protocol, command))
    return Providers(environment, tuple(sandboxes), tuple(real))
