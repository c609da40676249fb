"""What can be seen to be wrong with declarations when the schema is made, before anybody asks for anything."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Integer,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from igny8.gql.read.declarations import (
    Computed,
    Condition,
    Events,
    Many,
    One,
    Plain,
    Poly,
    PolyId,
    Reference,
    Source,
    Sql,
)
from igny8.gql.read.declare import READ, declaration_of, python_name, reference_of, rows_type

_FITS: Final[dict[str, Callable[[Any], bool]]] = {
    "Int": lambda type_: isinstance(type_, Integer) and not isinstance(type_, BigInteger),
    "BigInt": lambda type_: isinstance(type_, Integer),
    "Float": lambda type_: isinstance(type_, Float),
    "Decimal": lambda type_: isinstance(type_, Numeric) and not isinstance(type_, Float),
    "String": lambda type_: isinstance(type_, Text),
    "Boolean": lambda type_: isinstance(type_, Boolean),
    "DateTime": lambda type_: isinstance(type_, DateTime) and bool(type_.timezone),
}
_FILTERS: Final = {"IntFilter": "Int", "FloatFilter": "Float", "DateTimeFilter": "DateTime"}


class WrongDeclarations(Exception):
    """Declarations that their tables do not bear out, all of them at once."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(["The schema does not fit its tables:", *(f"  {fault}" for fault in faults)]))
        self.faults = faults


def check(schema: GraphQLSchema, sources: dict[str, Source]) -> None:
    """Raise WrongDeclarations when a field, an order or a filter cannot be what it says."""
    faults = []
    for name, source in sources.items():
        type_: GraphQLObjectType = schema.type_map[name]  # type: ignore[assignment]  # it has rows
        for public, field in type_.fields.items():
            faults += [f"{name}.{public}: {fault}" for fault in _faults_of(field, public, source, sources)]
    if schema.query_type is not None:
        for public, field in schema.query_type.fields.items():
            declared = declaration_of(field)
            if isinstance(declared, Many):
                faults += [f"Query.{public}: {fault}" for fault in _faults_of_many(declared, field, sources)]
    if schema.subscription_type is not None:
        for public, field in schema.subscription_type.fields.items():
            faults += [f"Subscription.{public}: {fault}" for fault in _faults_of_events(field, sources)]
    if faults:
        raise WrongDeclarations(faults)


def _faults_of(field: GraphQLField, public: str, source: Source, sources: dict[str, Source]) -> Iterator[str]:
    declared, columns = declaration_of(field), source.table.c
    needs, otherwise = getattr(declared, "need", None), getattr(declared, "otherwise", None)
    if needs is not None and otherwise is None and is_non_null_type(field.type):
        yield "it is null without its permission, so its type must allow null"
    if isinstance(declared, Many):
        yield from _faults_of_many(declared, field, sources)
    elif isinstance(declared, One):
        if rows_type(field).name not in sources:
            yield f"{rows_type(field).name} has no rows"
        elif declared.on is None:
            yield from _faults_of_column(field, f"{python_name(field)}_id", source.table, Uuid)
    elif isinstance(declared, Reference):
        yield from _faults_of_column(field, declared.column, source.table, Uuid)
    elif isinstance(declared, Poly | PolyId):
        yield from _faults_of_kind(source.table, declared.kind, declared.id)
    elif isinstance(declared, Sql | Computed):
        for read in (declared.expression,) if isinstance(declared, Sql) else declared.needs.values():
            yield from _faults_in(read, columns)
    elif (declared is None or isinstance(declared, Plain)) and public != "id":
        yield from _faults_of_column(field, python_name(field), source.table)


def _faults_of_kind(table: Table, kind: str, id: str) -> Iterator[str]:
    for name, wanted in ((kind, Text), (id, Uuid)):
        if name not in table.c or not isinstance(table.c[name].type, wanted):
            yield f"{table.name} has no column '{name}' of type {wanted.__name__.lower()}"


def _faults_of_column(field: GraphQLField, name: str, table: Table, wanted: Any = None) -> Iterator[str]:
    """A field that is a column: it is there, null where the field may be, and of its type."""
    column = table.c.get(name)
    if column is None:
        yield f"{table.name} has no column '{name}'"
        return
    declared = declaration_of(field)
    if column.info.get("secret"):
        yield f"column '{name}' is secret"
    if is_non_null_type(field.type) and column.nullable:
        yield f"column '{name}' may be null and the field may not"
    if not is_non_null_type(field.type) and not column.nullable and getattr(declared, "need", None) is None:
        yield f"column '{name}' is never null, so the field need not be"
    if wanted is not None:
        if not isinstance(column.type, wanted):
            yield f"column '{name}' is no {wanted.__name__.lower()}"
    else:
        yield from _misfits(field.type, column, table)


def _misfits(type_: Any, column: Column[Any], table: Table) -> Iterator[str]:
    """Whether values of a column are values of a GraphQL type."""
    named = get_named_type(type_)
    held: Any = column.type
    if isinstance(held, JSONB):
        return
    if is_list_type(get_nullable_type(type_)) != isinstance(held, ARRAY):
        yield f"column '{column.name}' is {'a' if isinstance(held, ARRAY) else 'no'} list"
        return
    held = held.item_type if isinstance(held, ARRAY) else held
    if isinstance(named, GraphQLEnumType):
        members, allowed = set(named.values), _members(table, column.name)
        if allowed is not None and members != allowed:
            differing = ", ".join(sorted(members ^ allowed))
            yield f"{named.name} and the check of column '{column.name}' differ: {differing}"
    elif is_leaf_type(named) and named.name in _FITS and not _FITS[named.name](held):
        yield f"column '{column.name}' is {held}, which is no {named.name}"


def _members(table: Table, column: str) -> set[str] | None:
    """What the CHECK of a column allows; None when it has none."""
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext)
            if text.startswith(f"{column} IN ("):
                return set(re.findall(r"'([^']*)'", text))
    return None


def _faults_of_many(declared: Many, field: GraphQLField, sources: dict[str, Source]) -> Iterator[str]:
    target = rows_type(field)
    source = sources.get(target.name)
    if declared.links is not None:
        columns = declared.links.table.c
        yield from _faults_of_kind(declared.links.table, declared.links.kind, declared.links.id)
    elif source is None:
        yield f"{target.name} has no rows"
        return
    else:
        columns = source.table.c
    orders = {**declared.orders, **{name: key for name, key, _ in declared.default}}
    for name, key in orders.items():
        yield from (f"order {name}: {fault}" for fault in _faults_in(key, columns))
    filter = field.args.get("filter")
    if filter is not None and source is not None:
        yield from _faults_of_filter(get_named_type(filter.type), source)


def _faults_of_events(field: GraphQLField, sources: dict[str, Source]) -> Iterator[str]:
    declared: Events = declaration_of(field)
    source = sources.get(rows_type(field).name)
    if source is None:
        yield f"{rows_type(field).name} has no rows"
        return
    for name, wanted in (("cursor", BigInteger), ("account_id", Uuid)):
        if name not in source.table.c or not isinstance(source.table.c[name].type, wanted):
            yield f"{source.table.name} has no column '{name}' of type {wanted.__name__.lower()}"
    yield from _faults_in(lambda subject: declared.on(subject, source.table.c), declared.subject.c)
    for read in (declared.scope, declared.ended):
        if read is not None:
            yield from _faults_in(read, declared.subject.c)


def _faults_of_filter(type_: Any, source: Source) -> Iterator[str]:
    filter: GraphQLInputObjectType = type_
    for public, part in filter.fields.items():
        definition = part.extensions["strawberry-definition"]
        kind, own = reference_of(definition.type_annotation.annotation), definition.metadata.get(READ)
        if isinstance(own, Condition):
            continue
        name = kind.column if kind else definition.python_name
        column = source.table.c.get(name)
        if column is None:
            yield f"filter {public}: {source.table.name} has no column '{name}'"
        elif kind:
            if not isinstance(column.type, Uuid):
                yield f"filter {public}: column '{name}' is no uuid"
        else:
            named = get_named_type(part.type)
            wanted = _FILTERS.get(named.name)
            if wanted is not None and not (
                _FITS[wanted](column.type) or (wanted == "Int" and _FITS["BigInt"](column.type))
            ):
                yield f"filter {public}: column '{name}' is {column.type}, which {named.name} does not compare"
            elif isinstance(named, GraphQLEnumType):
                allowed = _members(source.table, name)
                if allowed is not None and not set(named.values) <= allowed:
                    yield f"filter {public}: {named.name} has members that column '{name}' cannot hold"


def _faults_in(read: Callable[[Any], Any], columns: Any) -> Iterator[str]:
    """An expression names only columns that are there."""
    try:
        read(columns)
    except (AttributeError, KeyError) as error:
        yield f"it reads a column that is not there: {error.args[0]}"
