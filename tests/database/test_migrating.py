"""`igny8 migrate` on an operator's own server, as a role that is no superuser; what it misses it says in SQL."""

import threading
from dataclasses import replace

import psycopg
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from igny8 import migration, preconditions, revision
from igny8.cli import main
from igny8.migration import MigrationRefused
from igny8.preconditions import Found, Standing
from igny8.settings import MigrationSettings
from tests.database.bare import LOGIN_ROLES, Bare


def _refused(settings: MigrationSettings) -> str:
    """What `migrate` says before it changes anything."""
    with pytest.raises(MigrationRefused) as refused:
        migration.migrate(settings)
    return str(refused.value)


@pytest.fixture
def ready(bare: Bare) -> Bare:
    """With a database owner who may make roles, and roles."""
    bare.server.execute(f"ALTER DATABASE {bare.name} OWNER TO {bare.name}_owner")
    bare.server.execute(f"ALTER ROLE {bare.name}_owner CREATEROLE")
    migration.make_roles(bare.settings())
    return bare


def test_the_command_makes_roles_tables_and_starter_data_and_may_run_again(bare: Bare) -> None:
    bare.server.execute(f"ALTER DATABASE {bare.name} OWNER TO {bare.name}_owner")
    bare.server.execute(f"ALTER ROLE {bare.name}_owner CREATEROLE")
    first, again = (CliRunner().invoke(main, ["migrate", "--roles"], env=bare.environment()) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    last = f"The database is at revision {revision.needed()}, and the starter data is there."
    assert first.output.splitlines()[0] == "The login roles are there."
    assert "Migrated: Accounts, people, sites, sectors, plans, the wallet, and the log of changes." in first.output
    assert first.output.splitlines()[-1] == last
    assert again.output.splitlines() == ["The login roles are there.", last]
    with psycopg.connect(bare.url(f"{bare.name}_app").get_secret_value()) as sql:
        assert sql.execute("SELECT version_num FROM alembic_version").fetchone() == (revision.needed(),)
        assert sql.execute("SELECT count(*) >= 12 FROM industry").fetchone() == (True,)


def test_what_was_migrated_is_as_the_rows_declare(ready: Bare) -> None:
    assert migration.migrate(ready.settings()) != []
    assert migration.migrate(ready.settings()) == []
    assert migration.drift(ready.settings()) == []


def test_two_at_once_wait_for_each_other(ready: Bare) -> None:
    done: list[list[str]] = []
    both = [threading.Thread(target=lambda: done.append(migration.migrate(ready.settings()))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert [bool(steps) for steps in sorted(done, key=len)] == [False, True]


def test_all_that_is_missing_is_said_at_once_and_the_printed_sql_mends_it(bare: Bare) -> None:
    said = _refused(bare.settings())
    assert f"{bare.name}_owner may not create tables." in said
    assert "Roles are missing. Run `igny8 migrate --roles`, or let a superuser run:" in said
    assert [f'CREATE ROLE "{bare.name}_{role}"' in said for role in LOGIN_ROLES] == [True] * 4
    assert bare.tables() == set()
    bare.obey(said)
    assert migration.migrate(bare.settings()) != []
    assert migration.drift(bare.settings()) == []


def test_an_owner_who_may_not_make_roles_is_told_the_way(bare: Bare) -> None:
    bare.server.execute(f"ALTER DATABASE {bare.name} OWNER TO {bare.name}_owner")
    with pytest.raises(MigrationRefused) as refused:
        migration.make_roles(bare.settings())
    assert refused.value.faults == [
        f'{bare.name}_owner may not make roles. A superuser runs: ALTER ROLE "{bare.name}_owner" CREATEROLE;'
    ]
    bare.obey(str(refused.value))
    migration.make_roles(bare.settings())
    migration.refuse_unready(bare.settings())


def test_a_role_of_somebody_else_is_left_alone(bare: Bare) -> None:
    bare.server.execute(f"ALTER ROLE {bare.name}_owner CREATEROLE")
    bare.server.execute(f"CREATE ROLE {bare.name}_app SUPERUSER LOGIN PASSWORD 'theirs'")
    with pytest.raises(MigrationRefused, match=f"may not alter the role {bare.name}_app, which somebody else made"):
        migration.make_roles(bare.settings())
    made = bare.server.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [f"{bare.name}_system"]).fetchone()
    assert made == (0,)


def test_roles_without_their_settings_are_refused_until_they_have_them(ready: Bare) -> None:
    for role in ("app", "system"):
        ready.server.execute(f"ALTER ROLE {ready.name}_{role} RESET ALL")
    said = _refused(ready.settings())
    assert f"{ready.name}_app lacks settings." in said
    assert f"ALTER ROLE \"{ready.name}_system\" SET statement_timeout TO '5s';" in said
    assert f"{ready.name}_member lacks" not in said
    assert ready.tables() == set()
    ready.obey(said)
    migration.refuse_unready(ready.settings())


@pytest.mark.parametrize("right", ["SUPERUSER", "BYPASSRLS"])
def test_a_login_role_that_policies_do_not_bind_is_refused(ready: Bare, right: str) -> None:
    ready.server.execute(f"ALTER ROLE {ready.name}_member {right}")
    said = _refused(ready.settings())
    assert f"{ready.name}_member is not bound by row-level security." in said
    ready.obey(said)
    migration.refuse_unready(ready.settings())


def test_the_owner_does_not_serve(ready: Bare) -> None:
    said = _refused(ready.settings(database_app_url=ready.url(f"{ready.name}_owner")))
    assert f"{ready.name}_owner owns the tables" in said


def test_a_member_of_the_owner_does_not_serve(bare: Bare) -> None:
    bare.obey(_refused(bare.settings()))
    bare.server.execute(f"GRANT {bare.name}_owner TO {bare.name}_app")
    assert f"{bare.name}_app owns the tables, or may act as {bare.name}_owner who does." in _refused(bare.settings())


def test_one_role_does_not_serve_twice(ready: Bare) -> None:
    said = _refused(ready.settings(database_member_url=ready.url(f"{ready.name}_app")))
    assert "IGNY8_DATABASE_SYSTEM_URL must name different roles." in said


@pytest.mark.parametrize("closed", ["REVOKE USAGE ON SCHEMA public", "REVOKE CONNECT ON DATABASE {}"])
def test_a_role_that_does_not_reach_the_tables_is_told_the_way(ready: Bare, closed: str) -> None:
    with psycopg.connect(ready.url(f"{ready.name}_owner").get_secret_value(), autocommit=True) as sql:
        sql.execute(closed.format(ready.name) + " FROM PUBLIC")
    said = _refused(ready.settings())
    assert f"{ready.name}_app does not reach the tables." in said
    ready.obey(said)
    migration.refuse_unready(ready.settings())


def test_tables_of_another_owner_are_told_in_one_sentence(ready: Bare) -> None:
    migration.migrate(ready.settings())
    ready.server.execute(f"CREATE ROLE {ready.name}_second LOGIN PASSWORD 'test'")
    ready.obey(f"GRANT CREATE ON SCHEMA public TO {ready.name}_second;")
    said = _refused(ready.settings(database_owner_url=ready.url(f"{ready.name}_second")))
    assert "permission denied for table alembic_version" in said


def test_too_old_a_server_is_refused() -> None:
    roles = dict.fromkeys("abcd", Standing(is_unbound=False, is_owner=False, reaches_schema=True))
    found = Found(14, "owner", "db", may_create_tables=True, roles=roles)
    names = {f"URL_{role}": role for role in roles}
    assert preconditions.unmet(found, names) == ["PostgreSQL 14 is too old; 15 or newer is needed."]
    assert preconditions.unmet(replace(found, version=15), names) == []


def test_an_unknown_database_is_one_sentence(bare: Bare) -> None:
    said = _refused(bare.settings(database_owner_url=bare.url(f"{bare.name}_owner", database="nowhere")))
    assert said.splitlines()[1:] == [
        f'  No connection as {bare.name}_owner (IGNY8_DATABASE_OWNER_URL): database "nowhere" does not exist.'
    ]


@pytest.mark.parametrize(
    "address", ["postgresql://o:s%20ecret@127.0.0.1:1/d", "postgresql://o:s%20ecret@/d?host=/nowhere"]
)
def test_a_server_that_is_away_is_one_sentence_without_the_password(bare: Bare, address: str) -> None:
    said = _refused(bare.settings(database_owner_url=SecretStr(address)))
    (line,) = said.splitlines()[1:]
    assert line.startswith("  No connection as o (IGNY8_DATABASE_OWNER_URL): ")
    assert line.endswith(".")
    assert "s ecret" not in said
    assert "ecret" not in said


def test_an_address_that_cannot_be_is_one_sentence(bare: Bare) -> None:
    said = _refused(bare.settings(database_owner_url=SecretStr("postgresql://o:secret@h/d?nonsense=1")))
    assert said.splitlines()[1:] == [
        '  No connection as o (IGNY8_DATABASE_OWNER_URL): invalid URI query parameter: "nonsense".'
    ]


@pytest.mark.postgres15
@pytest.mark.parametrize("walled", ["postgres15"], indirect=True)
def test_a_wrong_password_is_one_sentence_that_names_the_variable(ready: Bare) -> None:
    wrong = ready.url(f"{ready.name}_app", password="no")
    said = _refused(ready.settings(database_app_url=wrong))
    assert said.splitlines()[1:] == [
        f"  No connection as {ready.name}_app (IGNY8_DATABASE_APP_URL):"
        f' password authentication failed for user "{ready.name}_app".'
    ]
