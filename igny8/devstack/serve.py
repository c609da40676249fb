"""`igny8 dev`: embedded servers, migrations, starter data, and every process of the product under one supervisor."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import click

from igny8.devstack.environment import Stack, stack
from igny8.devstack.faults import StackFault
from igny8.devstack.providers import Providers
from igny8.devstack.supervisor import Child, run_children, say

HOST = "127.0.0.1"


def serve(*, port: int | None, reset: bool, project: Path = Path()) -> int:
    """Run everything until Ctrl-C; the exit code. Data survives in the project's `.igny8` unless `reset`."""
    try:
        if reset:
            say("Deleting the data of the embedded servers.")
        say("Starting PostgreSQL and Redis ...")
        with stack(project, port=port, reset=reset) as running:
            say("Bringing the database up to date ...")
            variables = {**os.environ, **running.environment}
            if subprocess.run(igny8("migrate", "--roles"), env=variables, check=False).returncode != 0:  # noqa: S603  # ourselves
                return 1
            code = asyncio.run(_serve(running))
        say("Everything has stopped.")
        return code
    except StackFault as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        return 130


async def _serve(running: Stack) -> int:
    address = address_of(running)

    def announce() -> None:
        say(f"GraphQL and its explorer: {address}/graphql")
        say(f"Mails land in:            {running.environment['IGNY8_MAIL_FOLDER']}")
        say(f"AI providers:             {told(running.providers)}")
        say("Ready. Ctrl-C stops everything.")

    return await run_children(
        processes(running),
        servers=running.servers,
        ready=f"{address}/ready",
        announce=announce,
    )


def processes(running: Stack) -> list[Child]:
    """Every process of the product, and the sandbox servers that it calls."""
    environment = running.environment
    return [
        *running.providers.sandboxes,
        Child("api", igny8("api", "--host", HOST, "--port", str(running.port)), environment),
        Child("worker", igny8("worker"), environment),
        Child("dispatcher", igny8("dispatcher"), environment),
    ]


def address_of(running: Stack) -> str:
    return f"http://{HOST}:{running.port}"


def told(providers: Providers) -> str:
    """Which services are called, for whoever pays them."""
    sandboxes = [f"a sandbox for {child.name} (free, answers are made up)" for child in providers.sandboxes]
    return ", ".join([*sandboxes, *(f"the real {name}, which costs money" for name in providers.real)])


def igny8(*arguments: str) -> list[str]:
    """The command line of one of our own processes."""
    return [sys.executable, "-m", "igny8", *arguments]
