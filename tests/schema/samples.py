"""Rows without a null, and inputs without a gap: made from the schema and the database's catalog."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from psycopg import sql

from igny8.gql.read.declare import reference_of
from tests.access.stage import Stage

#: By type of column: SQL that makes a value.
_VALUES = {
    "text": "'x'",
    "boolean": "true",
    "integer": "1",
    "bigint": "1",
    "double precision": "1",
    "numeric": "1",
    "timestamp with time zone": "now()",
    "bytea": "'\\x01'::bytea",
}
#: Columns in which a value would make the row another one.
_LEFT_NULL = {"lease_until", "revoked_at", "used_at"}


def fill_nulls(connection: psycopg.Connection[Any], account_id: UUID) -> None:
    """Let no column of the account's rows be null; references are set by whoever makes the rows."""
    columns = connection.execute(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
        " JOIN information_schema.columns a ON a.table_name = c.table_name AND a.column_name = 'account_id'"
        " WHERE c.table_schema = 'public' AND c.is_nullable = 'YES' AND c.is_generated = 'NEVER'"
    ).fetchall()
    for table, column, kind in columns:
        if kind not in _VALUES or column in _LEFT_NULL:
            continue
        if kind != "text" or not _is_checked(connection, table, column):
            connection.execute(
                sql.SQL("UPDATE {table} SET {column} = {value} WHERE account_id = %s AND {column} IS NULL").format(
                    table=sql.Identifier(table), column=sql.Identifier(column), value=sql.SQL(_VALUES[kind])
                ),
                (account_id,),
            )


def _is_checked(connection: psycopg.Connection[Any], table: str, column: str) -> bool:
    """Whether a CHECK lists the column's values."""
    listed = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass AND conname = %s)",
        (table, f"ck_{table}_{column}"),
    ).fetchone()
    return bool(listed and listed[0])


def inputs_of(type_: GraphQLInputObjectType, stage: Stage) -> Iterator[dict[str, Any]]:
    """An input for each field of an input type that alone is a good one; for an order each expression, both ways."""
    if set(type_.fields) == {"field", "direction"}:
        for field in get_named_type(type_.fields["field"].type).values:
            for direction in ("ASC", "DESC"):
                yield {"field": field, "direction": direction}
        return
    for name, field in type_.fields.items():
        for value in _values(field, stage):
            yield {name: value}


def _values(field: Any, stage: Stage) -> Iterator[Any]:
    named, several = get_named_type(field.type), is_list_type(get_nullable_type(field.type))
    if isinstance(named, GraphQLInputObjectType):
        for value in inputs_of(named, stage):
            yield [value] if several else value
    elif isinstance(named, GraphQLEnumType):
        yield list(named.values) if several else next(iter(named.values))
    else:
        value = _scalar(named.name, field, stage)
        yield [value] if several else value


def _scalar(name: str, field: Any, stage: Stage) -> Any:
    if name == "ID":
        reference = reference_of(field.extensions["strawberry-definition"].type_annotation.annotation)
        if reference is None:  # takes ids of every kind
            return stage.id_of("clu", stage.tenant, "a")
        return stage.some("industry", "ind") if reference.prefix == "ind" else _id(stage, reference.prefix)
    return {
        "String": "x",
        "Int": 1,
        "BigInt": "1",
        "Float": 1.5,
        "Boolean": True,
        "DateTime": "2026-01-01T00:00:00Z",
    }[name]


def _id(stage: Stage, kind: str) -> str:
    return stage.id_of(kind, stage.tenant, "a")
