"""The command `igny8`: every process and every task of an operator."""

import asyncio
import difflib
import gc
import sys
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import __version__
from igny8.db import Database, LoginRole
from igny8.errors import DomainError
from igny8.limits import PlanLimit
from igny8.login_roles import WrongLoginRole
from igny8.migration import MigrationRefused
from igny8.settings import DatabaseSettings, MigrationSettings, SecretsSettings, Settings, SettingsError, load

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
        except (SettingsError, MigrationRefused, WrongLoginRole, DomainError) as error:
            raise click.ClickException(str(error)) from None

    return run


@main.command()
@click.option("--host", help="Address to listen on (default: IGNY8_HOST or 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default: IGNY8_PORT or 8080).")
@told
def api(host: str | None, port: int | None) -> None:
    """Serve the GraphQL API."""
    import uvicorn

    from igny8.app import create_app
    from igny8.gql.socket import SOCKETS

    settings = _serving()
    app = create_app(settings)
    # The schema lives as long as the process: without it a full collection holds the loop for much shorter.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_config=None,
        access_log=False,
        server_header=False,
        **SOCKETS,
        timeout_graceful_shutdown=10,
    )


@main.command()
@click.option("--tasks", "module", hidden=True, help="A module whose TASKS are run instead of ours.")
@told
def worker(module: str | None) -> None:
    """Run jobs, until SIGTERM; then end what can be ended in time, and give back the rest."""
    import importlib

    from igny8 import worker as served

    tasks = served.TASKS if module is None else importlib.import_module(module).TASKS
    settings = _serving()
    _run(served.serve(settings, tasks))


@main.command()
@told
def dispatcher() -> None:
    """See to it that no job is lost or forgotten, until SIGTERM. Several may run."""
    from igny8 import dispatcher as served

    _run(served.serve(_serving()))


@main.command()
@click.option("--roles", is_flag=True, help="Also create or update the four login roles (needs CREATEROLE).")
@told
def migrate(roles: bool) -> None:
    """Bring the database to the present schema, and load the starter data."""
    from igny8 import migration, revision
    from igny8.auth import starter

    settings = load(MigrationSettings)
    if roles:
        migration.make_roles(settings)
        click.echo("The login roles are there.")
    steps = migration.migrate(settings)
    for step in steps:
        click.echo(f"Migrated: {step}")
    asyncio.run(starter.load_into(settings))
    click.echo(f"The database is at revision {revision.needed()}, and the starter data is there.")


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


@main.command()
@click.option("--port", type=int, help="Port of the API (default: IGNY8_PORT or 8080; 0: any free one).")
@click.option("--reset", is_flag=True, help="Delete the data of the embedded servers and start afresh.")
@told
def dev(port: int | None, reset: bool) -> None:
    """Serve the whole stack on this machine: nothing needs to be installed or configured."""
    from igny8.devstack import serve

    sys.exit(serve.serve(port=port, reset=reset))


@main.command()
@told
def demo() -> None:
    """Show the main job in a private stack that is thrown away."""
    from igny8.devstack import demo as shown

    sys.exit(shown.run())


@main.command()
@told
def doctor() -> None:
    """Look at books, jobs and secrets of every account, and say what is wrong; exit code 1 when anything is."""
    from igny8 import doctor as looking
    from igny8.secrets import Keyring

    keyring = Keyring(load(SecretsSettings).secrets_keys)

    async def look(db: Database) -> None:
        accounts, wrong = await looking.examine(db, keyring)
        for line in wrong:
            click.echo(line)
        if wrong:
            raise click.ClickException(f"{len(wrong)} things are wrong in {accounts} accounts.")
        click.echo(f"All is right with {accounts} accounts: books, jobs and secrets.")

    asyncio.run(_with_database(look))


@main.group()
def user() -> None:
    """Users of the system account."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", type=click.Choice(["developer", "system_bot"]), required=True)
@click.password_option(help="Asked for when it is not given; never give it where others read your shell's history.")
@told
def create_user(email: str, name: str, role: str, password: str) -> None:
    """Make a developer or a bot."""
    from igny8.access import Role
    from igny8.auth import operators

    async def create(db: Database) -> None:
        user_id = await operators.create(db, email=email, name=name, password=password, role=Role(role.upper()))
        click.echo(f"Made the {role} {email} (usr_{user_id.hex}).")

    asyncio.run(_with_database(create))


@main.group()
def secrets() -> None:
    """Keys, passwords and mails as they are stored: sealed."""


@secrets.command("rotate")
@told
def rotate_secrets() -> None:
    """Seal every secret anew with the first key of IGNY8_SECRETS_KEYS; the other keys may go then."""
    from igny8.secrets import Keyring
    from igny8.system import rotation

    keyring = Keyring(load(SecretsSettings).secrets_keys)

    async def rotate(db: Database) -> None:
        done = await rotation.rotate(db, keyring)
        click.echo(f"Sealed {done.resealed} anew with the key {keyring.sealing_key_id}.")
        if done.unreadable:
            raise click.ClickException("\n".join(["These cannot be opened and were left:", *done.unreadable]))

    asyncio.run(_with_database(rotate))


@main.group()
def plan() -> None:
    """Plans that accounts can be on."""


@plan.command("list")
@told
def list_plans() -> None:
    """All plans, those that are no longer offered included."""
    from igny8.billing import plans

    async def show(session: AsyncSession) -> None:
        for row in await plans.listed(session):
            marks = " (default)" * row.is_default + " (not offered)" * (not row.is_active)
            click.echo(f"{row.slug:<14} {row.price:>8} {row.currency}  {row.included_credits:>7} credits{marks}")

    asyncio.run(_as_system(show))


@plan.command("change")
@click.argument("slug")
@click.option("--name")
@click.option("--price", type=Decimal, help="A month, in the plan's currency.")
@click.option("--credits", "included_credits", type=int)
@click.option(
    "--limit", "limits", multiple=True, metavar="NAME=MAX", help="For example SITES=10, or SITES=unlimited."
)
@click.option("--active/--inactive", "is_active", default=None, help="Whether it is offered.")
@click.option("--default", "is_default", is_flag=True, default=None, help="Make it the plan of new accounts.")
@told
def change_plan(slug: str, limits: tuple[str, ...], **given: Any) -> None:
    """Change a plan; what is not given stays as it is."""
    from igny8.billing import plans
    from igny8.inputs import KEEP

    changed = {name: KEEP if value is None else value for name, value in given.items()}
    asyncio.run(_as_system(lambda session: plans.change(session, slug, limits=_limits(limits), **changed)))
    click.echo(f"Changed the plan {slug}.")


@plan.command("add")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--price", type=Decimal, required=True, help="A month, in USD.")
@click.option("--credits", "included_credits", type=int, required=True)
@click.option("--limit", "limits", multiple=True, metavar="NAME=MAX", help="What is not named is unlimited.")
@click.option("--feature", "features", multiple=True, help="A line for the price list.")
@told
def add_plan(limits: tuple[str, ...], features: tuple[str, ...], **given: Any) -> None:
    """Offer a new plan."""
    from igny8.auth.catalog import PlanTemplate
    from igny8.billing import plans

    unlimited: dict[PlanLimit, int | None] = dict.fromkeys(PlanLimit)
    template = PlanTemplate(
        **given,
        currency="USD",
        billing_cycle="MONTHLY",
        limits={**unlimited, PlanLimit.SECTORS_PER_SITE: 5, **_limits(limits)},
        features=features,
        is_default=False,
    )
    asyncio.run(_as_system(lambda session: plans.add(session, template)))
    click.echo(f"Added the plan {template.slug}.")


def _limits(given: tuple[str, ...]) -> dict[PlanLimit, int | None]:
    made: dict[PlanLimit, int | None] = {}
    for text in given:
        name, _, most = text.partition("=")
        if name not in PlanLimit.__members__ or not (most == "unlimited" or most.isdigit()):
            raise click.BadParameter(f"{text!r} is not NAME=MAX; names are {', '.join(PlanLimit)}.")
        made[PlanLimit(name)] = None if most == "unlimited" else int(most)
    return made


def _serving() -> Settings:
    """The settings of a serving process, whose log is set up and whose login roles are as they must be."""
    from igny8 import login_roles, logs

    settings = load(Settings)
    logs.configure(settings)
    login_roles.refuse_wrong(settings)
    return settings


def _run(serving: Coroutine[Any, Any, None]) -> None:
    import uvloop

    uvloop.run(serving)


async def _as_system(act: Callable[[AsyncSession], Awaitable[Any]]) -> None:
    """One transaction of the system role."""

    async def in_session(db: Database) -> None:
        async with db.session(LoginRole.SYSTEM) as session:
            await act(session)

    await _with_database(in_session)


async def _with_database(act: Callable[[Database], Awaitable[Any]]) -> None:
    db = Database(load(DatabaseSettings))
    await db.open()
    try:
        await act(db)
    finally:
        await db.close()
