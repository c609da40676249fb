"""The supervisor: labelled lines, one way to stop, and a sentence for whatever ends."""

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from igny8.devstack.supervisor import Child, Supervisor, answers, run_children
from tests.support.processes import lives

pytestmark = pytest.mark.anyio

WAITS = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('stops'), sys.exit(0)))\n"
    "print('runs'); time.sleep(60)"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('runs'); time.sleep(60)"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Ended:
    name: str = "PostgreSQL"
    exit_code: int | None = -9


def _child(name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-c", code])


def _said(screen: io.StringIO, *lines: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return all(line in screen.getvalue().splitlines() for line in lines)

    return ask


async def _never() -> bool:
    return False


async def _run(children: Sequence[Child], screen: io.StringIO, *, patience: float = 10.0) -> int:
    async with Supervisor(children, screen=screen, patience=patience) as supervisor:
        return await supervisor.wait()


async def test_one_interrupt_stops_all_in_reverse_order() -> None:
    screen = io.StringIO()
    children = [_child("api", WAITS), _child("worker", WAITS)]
    async with Supervisor(children, screen=screen) as supervisor:
        assert await supervisor.ready(_said(screen, "api    | runs", "worker | runs"))
        os.kill(os.getpid(), signal.SIGINT)
        assert await supervisor.wait() == 0
    assert screen.getvalue().splitlines()[2:] == [
        "igny8 | Stopping (once more: at once) ...",
        "worker | stops",
        "api    | stops",
    ]


async def test_a_second_interrupt_kills_those_that_do_not_end() -> None:
    screen = io.StringIO()
    async with Supervisor([_child("deaf", DEAF)], screen=screen) as supervisor:
        assert await supervisor.ready(_said(screen, "deaf | runs"))
        os.kill(os.getpid(), signal.SIGTERM)
        assert await supervisor.wait() == 0
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGINT)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5


async def test_a_child_that_does_not_end_is_killed_in_time_and_told() -> None:
    screen = io.StringIO()
    async with Supervisor([_child("deaf", DEAF)], screen=screen, patience=0.3) as supervisor:
        assert await supervisor.ready(_said(screen, "deaf | runs"))
    assert screen.getvalue().splitlines()[-1] == "igny8 | deaf did not end within 0.3 s and is killed."


async def test_a_child_that_ends_is_told_after_its_last_lines_and_stops_the_rest() -> None:
    screen = io.StringIO()
    code = await _run(
        [_child("api", WAITS), _child("bad", "print('last'); print('words', end=''); raise SystemExit(3)")], screen
    )
    assert code == 1
    assert [line for line in screen.getvalue().splitlines() if not line.startswith("api")] == [
        "bad | last",
        "bad | words",
        "igny8 | bad ended by itself with exit code 3; its last lines are above. Stopping the rest.",
    ]


async def test_a_child_that_is_killed_is_told_by_the_signal() -> None:
    screen = io.StringIO()
    assert await _run([_child("bad", "import os; os.kill(os.getpid(), 9)")], screen) == 1
    assert "igny8 | bad was ended by SIGKILL; its last lines are above." in screen.getvalue()


async def test_a_grandchild_that_keeps_the_output_open_keeps_nobody() -> None:
    screen = io.StringIO()
    code = (
        "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    begun = time.monotonic()
    assert await _run([_child("bad", code)], screen) == 1
    assert time.monotonic() - begun < 10
    found = re.search(r"bad \| (\d+)", screen.getvalue())
    assert found
    await asyncio.sleep(0.1)
    assert not lives(int(found[1]))


async def test_a_server_that_ends_is_told() -> None:
    screen = io.StringIO()
    async with Supervisor([_child("api", WAITS)], servers=[Ended()], screen=screen) as supervisor:
        assert await supervisor.wait() == 1
    assert "igny8 | PostgreSQL was ended by SIGKILL. Stopping the rest.\n" in screen.getvalue()


async def test_waiting_to_be_ready_ends_with_the_child() -> None:
    begun = time.monotonic()
    announced: list[str] = []
    code = await run_children(
        [_child("bad", "raise SystemExit(2)")],
        ready="http://127.0.0.1:9/never",
        announce=lambda: announced.append("ready"),
    )
    assert (code, announced) == (1, [])
    assert time.monotonic() - begun < 5


async def test_never_being_ready_is_told() -> None:
    screen = io.StringIO()
    async with Supervisor([_child("api", WAITS)], screen=screen) as supervisor:
        assert not await supervisor.ready(_never, seconds=0.2)
        assert await supervisor.wait() == 1
    assert "was not ready within 0.2 s" in screen.getvalue()


async def test_readiness_is_an_answer_of_200() -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1]
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if path == b"/ready" else b"HTTP/1.1 503 Away\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await answers(f"http://127.0.0.1:{port}/ready")
        assert not await answers(f"http://127.0.0.1:{port}/away")
    assert not await answers(f"http://127.0.0.1:{port}/ready")


async def test_labels_are_coloured_on_a_terminal_only_and_lines_may_be_of_any_length() -> None:
    plain, terminal = io.StringIO(), Terminal()
    code = "print('x' * 200_000)"
    await _run([_child("api", code)], plain)
    await _run([_child("api", code)], terminal)
    assert "\x1b" not in plain.getvalue()
    coloured = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    assert terminal.getvalue().startswith("\x1b[36mapi |\x1b[0m x" if coloured else "api | x")
    assert plain.getvalue().count("x") - plain.getvalue().count("exit") == 200_000


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells a child")
def test_a_killed_supervisor_takes_its_children_with_it() -> None:
    code = (
        "import asyncio, sys\n"
        "from igny8.devstack.supervisor import Child, Supervisor\n"
        "async def main():\n"
        "    waits = 'import os, time; print(os.getpid()); time.sleep(60)'\n"
        "    async with Supervisor([Child('api', [sys.executable, '-c', waits])]) as running:\n"
        "        await running.wait()\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stderr is not None
        pid = int(supervisor.stderr.readline().removeprefix("api | "))
        supervisor.kill()
    deadline = time.monotonic() + 5
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lives(pid)
