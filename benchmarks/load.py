"""How long one client waits, how many answers eight get, and what the server spends on each."""

import http.client
import json
import re
import shutil
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.stack import Served

CONNECTIONS = 8


class Client:
    """One keep-alive connection."""

    def __init__(self, server: Served, headers: dict[str, str]) -> None:
        self._server, self._headers = server, {"Content-Type": "application/json", **headers}
        self.reconnect()

    def reconnect(self) -> None:
        """Servers close a connection that was not used for some seconds."""
        self._http = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> bytes:
        asked = {"query": query} if variables is None else {"query": query, "variables": variables}
        self._http.request("POST", "/graphql", json.dumps(asked), self._headers)
        answer = self._http.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:300]!r}")
        return body

    def milliseconds(self, query: str, *, times: int) -> float:
        """The median of so many requests, one after the other."""
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            self.ask(query)
            took.append((time.perf_counter() - begun) * 1000)
        return statistics.median(took)


def wrk_is_there() -> bool:
    return shutil.which("wrk") is not None


def answers_per_second(
    server: Served, query: str, headers: dict[str, str], folder: Path, *, seconds: float
) -> tuple[float, float, int]:
    """(answers per second, microseconds of the server's CPU for each, answers) with eight connections.

    Raises RuntimeError when one was no answer.
    """
    script = folder / "request.lua"
    lines = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    body = json.dumps(json.dumps({"query": query}))
    script.write_text(
        "\n".join(
            ['wrk.method = "POST"', 'wrk.headers["Content-Type"] = "application/json"', f"wrk.body = {body}", *lines]
        )
    )
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script), server.url]
    before = server.cpu_seconds()
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = server.cpu_seconds() - before
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    count = int(_found(r"(\d+) requests in", output))
    return float(_found(r"Requests/sec:\s+([\d.]+)", output)), spent * 1e6 / max(1, count), count


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(text)
    return match[1]
