"""A filter input becomes conditions. What is absent or null filters nothing."""

from collections.abc import Callable
from typing import Any, Final

from graphql import GraphQLInputObjectType, get_named_type, get_nullable_type, is_list_type
from sqlalchemy import ColumnElement, Text, false, func, true
from sqlalchemy.dialects.postgresql import ARRAY

from igny8.gql.read.declarations import Condition
from igny8.gql.read.declare import READ, reference_of
from igny8.gql.read.statement import Statement

_OPERATORS: Final[dict[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "eq": lambda column, value: column == value,
    "in": lambda column, value: column == func.any(value),
    "gte": lambda column, value: column >= value,
    "lte": lambda column, value: column <= value,
    "lt": lambda column, value: column < value,
}


def conditions(
    statement: Statement, type_: GraphQLInputObjectType, given: dict[str, Any], columns: Any
) -> list[ColumnElement[bool]]:
    """The conditions of every field of the filter that was given."""
    found: list[ColumnElement[bool]] = []
    for public, value in given.items():
        if value is not None:
            found += _conditions_of(statement, type_, public, value, columns)
    return found


def _conditions_of(
    statement: Statement, type_: GraphQLInputObjectType, public: str, value: Any, columns: Any
) -> list[ColumnElement[bool]]:
    field = type_.fields[public]
    definition = field.extensions["strawberry-definition"]
    several = is_list_type(get_nullable_type(field.type))
    own = definition.metadata.get(READ)
    kind = reference_of(definition.type_annotation.annotation)
    if kind:
        bound = statement.bind_id(value, kind.prefix, public, several=several)
        if isinstance(own, Condition):
            return [own.where(columns, bound)]
        return [_OPERATORS["in" if several else "eq"](columns[kind.column], bound)]
    if isinstance(own, Condition):
        statement.replan |= own.replan
        if get_named_type(field.type).name == "ID":
            return [own.where(columns, statement.bind_node_ids(value, public))]
        if isinstance(value, bool):
            return [own.where(columns, true() if value else false())]
        return [own.where(columns, statement.bind(value, ARRAY(Text()) if several else Text()))]
    column = columns[definition.python_name]
    if isinstance(get_named_type(field.type), GraphQLInputObjectType):
        return [_compare(statement, column, name, part) for name, part in value.items() if part is not None]
    return [_compare(statement, column, "in" if several else "eq", value)]


def _compare(statement: Statement, column: Any, name: str, value: Any) -> ColumnElement[bool]:
    if name == "isNull":
        return column.is_(None) if value else column.is_not(None)  # type: ignore[no-any-return]  # a condition
    bound = statement.bind(value, ARRAY(column.type) if name == "in" else column.type)
    return _OPERATORS[name](column, bound)
