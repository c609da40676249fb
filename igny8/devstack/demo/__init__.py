"""`igny8 demo`: from a keyword export to finished articles over HTTP, in a private stack that is thrown away."""

import asyncio
import os
import subprocess
import time
from io import StringIO
from pathlib import Path

from rich.console import Console

from igny8.devstack.client import Client
from igny8.devstack.demo import people, pipeline
from igny8.devstack.environment import Stack, private_stack
from igny8.devstack.serve import address_of, igny8, processes, told
from igny8.devstack.supervisor import Supervisor

#: Where the finished articles are left, below the working directory.
FOLDER = Path(".igny8", "demo")


def run() -> int:
    """Show everything; the exit code. What happens is printed as it happens."""
    console = Console(highlight=False, width=max(100, min(140, Console().width)))
    begun = time.monotonic()
    # What the caller has configured is another installation: the demo must not touch it.
    foreign = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("IGNY8_")}
    try:
        console.print("Starting a private stack (PostgreSQL, Redis, API, worker, dispatcher, AI providers) ...")
        with private_stack() as stack:
            variables = {**os.environ, **stack.environment}
            subprocess.run(igny8("migrate", "--roles"), env=variables, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # ourselves
            code = asyncio.run(_run_in(stack, console, begun))
    finally:
        os.environ.update(foreign)
    if code == 0:
        console.print(f"\nDone in {time.monotonic() - begun:.0f} s; the private stack is gone.")
    return code


async def _run_in(stack: Stack, console: Console, begun: float) -> int:
    """Show everything while the processes of the stack run; their output is shown when something goes wrong."""
    output = StringIO()
    client, mails = Client(address_of(stack)), Path(stack.environment["IGNY8_MAIL_FOLDER"])
    async with Supervisor(processes(stack), servers=stack.servers, screen=output) as supervisor:
        ended = asyncio.create_task(supervisor.wait())
        if await supervisor.ready(f"{client.address}/ready"):
            console.print(f"It answers at {client.address}/graphql after {time.monotonic() - begun:.1f} s.")
            console.print(f"It calls {told(stack.providers)}.\n")
            showing = asyncio.create_task(asyncio.to_thread(_show, console, client, mails))
            await asyncio.wait([showing, ended], return_when=asyncio.FIRST_COMPLETED)
            if showing.done():
                ended.cancel()
                await showing
                return 0
        console.print(output.getvalue()[-3000:], style="red", markup=False)
        return await ended or 130


def _show(console: Console, client: Client, mails: Path) -> None:
    owner = people.sign_up(console, client)
    pipeline.show(console, owner, FOLDER)
    people.show_walls(console, client, owner, mails)
