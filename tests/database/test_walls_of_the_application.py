"""The application's login role against every tenant table: of another account nothing is seen or changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql as q
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege

from igny8.access import Role
from tests.database.catalog import ROLES, Sql, account_column, tenant_tables
from tests.database.conftest import Walled, enter
from tests.database.furnishing import Row, furnish, insertion, references
from tests.support.world import Tenant, World


@dataclass
class Siege:
    """Two furnished accounts, and a transaction of a login role."""

    own: Tenant
    other: Tenant
    own_rows: dict[str, Row]
    other_rows: dict[str, Row]
    sql: Sql

    def count(self, table: str, where: str, *values: Any) -> int:
        query = q.SQL("SELECT count(*) FROM {} WHERE ").format(q.Identifier(table)) + q.SQL(where)  # type: ignore[arg-type]  # our own words
        return int(self.sql.execute(query, values).fetchone()[0])  # type: ignore[index]  # count(*) has a row

    def may(self, kind: str) -> list[str]:
        """The tenant tables that the login role has this privilege on, in part at least."""
        return [table for table in tenant_tables(self.sql) if self._has(table, kind)]

    def _has(self, table: str, kind: str) -> bool:
        asks = "has_table_privilege" if kind == "DELETE" else "has_any_column_privilege"
        return bool(self.sql.execute(f"SELECT {asks}(%s, %s)", [table, kind]).fetchone()[0])  # type: ignore[index]


@pytest.fixture
def siege(embedded: Walled, world: World) -> Iterator[Siege]:
    own, other = world.tenant(), world.tenant()
    rows = furnish(world.sql, own.id), furnish(world.sql, other.id)
    with embedded.connect("app") as sql:
        yield Siege(own, other, *rows, sql)
        sql.rollback()


def test_every_tenant_table_has_rows_of_both_accounts(siege: Siege) -> None:
    assert set(siege.own_rows) == set(siege.other_rows) == set(tenant_tables(siege.sql))


@pytest.mark.parametrize("role", ["app", "member"])
def test_without_entering_nothing_is_visible(embedded: Walled, siege: Siege, role: str) -> None:
    with embedded.connect(role) as siege.sql:
        assert {table: siege.count(table, "true") for table in siege.may("SELECT")} == dict.fromkeys(
            siege.may("SELECT"), 0
        )


def test_an_account_sees_its_own_rows_alone(siege: Siege, superuser: psycopg.Connection[Any]) -> None:
    enter(siege.sql, siege.own[Role.OWNER])
    for table in siege.may("SELECT"):
        account = account_column(table)
        there = superuser.execute(
            q.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(q.Identifier(table), q.Identifier(account)),
            [siege.own.id],
        ).fetchone()
        assert (table, siege.count(table, "true")) == (table, there[0])  # type: ignore[index]
        assert siege.count(table, f"{account} = %s", siege.other.id) == 0


def test_no_row_of_another_account_is_changed_or_deleted(siege: Siege) -> None:
    enter(siege.sql, siege.own[Role.OWNER])
    for table in siege.may("DELETE"):
        gone = siege.sql.execute(
            q.SQL("DELETE FROM {} WHERE {} = %s").format(q.Identifier(table), q.Identifier(account_column(table))),
            [siege.other.id],
        )
        assert (table, gone.rowcount) == (table, 0)
    for table, column in _writable(siege.sql):
        changed = siege.sql.execute(
            q.SQL("UPDATE {0} SET {1} = {1}").format(q.Identifier(table), q.Identifier(column))
            + q.SQL(" WHERE {} = %s").format(q.Identifier(account_column(table))),
            [siege.other.id],
        )
        assert (table, column, changed.rowcount) == (table, column, 0)


def test_no_row_moves_into_another_account(siege: Siege) -> None:
    enter(siege.sql, siege.own[Role.OWNER])
    for table in siege.may("UPDATE"):
        with pytest.raises(InsufficientPrivilege), siege.sql.transaction():
            siege.sql.execute(
                q.SQL("UPDATE {} SET {} = %s").format(q.Identifier(table), q.Identifier(account_column(table))),
                [siege.other.id],
            )


def test_no_row_is_inserted_into_another_account(siege: Siege) -> None:
    enter(siege.sql, siege.own[Role.OWNER])
    for table in siege.may("INSERT"):
        row = {name: value for name, value in siege.other_rows[table].items() if _may_insert(siege.sql, table, name)}
        with (
            pytest.raises(InsufficientPrivilege, match="new row violates row-level security"),
            siege.sql.transaction(),
        ):
            siege.sql.execute(insertion(table, row), row)


def test_no_reference_points_into_another_account_even_where_no_policy_binds(siege: Siege, embedded: Walled) -> None:
    tried = 0
    with embedded.as_superuser() as sql:
        for table in tenant_tables(sql):
            for target, columns in references(sql, table):
                if target not in siege.other_rows or target == "account":
                    continue
                own = list(columns)[-1]
                with pytest.raises(ForeignKeyViolation), sql.transaction():
                    sql.execute(
                        q.SQL(
                            "UPDATE {0} SET {1} = %s WHERE ctid = (SELECT min(ctid) FROM {0} WHERE account_id = %s)"
                        ).format(q.Identifier(table), q.Identifier(own)),
                        [siege.other_rows[target][columns[own]], siege.own.id],
                    )
                tried += 1
        sql.rollback()
    assert tried >= 8


def test_entries_of_the_ledger_are_never_changed_or_deleted(siege: Siege) -> None:
    enter(siege.sql, siege.own[Role.OWNER])
    for attempt in ("UPDATE credit_entry SET amount = 1000000", "DELETE FROM credit_entry", "TRUNCATE credit_entry"):
        with pytest.raises(InsufficientPrivilege, match="permission denied"), siege.sql.transaction():
            siege.sql.execute(attempt)


def test_a_stored_password_is_replaced_and_never_read(siege: Siege) -> None:
    enter(siege.sql, siege.own[Role.OWNER])
    with pytest.raises(InsufficientPrivilege, match="permission denied"), siege.sql.transaction():
        siege.sql.execute("SELECT password_hash FROM credential")
    with pytest.raises(InsufficientPrivilege, match="permission denied"), siege.sql.transaction():
        siege.sql.execute("UPDATE credential SET user_id = user_id RETURNING password_hash")


def test_no_customer_makes_themselves_an_operator(siege: Siege) -> None:
    owner = siege.own[Role.OWNER]
    enter(siege.sql, owner)
    with pytest.raises(InsufficientPrivilege, match="permission denied"), siege.sql.transaction():
        siege.sql.execute("UPDATE account SET is_system = true")
    siege.sql.execute("UPDATE app_user SET role = 'DEVELOPER' WHERE id = %s", [owner.id])
    assert enter(siege.sql, owner) == enter(siege.sql, owner, acting_on=siege.other.id) == []


def test_the_sign_in_role_looks_up_and_writes_nothing(embedded: Walled, siege: Siege) -> None:
    with embedded.connect("signin") as siege.sql:
        assert siege.may("SELECT") == [
            "account", "app_user", "credential", "mail_token", "refresh_token", "session", "subscription",
        ]  # fmt: skip
        assert siege.may("INSERT") == siege.may("UPDATE") == siege.may("DELETE") == []


@pytest.mark.parametrize("role", ["app", "member", "signin"])
def test_what_belongs_to_no_account_is_read_only(embedded: Walled, role: str) -> None:
    with embedded.connect(role) as sql:
        assert sql.execute("SELECT count(*) FROM plan").fetchone() != (0,)
        for table in ("plan", "industry", "industry_sector", "seed_keyword"):
            with pytest.raises(InsufficientPrivilege, match="permission denied"), sql.transaction():
                sql.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("role", ROLES.values())
def test_no_login_role_makes_or_alters_tables(embedded: Walled, role: str) -> None:
    with embedded.connect(role) as sql:
        for attempt in (
            "CREATE TABLE mine (id int)",
            "ALTER TABLE site DISABLE ROW LEVEL SECURITY",
            "SET ROLE igny8_owner",
            "SET SESSION AUTHORIZATION igny8_system",
        ):
            if attempt.endswith(role):
                continue
            with pytest.raises(InsufficientPrivilege), sql.transaction():
                sql.execute(attempt)


def _writable(sql: Sql) -> list[tuple[str, str]]:
    """Tenant tables, with a column of each that the login role may update."""
    found = sql.execute(
        "SELECT DISTINCT ON (attrelid) attrelid::regclass::text, attname FROM pg_attribute"
        " WHERE attrelid = ANY (%s::regclass[]) AND attnum > 0 AND attgenerated = ''"
        " AND has_column_privilege(attrelid, attnum, 'UPDATE') ORDER BY attrelid, attnum",
        [tenant_tables(sql)],
    )
    return found.fetchall()


def _may_insert(sql: Sql, table: str, column: str) -> bool:
    found = sql.execute(
        "SELECT has_column_privilege(attrelid, attnum, 'INSERT') AND attgenerated = '' FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attname = %s",
        [table, column],
    ).fetchone()
    return bool(found and found[0])
