"""Reads beside a floor, a reference and PostGraphile: the same rows, the same questions, in turns."""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from click import echo

from benchmarks import floor, postgraphile_queries
from benchmarks.load import Client, answers_per_second, wrk_is_there
from benchmarks.queries import OBJECTS, QUERIES
from benchmarks.rows import Row, at_most, ratio
from benchmarks.stack import Served, Stack, api, served

UVICORN = [
    sys.executable,
    "-m",
    "uvicorn",
    "--factory",
    "--port",
    "{port}",
    "--log-level",
    "warning",
    "--no-access-log",
]
POSTGRAPHILE = Path(__file__).parent / "postgraphile"


@dataclass
class Contender:
    """A server, how to ask it, and what was measured of it."""

    server: Served
    headers: dict[str, str]
    queries: dict[str, str]
    latency: dict[str, list[float]] = field(default_factory=dict)
    throughput: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def median(self, what: str, query: str) -> float:
        return statistics.median(getattr(self, what)[query])


@contextmanager
def contenders(stack: Stack) -> Iterator[dict[str, Contender]]:
    """The four servers, as far as they can run."""
    reader = stack.reader
    who = {
        "BENCH_URL": stack.app_url,
        "BENCH_ACCOUNT": str(reader.account_id),
        "BENCH_USER": str(reader.user_id),
        "BENCH_SESSION": str(reader.session_id),
        "BENCH_PORT": "{port}",
    }
    environment = {**stack.environment, **who}
    token = {"Authorization": f"Bearer {stack.token_of(reader)}"}
    with ExitStack() as running:

        def start(name: str, command: list[str], headers: dict[str, str], queries: dict[str, str]) -> Contender:
            echo(f"Starting {name} ...")
            return Contender(
                running.enter_context(served(name, command, environment, stack.folder)), headers, queries
            )

        found = {
            "igny8": start("igny8", api(stack), token, QUERIES),
            "floor": start("floor", [*UVICORN, "benchmarks.floor:app"], {}, QUERIES),
            "reference": start("reference", [*UVICORN, "benchmarks.reference:app"], {}, QUERIES),
        }
        node = _node()
        if node is not None:
            command = [node, str(POSTGRAPHILE / "server.mjs")]
            environment["NODE_ENV"] = "production"
            found["postgraphile"] = start("postgraphile", command, {}, postgraphile_queries.QUERIES)
        yield found


def _node() -> str | None:
    """A Node.js that PostGraphile runs on, with it; None when npm is not there or reaches nothing."""
    npm, installed = shutil.which("npm"), POSTGRAPHILE / "node_modules" / ".bin" / "node"
    if not installed.exists() and npm is not None:
        echo("Installing PostGraphile (once) ...")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=POSTGRAPHILE, check=False)
    return str(installed) if installed.exists() else None


def check(found: dict[str, Contender]) -> None:
    """All answer the same before anything is measured: the floor byte for byte, the others object for object."""
    for name in QUERIES:
        answers = {who: Client(c.server, c.headers).ask(c.queries[name]) for who, c in found.items()}
        ours = answers["igny8"]
        if not ours.startswith(answers["floor"][:-1]):
            raise RuntimeError(f"{name}: the floor answers something else")
        if json.loads(ours)["data"] != json.loads(answers["reference"])["data"]:
            raise RuntimeError(f"{name}: the reference answers something else")
        for who, answer in answers.items():
            counted = _objects(json.loads(answer)["data"])
            if counted != OBJECTS[name]:
                raise RuntimeError(f"{name}: {who} answers {counted} objects and not {OBJECTS[name]}")


def _objects(value: Any) -> int:
    """How many objects with an id."""
    if isinstance(value, list):
        return sum(_objects(item) for item in value)
    if isinstance(value, dict):
        return ("id" in value) + sum(_objects(item) for item in value.values())
    return 0


def measure(found: dict[str, Contender], stack: Stack, names: list[str], *, rounds: int, seconds: float) -> None:
    """Each server in turn, `rounds` times."""
    for number in range(rounds + 1):  # the first one warms up
        for name in names:
            for contender in found.values():
                client = Client(contender.server, contender.headers)
                took = client.milliseconds(contender.queries[name], times=3 if name == "large" else 15)
                if number:
                    contender.latency.setdefault(name, []).append(took)
            if wrk_is_there() and name != "large":
                for contender in found.values():
                    _under_load(contender, name, stack.folder, seconds if number else 1, keep=bool(number))
        echo(f"Round {number} of {rounds}" if number else "Warmed up")


def _under_load(contender: Contender, name: str, folder: Path, seconds: float, *, keep: bool) -> None:
    per_second, cpu, _ = answers_per_second(
        contender.server, contender.queries[name], contender.headers, folder, seconds=seconds
    )
    if keep:
        contender.throughput.setdefault(name, []).append(per_second)
        contender.cpu.setdefault(name, []).append(cpu)


def rows(found: dict[str, Contender], names: list[str]) -> Iterator[Row]:
    ours = found["igny8"]

    def of(who: str, what: str, name: str) -> float | None:
        contender = found.get(who)
        return contender.median(what, name) if contender and name in getattr(contender, what) else None

    if "large" in names:
        large = ours.median("latency", "large")
        yield ratio("large nested, latency: the floor", large, of("floor", "latency", "large"), "ms", most=1.2)
        yield ratio("large nested, latency: reference", large, of("reference", "latency", "large"), "ms", least=10)
        yield ratio(
            "large nested, latency: PostGraphile", large, of("postgraphile", "latency", "large"), "ms", least=1.8
        )
    loads = (("small", "reference", 15.0), ("small", "postgraphile", 2.0), ("tiny", "postgraphile", 1.5))
    for name, who, least in loads:
        if name in names:
            measured = of("igny8", "throughput", name)
            label = f"{name}, answers a second: {'PostGraphile' if who == 'postgraphile' else who}"
            if measured is None:
                yield Row(label, "wrk is not installed", "", f">= {least:g} x", None)
            else:
                yield ratio(label, measured, of(who, "throughput", name), "/s", least=least)
    if "tiny" in names:
        cpu = of("igny8", "cpu", "tiny")
        if cpu is None:
            yield Row("tiny, CPU a request: the floor", "wrk is not installed", "", "<= 1.3 x", None)
        else:
            yield ratio("tiny, CPU a request: the floor", cpu, of("floor", "cpu", "tiny"), "us", most=1.3)


def walls(stack: Stack, *, rounds: int) -> Iterator[Row]:
    """What row-level security and the session check cost, in PostgreSQL alone."""
    gated, open_ = floor.statements(gate=True), floor.statements(gate=False)
    reader = stack.reader
    who = [reader.account_id, reader.user_id, reader.session_id, None]
    with (
        psycopg.connect(stack.app_url, autocommit=True) as app,
        psycopg.connect(stack.superuser_url, autocommit=True) as root,
    ):
        root.execute("SET jit = off")
        for name, times in (("small", 300), ("large", 30)):
            with_walls, without = [], []
            # In turn, one by one: whatever else the machine does meets both alike.
            for _ in range(times * rounds // 7 + 8):
                with_walls.append(_milliseconds(app, gated[name], who))
                without.append(_milliseconds(root, open_[name], who[:1]))
            ours, bare = statistics.median(with_walls[8:]), statistics.median(without[8:])
            yield ratio(f"{name}, in PostgreSQL: without walls", ours, bare, "ms", most=1.15)


def _milliseconds(connection: psycopg.Connection[Any], sql: str, values: list[Any]) -> float:
    cursor = psycopg.RawCursor(connection)
    begun = time.perf_counter()
    cursor.execute(sql, values, prepare=True)
    cursor.fetchone()
    return (time.perf_counter() - begun) * 1000


def memory(ours: Contender, folder: Path, *, requests: int) -> Iterator[Row]:
    """Resident memory after everything, and whether it grows with the requests."""
    yield at_most("API process, resident after all of it", ours.server.resident_mb(), 150, "MB")
    if not wrk_is_there():
        yield Row("API process, growth under load", "wrk is not installed", "", "<= 1.05 x", None)
        return
    early = _after(ours, folder, requests // 10)
    late = _after(ours, folder, requests - requests // 10)
    yield ratio(f"API process, after {requests:,} requests: after {requests // 10:,}", late, early, "MB", most=1.05)


def _after(ours: Contender, folder: Path, requests: int) -> float:
    done = 0
    while done < requests:
        for name in ("tiny", "small"):
            done += answers_per_second(ours.server, ours.queries[name], ours.headers, folder, seconds=3)[2]
    return ours.server.resident_mb()
