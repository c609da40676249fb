"""`igny8 dev`: embedded servers, migrations, starter data, and every process of the product under one supervisor."""

import asyncio
import subprocess
import sys
from pathlib import Path

import click

from igny8.devstack import environment, supervisor
from igny8.devstack.embedded import EmbeddedFailed
from igny8.devstack.supervisor import Child, PortTaken, say

HOST = "127.0.0.1"


def serve(*, port: int, reset: bool, project: Path = environment.FOLDER) -> int:
    """Run everything until Ctrl-C; the exit code. Data survives below `project` unless `reset`."""
    try:
        supervisor.refuse_taken_port(HOST, port)
        if reset:
            say("Deleting the data of the embedded servers.")
        say("Starting PostgreSQL and Redis ...")
        with environment.stack(project, port=port, reset=reset) as variables:
            say("Bringing the database up to date ...")
            if subprocess.run(igny8("migrate", "--roles"), env=variables, check=False).returncode != 0:  # noqa: S603  # ourselves
                return 1
            children = [Child("api", igny8("api", "--host", HOST, "--port", str(port)), variables)]
            address = f"http://{HOST}:{port}"
            banner = (
                f"GraphQL and its explorer: {address}/graphql\n"
                f"Mails land in:            {variables['IGNY8_MAIL_FOLDER']}"
            )
            code = asyncio.run(supervisor.run(children, ready_url=f"{address}/ready", banner=banner))
        say("Everything has stopped.")
        return code
    except (EmbeddedFailed, PortTaken) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        return 130


def igny8(*arguments: str) -> list[str]:
    """The command line of one of our own processes."""
    return [sys.executable, "-m", "igny8", *arguments]
