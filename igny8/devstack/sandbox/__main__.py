"""`python -m igny8.devstack.sandbox openai|runware|wordpress --port N`: one sandbox server on loopback."""

from collections.abc import Callable
from pathlib import Path

import click
import uvicorn
from starlette.applications import Starlette

from igny8.devstack.sandbox.calls import CallLog
from igny8.devstack.sandbox.openai import openai_app
from igny8.devstack.sandbox.runware import runware_app
from igny8.devstack.sandbox.wordpress.app import wordpress_app

APPS: dict[str, Callable[[CallLog], Starlette]] = {
    "openai": openai_app,
    "runware": runware_app,
    "wordpress": lambda _: wordpress_app(),
}


@click.command()
@click.argument("protocol", type=click.Choice(sorted(APPS)))
@click.option("--port", type=click.IntRange(0, 65535), required=True)
@click.option(
    "--log",
    type=click.Path(path_type=Path),
    help="Append each call of an AI provider to this file, one JSON object a line.",
)
def main(protocol: str, port: int, log: Path | None) -> None:
    """Serve the protocol of a provider or of WordPress on 127.0.0.1, with answers that are made up."""
    uvicorn.run(APPS[protocol](CallLog(log)), host="127.0.0.1", port=port, log_level="critical", access_log=False)


main()
