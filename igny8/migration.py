"""Brings a database to the present schema: roles, privileges, migrations. What `igny8 migrate` does.

Works as the role that owns the database, which is no superuser; making the login roles needs CREATEROLE.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine

from igny8.settings import DatabaseSettings, MigrationSettings
from igny8.tenancy import RoleNames

OLDEST_SERVER: Final = 15

#: Part of the meaning of every answer (times are UTC) and of its safety (nothing runs or waits for ever).
ROLE_SETTINGS: Final = {
    "timezone": "UTC",
    "jit": "off",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "15s",
}


class MigrationRefused(Exception):
    """What the database lacks; a line each, with the statement that mends it."""

    def __init__(self, faults: list[str]) -> None:
        said = ["The database is not ready for `igny8 migrate`:", *(f"  {fault}" for fault in faults)]
        super().__init__("\n".join(said))
        self.faults = faults


def make_roles(settings: MigrationSettings) -> None:
    """Create or update the four login roles. Raises MigrationRefused when the owner may not."""
    with _owner(settings) as connection:
        mine = connection.execute(
            "SELECT rolname, rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        owner, may = mine or ("the owner", False)
        if not may:
            raise MigrationRefused(
                [f'{owner} may not make roles. A superuser runs: ALTER ROLE "{owner}" CREATEROLE;']
            )
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        for url in _role_urls(settings):
            name, password = _login(url)
            verb = sql.SQL("ALTER") if name in known else sql.SQL("CREATE")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(name), sql.Literal(password))
            )
            for setting, value in ROLE_SETTINGS.items():
                connection.execute(
                    sql.SQL("ALTER ROLE {} SET {} TO {}").format(
                        sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
                    )
                )


def migrate(settings: MigrationSettings) -> list[str]:
    """Run the missing migrations; their names in order. Raises MigrationRefused before anything is changed."""
    refuse_unready(settings)
    with _configured(settings) as (config, connection):
        before = MigrationContext.configure(connection).get_current_revision()
        connection.commit()
        command.upgrade(config, "head")
        script = ScriptDirectory.from_config(config)
        return [step.doc for step in script.iterate_revisions("head", before or "base")][::-1]


def refuse_unready(settings: MigrationSettings) -> None:
    """Raise MigrationRefused with all that is missing: version, privileges, roles."""
    with _owner(settings) as connection:
        version, owner, database, may_create = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_user, current_database(),"
            " has_schema_privilege('public', 'CREATE')"
        ).fetchone() or (0, "", "", False)
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    faults = []
    if version < OLDEST_SERVER:
        faults.append(f"PostgreSQL {version} is too old; {OLDEST_SERVER} or newer is needed.")
    if not may_create:
        faults.append(
            f'{owner} may not create tables. A superuser runs: ALTER DATABASE "{database}" OWNER TO "{owner}";'
        )
    missing = [name for url in _role_urls(settings) if (name := _login(url)[0]) not in known]
    if missing:
        statements = " ".join(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '...';" for name in missing)
        faults.append(f"Roles are missing. Run `igny8 migrate --roles`, or let a superuser run: {statements}")
    if faults:
        raise MigrationRefused(faults)


def head() -> str:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def drift(settings: MigrationSettings) -> list[Any]:
    """What the declared rows and the migrated database disagree on; empty when all is well."""
    from alembic.autogenerate import compare_metadata

    from igny8.tables import metadata

    with _configured(settings) as (_, connection):
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
        return found


def _config() -> Config:
    packaged = Path(__file__).parent / "migrations"
    folder = packaged if packaged.is_dir() else Path(__file__).parent.parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _configured(settings: MigrationSettings) -> Iterator[tuple[Config, Connection]]:
    config = _config()
    url = settings.database_owner_url.get_secret_value()
    engine = create_engine("postgresql+psycopg" + url[url.index(":") :])
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            config.attributes["roles"] = RoleNames.of(settings)
            yield config, connection
    finally:
        engine.dispose()


def _owner(settings: MigrationSettings) -> psycopg.Connection[Any]:
    return psycopg.connect(settings.database_owner_url.get_secret_value(), autocommit=True, connect_timeout=5)


def _role_urls(settings: DatabaseSettings) -> list[SecretStr]:
    return [
        settings.database_app_url,
        settings.database_member_url,
        settings.database_signin_url,
        settings.database_system_url,
    ]


def _login(url: SecretStr) -> tuple[str, str | None]:
    parts = urlsplit(url.get_secret_value())
    return unquote(parts.username or ""), unquote(parts.password) if parts.password else None
