"""Brings a database to the present schema: roles, privileges, migrations. What `igny8 migrate` does.

Works as the role that owns the database, which is no superuser; making the login roles needs CREATEROLE.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import ProgrammingError

from igny8 import login_roles, preconditions
from igny8.login_roles import quoted
from igny8.revision import migrations
from igny8.settings import DatabaseSettings, MigrationSettings
from igny8.tenancy import RoleNames


class MigrationRefused(Exception):
    """What the database lacks; a line each, with the statement that mends it."""

    def __init__(self, faults: list[str]) -> None:
        said = ["The database is not ready for `igny8 migrate`:", *(f"  {fault}" for fault in faults)]
        super().__init__("\n".join(said))
        self.faults = faults


def make_roles(settings: MigrationSettings) -> None:
    """Create or update the four login roles. Raises MigrationRefused when the owner may not."""
    urls = _role_urls(settings)
    with _owner(settings) as connection:
        owner, may_make_roles = connection.execute(
            "SELECT rolname, rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() or ("", False)
        if not may_make_roles:
            raise MigrationRefused(
                [f"{owner} may not make roles. A superuser runs: ALTER ROLE {quoted(owner)} CREATEROLE;"]
            )
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        with connection.transaction():
            for name, password in urls.values():
                try:
                    _make_role(connection, name, password, verb="ALTER" if name in known else "CREATE")
                except psycopg.errors.InsufficientPrivilege:
                    raise MigrationRefused(
                        [f"{owner} may not alter the role {name}, which somebody else made; leave out --roles."]
                    ) from None


def _make_role(connection: psycopg.Connection[Any], name: str, password: str | None, *, verb: str) -> None:
    role = sql.Identifier(name)
    connection.execute(sql.SQL("{} ROLE {} LOGIN").format(sql.SQL(verb), role))
    if password is not None:
        # Hashed here, so that no server log holds it.
        hashed = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(hashed)))
    for setting, value in login_roles.SETTINGS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} TO {}").format(role, sql.Identifier(setting), sql.Literal(value))
        )


def migrate(settings: MigrationSettings) -> list[str]:
    """Run the missing migrations; their names in order. Raises MigrationRefused before anything is changed.

    Two at once wait for each other, and the second one finds nothing to do.
    """
    refuse_unready(settings)
    with _one_at_a_time(settings), configured(settings) as (config, connection):
        try:
            before = MigrationContext.configure(connection).get_current_revision()
            connection.commit()
            command.upgrade(config, "head")
        except ProgrammingError as error:
            if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise
            lacks = error.orig.diag.message_primary
            raise MigrationRefused([f"The owner lacks a privilege: {lacks}."]) from None
        script = ScriptDirectory.from_config(config)
        return [step.doc for step in script.iterate_revisions("head", before or "base")][::-1]


def refuse_unready(settings: MigrationSettings) -> None:
    """Raise MigrationRefused with all that is missing: version, privileges, roles and their settings."""
    urls = _role_urls(settings)
    with _owner(settings) as connection:
        found = preconditions.look(connection, [name for name, _ in urls.values()])
    faults = preconditions.unmet(found, {variable: name for variable, (name, _) in urls.items()})
    if not faults:
        faults = _faults_as_login_roles(settings)
    if faults:
        raise MigrationRefused(faults)


def _faults_as_login_roles(settings: MigrationSettings) -> list[str]:
    """What only shows when the login roles themselves connect: passwords and settings."""
    faults: list[str] = []
    for variable in _role_urls(settings):
        try:
            with _connection(settings, variable) as connection:
                faults += login_roles.faults(connection.execute(login_roles.QUESTION).fetchone())
        except MigrationRefused as refused:
            faults += refused.faults
    return faults


def drift(settings: MigrationSettings) -> list[Any]:
    """What the declared rows and the migrated database disagree on; empty when all is well."""
    from alembic.autogenerate import compare_metadata

    from igny8.tables import metadata

    with configured(settings) as (_, connection):
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
        return found


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations()))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def configured(settings: MigrationSettings) -> Iterator[tuple[Config, Connection]]:
    """Alembic's configuration, and the owner's connection that its commands run on."""
    config = _config()
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: _connection(settings, _OWNER, autocommit=False), poolclass=NullPool
    )
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        config.attributes["roles"] = RoleNames.of(settings)
        yield config, connection


@contextmanager
def _one_at_a_time(settings: MigrationSettings) -> Iterator[None]:
    with _owner(settings) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('igny8 migrate'))")
        yield


_OWNER: Final = "IGNY8_DATABASE_OWNER_URL"


def _owner(settings: MigrationSettings) -> psycopg.Connection[Any]:
    return _connection(settings, _OWNER)


def _connection(settings: MigrationSettings, variable: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """A connection to the address in this variable. Raises MigrationRefused, which never tells the password."""
    url: SecretStr = getattr(settings, variable.removeprefix("IGNY8_").lower())
    address = urlsplit(url.get_secret_value())
    try:
        return psycopg.connect(url.get_secret_value(), autocommit=autocommit, connect_timeout=5)
    except psycopg.Error as error:
        said = str(error).replace(unquote(address.password or "\0"), "***")
        reason = said.strip().splitlines()[-1].rpartition("failed: ")[2].removeprefix("FATAL:").strip()
        raise MigrationRefused(
            [f"No connection as {unquote(address.username or '')} ({variable}): {reason}."]
        ) from None


def _role_urls(settings: DatabaseSettings) -> dict[str, tuple[str, str | None]]:
    """The login role and password that each variable names."""
    return {
        "IGNY8_DATABASE_APP_URL": _login(settings.database_app_url),
        "IGNY8_DATABASE_MEMBER_URL": _login(settings.database_member_url),
        "IGNY8_DATABASE_SIGNIN_URL": _login(settings.database_signin_url),
        "IGNY8_DATABASE_SYSTEM_URL": _login(settings.database_system_url),
    }


def _login(url: SecretStr) -> tuple[str, str | None]:
    parts = urlsplit(url.get_secret_value())
    return unquote(parts.username or ""), unquote(parts.password) if parts.password else None
