"""The supervisor: labelled lines, one way to stop, and a sentence for a child that ends."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence

import pytest

from igny8.devstack import supervisor
from igny8.devstack.supervisor import Child, PortTaken

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9/never"
WAITS = "import signal,sys,time; signal.signal(15, lambda *_: (print('{0} stops'), sys.exit(0))); print('{0} runs'); time.sleep(60)"


def _child(name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-c", code], dict(os.environ))


async def _run(children: Sequence[Child]) -> int:
    return await supervisor.run(children, ready_url=NOWHERE, banner="")


async def test_one_interrupt_stops_all_in_reverse_order(capfd: pytest.CaptureFixture[str]) -> None:
    running = asyncio.create_task(_run([_child("one", WAITS.format("one")), _child("two", WAITS.format("two"))]))
    said = ""
    while not ("one runs" in said and "two runs" in said):
        await asyncio.sleep(0.05)
        said += capfd.readouterr().err
    os.kill(os.getpid(), signal.SIGINT)
    assert await running == 0
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["two | two stops", "one | one stops"]


async def test_a_child_that_ends_is_told_and_stops_the_rest(capfd: pytest.CaptureFixture[str]) -> None:
    code = await _run(
        [_child("one", WAITS.format("one")), _child("bad", "print('my last words'); raise SystemExit(3)")]
    )
    said = capfd.readouterr().err
    assert code == 1
    assert "bad | my last words\n" in said
    assert "bad ended by itself with exit code 3; its last lines are above. Everything is stopped." in said


async def test_a_child_that_is_killed_is_told_by_the_signal(capfd: pytest.CaptureFixture[str]) -> None:
    code = await _run([_child("bad", "import os; os.kill(os.getpid(), 9)")])
    assert code == 1
    assert "bad was ended by SIGKILL" in capfd.readouterr().err


def test_a_port_in_use_is_told_with_the_remedy() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} is in use by another program: .* --port"):
            supervisor.refuse_taken_port("127.0.0.1", port)
