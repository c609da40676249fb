"""Rows that are found by their ids, and rows whose kind only the data tells."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, get_named_type
from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, aggregate_order_by

from igny8.gql.read.declarations import Links, Source
from igny8.gql.read.statement import name_literal, public_id
from igny8.gql.read.variables import Slot, prefixes_in

if TYPE_CHECKING:
    from igny8.gql.read.objects import Compiler, Row


def node_by_id(compiler: "Compiler", field: GraphQLField, nodes: list[FieldNode], key: str) -> ColumnElement[Any]:
    """The rows that `node(id:)` and `nodes(ids:)` ask for."""
    given = compiler.arguments(field, nodes[0])
    several = "ids" in given
    asked = given["ids"] if several else [given["id"]]
    wanted = compiler.statement.bind_node_ids(asked, "ids" if several else "id")
    item = func.unnest(wanted).table_valued("id", with_ordinality="at").render_derived()
    kind, id = func.left(item.c.id, 3), cast(func.substr(item.c.id, 5), Uuid())
    value = _row(compiler, field, nodes, kind, id, key, _prefix, kinds=prefixes_in(asked))
    shown = func.json_agg(aggregate_order_by(value, item.c.at)) if several else value
    read = select(shown).select_from(item).correlate_except(item).scalar_subquery()
    return func.coalesce(read, literal_column("'[]'::json")) if several else read


def rows_by_ids(
    compiler: "Compiler", target: GraphQLObjectType, nodes: list[FieldNode], path: str, *, several: bool
) -> ColumnElement[Any]:
    """The rows that a mutation points to, bound to the slot `ids`, in their order."""
    from igny8.gql.read.objects import Row

    source = compiler.sources[target.name]
    table = source.alias()
    made = compiler.object(target, nodes, Row(table.c, source), path)
    if not several:
        wanted = table.c.id == compiler.statement.bind(Slot(("@ids",)), source.table.c.id.type)
        return select(made).select_from(table).where(wanted).correlate_except(table).scalar_subquery()
    given = compiler.statement.bind(Slot(("@ids",)), ARRAY(source.table.c.id.type))
    listed = func.json_agg(aggregate_order_by(made, func.array_position(given, table.c.id)))
    rows = select(func.coalesce(listed, literal_column("'[]'::json"))).select_from(table)
    return rows.where(table.c.id == func.any(given)).correlate_except(table).scalar_subquery()


def row_of_table(
    compiler: "Compiler", field: GraphQLField, nodes: list[FieldNode], kind: Any, id: Any, path: str, beside: "Row"
) -> ColumnElement[Any]:
    """The row with this id in the table of this name, in another row's account; null for what may not be read."""
    return _row(compiler, field, nodes, kind, id, path, _table, account=beside)


def id_of_table(compiler: "Compiler", kind: Any, id: Any) -> ColumnElement[Any]:
    """The id as it is shown of a row in the table of this name."""
    arms = [(kind == name_literal(source.table.name), public_id(source.prefix, id)) for source in _sources(compiler)]
    return case(*arms, else_=null())


def is_there(compiler: "Compiler", link: Any, links: Links) -> ColumnElement[bool]:
    """Whether the row that a link names can be read by the viewer."""
    arms = []
    for source in _sources(compiler):
        table = source.alias()
        here = [table.c.id == link[links.id], *([source.only(table.c)] if source.only else [])]
        if "account_id" in table.c:
            here.append(table.c.account_id == link.account_id)
        found = exists(select(literal_column("1")).select_from(table).where(*here).correlate_except(table))
        arms.append(and_(link[links.kind] == name_literal(source.table.name), found))
    return or_(*arms) if arms else false()


def _row(
    compiler: "Compiler",
    field: GraphQLField,
    nodes: list[FieldNode],
    kind: Any,
    id: Any,
    path: str,
    called: Callable[[Source], str],
    *,
    account: "Row | None" = None,
    kinds: frozenset[str | None] | None = None,
) -> ColumnElement[Any]:
    """The row with this id of the kind that is `called` so; null for what may not be read.

    Of `kinds` alone when they are known; of the account of `account`'s row when there is one.
    """
    from igny8.gql.read.objects import Row, same_account

    arms = []
    for type_ in compiler.schema.get_possible_types(get_named_type(field.type)):  # type: ignore[arg-type]  # an interface
        source = compiler.sources.get(type_.name)
        if source is None or not compiler.may(source.need) or (kinds is not None and called(source) not in kinds):
            continue
        table = source.alias()
        row = Row(table.c, source)
        found = select(compiler.object(type_, nodes, row, path, abstract=True)).select_from(table)
        here = table.c.id == id if account is None else same_account(account, table.c, table.c.id == id)
        found = found.where(here, *([source.only(table.c)] if source.only else [])).correlate_except(table)
        arms.append((kind == name_literal(called(source)), found.limit(literal_column("1")).scalar_subquery()))
    return case(*arms, else_=null()) if arms else cast(null(), JSON)


def _sources(compiler: "Compiler") -> Iterator[Source]:
    """What has ids and may be read, each table once."""
    seen = set()
    for source in compiler.sources.values():
        if source.prefix and source.table.name not in seen and compiler.may(source.need):
            seen.add(source.table.name)
            yield source


def _prefix(source: Source) -> str:
    return source.prefix


def _table(source: Source) -> str:
    return source.table.name
