"""What a database must be like before its migrations can run, in the words of the operator who has to mend it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from igny8 import login_roles
from igny8.login_roles import quoted

OLDEST_SERVER: Final = 15


@dataclass(frozen=True, slots=True)
class Standing:
    """A login role as the server has it."""

    is_unbound: bool  # superuser, or exempt from row-level security
    is_owner: bool  # may act as the owner of the tables
    reaches_schema: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A server as `igny8 migrate` meets it; `roles` are those of the login roles that exist."""

    version: int
    owner: str
    database: str
    may_create_tables: bool
    roles: Mapping[str, Standing]


def look(connection: psycopg.Connection[Any], names: list[str]) -> Found:
    """Ask the server, as the role that will run the migrations."""
    version, owner, database, may_create = connection.execute(
        "SELECT current_setting('server_version_num')::int / 10000, current_user, current_database(),"
        " (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public')"
    ).fetchone() or (0, "", "", False)
    roles = connection.execute(
        "SELECT rolname, rolsuper OR rolbypassrls, pg_has_role(oid, current_user, 'MEMBER'),"
        " has_database_privilege(oid, current_database(), 'CONNECT') AND"
        " coalesce((SELECT has_schema_privilege(pg_roles.oid, n.oid, 'USAGE')"
        " FROM pg_namespace n WHERE nspname = 'public'), false)"
        " FROM pg_roles WHERE rolname = ANY (%s) ORDER BY rolname",
        (names,),
    ).fetchall()
    standings = {name: Standing(*said) for name, *said in roles}
    return Found(version, owner, database, bool(may_create), standings)


def unmet(found: Found, names: Mapping[str, str]) -> list[str]:
    """What has to be mended before migrations can run; `names` says which variable names which login role."""
    faults = []
    if found.version < OLDEST_SERVER:
        faults.append(f"PostgreSQL {found.version} is too old; {OLDEST_SERVER} or newer is needed.")
    if not found.may_create_tables:
        faults.append(
            f"{found.owner} may not create tables. A superuser runs: "
            f"ALTER DATABASE {quoted(found.database)} OWNER TO {quoted(found.owner)}; "
            f"GRANT CREATE, USAGE ON SCHEMA public TO {quoted(found.owner)};"
        )
    if len(set(names.values())) < len(names):
        faults.append(f"{', '.join(names)} must name different roles.")
    missing = [name for name in names.values() if name not in found.roles]
    if missing:
        statements = "".join(f"\n    {login_roles.creation(name)}" for name in missing)
        faults.append(f"Roles are missing. Run `igny8 migrate --roles`, or let a superuser run:{statements}")
    for name, standing in found.roles.items():
        faults += _misfits(found, name, standing)
    return faults


def _misfits(found: Found, name: str, standing: Standing) -> Iterator[str]:
    if standing.is_unbound:
        yield login_roles.unbound(name)
    elif standing.is_owner:
        yield f"{name} owns the tables, or may act as {found.owner} who does. Name another role."
    if not standing.reaches_schema:
        yield (
            f"{name} does not reach the tables. {found.owner} runs: "
            f"GRANT CONNECT ON DATABASE {quoted(found.database)} TO {quoted(name)}; "
            f"GRANT USAGE ON SCHEMA public TO {quoted(name)};"
        )
