"""The command `igny8`: every process and every task of an operator."""

import asyncio
import difflib
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from igny8 import __version__
from igny8.errors import DomainError
from igny8.migration import MigrationRefused
from igny8.settings import MigrationSettings, Settings, SettingsError, load

SCHEMA_FILE = Path("schema.graphql")

P = ParamSpec("P")
R = TypeVar("R")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="igny8")
def main() -> None:
    """IGNY8: a multi-tenant GraphQL API server for SEO work."""


def told(command: Callable[P, R]) -> Callable[P, R]:
    """Expected failures are one clear message and exit code 1, never a stack."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (SettingsError, MigrationRefused, DomainError) as error:
            raise click.ClickException(str(error)) from None

    return run


@main.command()
@click.option("--host", help="Address to listen on (default: IGNY8_HOST or 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default: IGNY8_PORT or 8080).")
@told
def api(host: str | None, port: int | None) -> None:
    """Serve the GraphQL API."""
    import uvicorn

    from igny8 import logs
    from igny8.app import create_app

    settings = load(Settings)
    logs.configure(settings)
    uvicorn.run(
        create_app(settings),
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


@main.command()
@click.option("--roles", is_flag=True, help="Also create or update the four login roles (needs CREATEROLE).")
@told
def migrate(roles: bool) -> None:
    """Bring the database to the present schema, and load the starter data."""
    from igny8 import migration
    from igny8.auth import starter

    settings = load(MigrationSettings)
    if roles:
        migration.make_roles(settings)
        click.echo("The login roles are there.")
    steps = migration.migrate(settings)
    for step in steps:
        click.echo(f"Migrated: {step}")
    asyncio.run(starter.load_into(settings))
    click.echo(f"The database is at revision {migration.head()}, and the starter data is there.")


@main.command()
@click.option("--write", is_flag=True, help=f"Write {SCHEMA_FILE} anew.")
@click.option("--check", is_flag=True, help=f"Fail when {SCHEMA_FILE} is not the schema of this code.")
def schema(write: bool, check: bool) -> None:
    """Print the GraphQL schema."""
    from igny8.schema import make_schema

    text = make_schema().as_str() + "\n"
    if write:
        SCHEMA_FILE.write_text(text)
    elif check:
        kept = SCHEMA_FILE.read_text() if SCHEMA_FILE.exists() else ""
        if kept != text:
            sys.stderr.writelines(
                difflib.unified_diff(kept.splitlines(True), text.splitlines(True), str(SCHEMA_FILE), "this code")
            )
            raise click.ClickException(f"{SCHEMA_FILE} is out of date: run `igny8 schema --write`.")
    else:
        click.echo(text, nl=False)


@main.group()
def user() -> None:
    """Users of the system account."""


@main.group()
def plan() -> None:
    """Plans that accounts can be on."""
