"""Gives an account at least one row in every tenant table, so that no wall is proved on nothing."""

import re
from typing import Any
from uuid import UUID

from psycopg import sql as q
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from igny8.db import new_id
from igny8.storage import new_key
from tests.database.catalog import Sql, account_column, tenant_tables

Row = dict[str, Any]

_VALUES: dict[str, Any] = {
    "int4": 1,
    "int8": 1,
    "float8": 1.0,
    "numeric": 1,
    "bool": False,
    "timestamptz": "2026-07-01T00:00Z",
    "jsonb": "{}",
}


def furnish(sql: Sql, account_id: UUID) -> dict[str, Row]:
    """One row of each table; those that are missing are made. `sql` belongs to a superuser."""
    rows: dict[str, Row] = {}
    waiting = tenant_tables(sql)
    while waiting:
        table = next(name for name in waiting if _parents(sql, name) - {name} <= rows.keys())
        rows[table] = _fitting(sql, table, account_id, rows) or _made(sql, table, account_id, rows)
        waiting.remove(table)
    return rows


def row_of(sql: Sql, table: str, account_id: UUID, having: Row | None = None) -> Row | None:
    """The first row of the account that has these values, or NULL in their place."""
    values = having or {}
    conditions = [q.SQL("{} = %s").format(q.Identifier(account_column(table)))]
    conditions += [q.SQL("coalesce({0} = %s, true)").format(q.Identifier(column)) for column in values]
    query = q.SQL("SELECT * FROM {} WHERE {} ORDER BY ctid LIMIT 1").format(
        q.Identifier(table), q.SQL(" AND ").join(conditions)
    )
    row = sql.cursor(row_factory=dict_row).execute(query, [account_id, *values.values()]).fetchone()
    return row and {name: Jsonb(value) if isinstance(value, dict) else value for name, value in row.items()}


def insertion(table: str, row: Row) -> q.Composed:
    """The statement that inserts this row, with named values."""
    columns = q.SQL(", ").join(map(q.Identifier, row))
    return q.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        q.Identifier(table), columns, q.SQL(", ").join(map(q.Placeholder, row))
    )


def references(sql: Sql, table: str) -> list[tuple[str, dict[str, str]]]:
    """Parent table, and which column refers to which of its columns; references to the account alone left out."""
    found = sql.execute(
        "SELECT confrelid::regclass::text, ARRAY (SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k (n, at)"
        " JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY at),"
        " ARRAY (SELECT attname::text FROM unnest(confkey) WITH ORDINALITY k (n, at)"
        " JOIN pg_attribute ON attrelid = confrelid AND attnum = n ORDER BY at)"
        " FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass ORDER BY conname",
        [table],
    ).fetchall()
    return [(target, dict(zip(own, theirs, strict=True))) for target, own, theirs in found]


def _parents(sql: Sql, table: str) -> set[str]:
    return {target for target, _ in references(sql, table)} & set(tenant_tables(sql))


def _fitting(sql: Sql, table: str, account_id: UUID, rows: dict[str, Row]) -> Row | None:
    """A row that stands under the very parents chosen before: an account has rows of several sites."""
    return row_of(sql, table, account_id, _ties(sql, table, rows))


def _ties(sql: Sql, table: str, rows: dict[str, Row]) -> Row:
    """The values that tie a row of this table to the parents chosen before."""
    ties: Row = {}
    if "site" in rows and _has_site(sql, table):
        ties["site_id"] = rows["site"]["id"]  # whether or not it must have one: others may refer to it within a site
    for target, columns in references(sql, table):
        ties |= {own: rows[target][theirs] for own, theirs in columns.items() if target in rows}
    return ties


def _made(sql: Sql, table: str, account_id: UUID, rows: dict[str, Row]) -> Row:
    row = {name: _value(sql, table, name, type_) for name, type_ in _needed(sql, table)}
    row |= {account_column(table): account_id, **_special(table, account_id), **_ties(sql, table, rows)}
    sql.execute(insertion(table, row), row)
    made = row_of(sql, table, account_id)
    assert made is not None
    return made


def _special(table: str, account_id: UUID) -> Row:
    """What the columns' types and listed values do not tell."""
    match table:
        case "job":
            return {"due_at": "2100-01-01T00:00Z"}  # nobody shall run it
        case "stored_file":
            return {"key": new_key(account_id, "bin")}
    return {}


def _has_site(sql: Sql, table: str) -> bool:
    found = sql.execute(
        "SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'site_id' AND NOT attisdropped", [table]
    )
    return found.rowcount > 0


def _needed(sql: Sql, table: str) -> list[tuple[str, str]]:
    """Columns that have no default and must have a value."""
    return sql.execute(
        "SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attnotnull AND NOT atthasdef",
        [table],
    ).fetchall()


def _value(sql: Sql, table: str, column: str, type_: str) -> Any:
    if type_ == "uuid":
        return new_id()
    if type_.startswith("_"):
        return []
    for (check,) in sql.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass", [table]
    ).fetchall():
        listed = re.match(rf"CHECK \(\({column} = ANY \(ARRAY\['(\w+)'::text", check)
        if listed:
            return listed[1]
    return new_id().hex if type_ == "text" else new_id().bytes if type_ == "bytea" else _VALUES[type_]
