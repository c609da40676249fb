"""The login role of editors and viewers: granted sites, their own sessions and grants, and no way up."""

from collections.abc import Iterator

import pytest
from psycopg.errors import InsufficientPrivilege

from igny8.access import Role
from tests.database.catalog import Sql
from tests.database.conftest import Walled, enter
from tests.database.furnishing import furnish
from tests.support.world import Tenant, World


@pytest.fixture
def house(world: World) -> Tenant:
    """An account with all kinds of rows; its editor and viewer are granted site `a`, not `b`."""
    tenant = world.tenant()
    furnish(world.sql, tenant.id)
    return tenant


@pytest.fixture
def sql(embedded: Walled, house: Tenant) -> Iterator[Sql]:
    """The editor's transaction."""
    with embedded.connect("member") as connection:
        assert enter(connection, house[Role.EDITOR]) == [("EDITOR", "ACTIVE", True)]
        yield connection
        connection.rollback()


def test_only_granted_sites_and_what_is_in_them_are_seen(sql: Sql, house: Tenant) -> None:
    assert sql.execute("SELECT id FROM site").fetchall() == [(house.sites["a"],)]
    assert sql.execute("SELECT id FROM sector").fetchall() == [(house.sectors["a"],)]


def test_no_table_shows_a_row_of_a_site_that_is_not_granted(sql: Sql, house: Tenant, world: World) -> None:
    everywhere = sql.execute(
        "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'site_id'"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND has_column_privilege(attrelid, attnum, 'SELECT')"
    ).fetchall()
    assert ("sector",) in everywhere
    for (table,) in everywhere:
        shown = sql.execute(f"SELECT count(*) FROM {table} WHERE site_id <> %s", [house.sites["a"]]).fetchone()
        assert (table, shown) == (table, (0,))


def test_no_grant_shows_no_site(embedded: Walled, house: Tenant, world: World) -> None:
    stranger = world.person(house, Role.VIEWER)
    with embedded.connect("member") as sql:
        assert enter(sql, stranger) == [("VIEWER", "ACTIVE", True)]
        assert sql.execute("SELECT count(*) FROM site").fetchone() == (0,)


def test_only_their_own_sessions_and_grants_are_seen(sql: Sql, house: Tenant) -> None:
    editor = house[Role.EDITOR]
    assert sql.execute("SELECT id FROM session").fetchall() == [(editor.session_id,)]
    assert sql.execute("SELECT user_id, site_id FROM site_user_access").fetchall() == [(editor.id, house.sites["a"])]


@pytest.mark.parametrize(
    "secret",
    [
        "SELECT wp_app_password FROM site",
        "SELECT password_hash FROM credential",
        "SELECT digest FROM refresh_token",
        "SELECT body FROM mail",
        "SELECT amount FROM credit_entry",
        "SELECT cost_usd FROM credit_usage",
        "SELECT details FROM change",
    ],
)
def test_secrets_and_money_cannot_be_read(sql: Sql, secret: str) -> None:
    with pytest.raises(InsufficientPrivilege, match="permission denied"):
        sql.execute(secret)


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE app_user SET role = 'OWNER'",
        "UPDATE app_user SET status = 'ACTIVE'",
        "UPDATE app_user SET account_id = account_id",
        "INSERT INTO site_user_access (account_id, id, site_id, user_id)"
        " SELECT account_id, gen_random_uuid(), id, gen_random_uuid() FROM site",
        "DELETE FROM site_user_access",
        "UPDATE session SET expires_at = now() + interval '1 year'",
        "UPDATE session SET user_id = user_id",
        "UPDATE site SET name = 'Taken'",
        "INSERT INTO sector (account_id, site_id, id, name, slug)"
        " SELECT account_id, id, gen_random_uuid(), 'New', 'new' FROM site",
        "DELETE FROM app_user",
        "UPDATE subscription SET status = 'ACTIVE'",
        "UPDATE account SET status = 'ACTIVE'",
    ],
)
def test_nobody_raises_themselves_or_touches_what_is_for_admins(sql: Sql, attempt: str) -> None:
    with pytest.raises(InsufficientPrivilege, match="permission denied"):
        sql.execute(attempt)


def test_a_profile_is_changed_by_its_own_user_alone(sql: Sql, house: Tenant) -> None:
    own = sql.execute("UPDATE app_user SET name = 'Me' WHERE id = %s", [house[Role.EDITOR].id])
    assert own.rowcount == 1
    with pytest.raises(InsufficientPrivilege, match="row-level security"):
        sql.execute("UPDATE app_user SET name = 'Not me' WHERE id = %s", [house[Role.VIEWER].id])


def test_a_password_is_set_by_its_own_user_alone(sql: Sql, house: Tenant) -> None:
    new = "INSERT INTO credential (account_id, user_id, password_hash) VALUES (%s, %s, 'hash')"
    with pytest.raises(InsufficientPrivilege, match="row-level security"), sql.transaction():
        sql.execute(new, [house.id, house[Role.VIEWER].id])
    assert sql.execute("UPDATE credential SET password_hash = 'mine'").rowcount <= 1


def test_another_users_session_is_not_ended(sql: Sql, house: Tenant) -> None:
    ended = sql.execute("UPDATE session SET revoked_at = now() WHERE id = %s", [house[Role.VIEWER].session_id])
    assert ended.rowcount == 0


def test_changes_are_logged_for_granted_sites_alone(sql: Sql, house: Tenant) -> None:
    log = (
        "INSERT INTO change (account_id, id, scope_id, site_id, cursor, kind, node_type, node_ids, request_id)"
        " VALUES (%s, gen_random_uuid(), %s, %s, 1, 'UPDATED', 'Site', '{}', 'r')"
    )
    sql.execute(log, [house.id, house.sites["a"], house.sites["a"]])
    with pytest.raises(InsufficientPrivilege, match="row-level security"):
        sql.execute(log, [house.id, house.sites["b"], house.sites["b"]])
