"""How a GraphQL type says what it reads: a table, columns by name, SQL expressions, and edges to other types.

What to read lies in the metadata of Strawberry's own fields, so the schema, its descriptions and introspection
stay Strawberry's; the compiler reads the finished schema.

    @rows(t.Site, prefix="sit")
    class Site(Node):
        name: str                                                   # the column of that name
        sectors_count: int = sql(count_of_sectors)                  # an SQL expression over the row
        account: Account = one()                                    # the row that account_id points to
        sectors: Connection[Sector] = many(lambda site, sector: sector.site_id == site.id,
                                           filter=SectorFilter, order=SectorOrder)
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Final, Generic, TypeVar, dataclass_transform, get_args, get_origin

import strawberry
from graphql import GraphQLField, GraphQLObjectType, get_named_type
from sqlalchemy import ColumnElement, Table
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from igny8.access import Need, Permission
from igny8.db import Base
from igny8.gql.ids import KINDS
from igny8.gql.read.declarations import (
    Columns,
    Computed,
    Condition,
    Declaration,
    Document,
    Events,
    Expression,
    Gate,
    Links,
    Many,
    NodeById,
    One,
    OrderKeys,
    Plain,
    Poly,
    PolyId,
    Reference,
    Source,
    Sql,
    Where,
)

#: Key of a field's declaration in `StrawberryField.metadata`.
READ: Final = "read"
PAGE_SIZE: Final = 20
LARGEST_PAGE: Final = 100

T = TypeVar("T")
NodeT = TypeVar("NodeT")


def newest_first(columns: Columns) -> ColumnElement[Any]:
    """The order of lists that ask for none."""
    created: ColumnElement[Any] = columns.created_at
    return created


NEWEST: Final[OrderKeys] = (("CREATED_AT", newest_first, True),)


def column(*, need: Permission | None = None, description: str | None = None) -> Any:
    """The column of the field's name, when it needs a permission or a description."""
    return _field(Plain(need), description)


def sql(
    expression: Callable[[Columns], Expression],
    *,
    never_null: bool = False,
    need: Permission | None = None,
    otherwise: ColumnElement[Any] | None = None,
    description: str | None = None,
) -> Any:
    """A field computed by PostgreSQL from the row's columns; `otherwise` for those who lack the permission."""
    return _field(Sql(expression, never_null, need, otherwise), description)


def computed(
    function: Callable[..., Any],
    *,
    needs: Sequence[str] | Mapping[str, Callable[..., Expression]],
    need: Permission | None = None,
    description: str | None = None,
) -> Any:
    """A field that Python computes: `function(**needs, **arguments)`, plain and quick, at most once a row.

    `needs` are columns by their names, or expressions over the row; they come as JSON says them (times and ids as
    text). Parameters of the function beyond them become the field's arguments. An expression may take some of those,
    too, each with a default of None. Objects are dicts by Python names.
    """
    read = needs if isinstance(needs, Mapping) else {name: _column(name) for name in needs}
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name not in read]
    arguments = [StrawberryArgument(p.name, None, StrawberryAnnotation(p.annotation), default=p.default) for p in own]
    asked = {name: tuple(inspect.signature(expression).parameters)[1:] for name, expression in read.items()}
    return _field(Computed(function, read, need, asked), description, arguments)


def poly(kind: str, id: str, *, need: Permission | None = None, description: str | None = None) -> Any:
    """An edge to a row of any kind: column `kind` holds the name of its table, column `id` its id. Null is none."""
    return _field(Poly(kind, id, need), description)


def poly_id(kind: str, id: str, *, description: str | None = None) -> Any:
    """The id of a row of any kind, whether it is still there or not; null for a kind that has no ids."""
    return _field(PolyId(kind, id), description)


def ref(prefix: str, name: str, *, description: str | None = None) -> Any:
    """The id in column `name`, shown as one of kind `prefix`."""
    return _field(Reference(prefix, name), description)


def one(on: Where | None = None, *, need: Permission | None = None, description: str | None = None) -> Any:
    """An edge to one row: `on(row, other, ...)`, or by convention the column `<field>_id`.

    Parameters of `on` beyond the two rows become the field's arguments.
    """
    own = _own_arguments(on, 2)
    return _field(One(on, need, arguments=_names(own)), description, own)


def many(
    on: Where,
    *,
    filter: type | None = None,
    order: type | None = None,
    default: OrderKeys = NEWEST,
    need: Permission | None = None,
    description: str | None = None,
) -> Any:
    """A connection to the rows for which `on(row, other)` holds."""
    return _connection(on, 2, filter, order, default, need, None, description)


def listed(
    on: Where, *, most: int, sized: bool = False, default: OrderKeys = NEWEST, description: str | None = None
) -> Any:
    """A short list of the rows for which `on(row, other, ...)` holds; never more than `most`.

    Parameters of `on` beyond the two rows become the field's arguments; `sized`: and so does `first`.
    """
    own = _own_arguments(on, 2)
    given = [*own, _argument("first", int | None, optional=True)] if sized else own
    return _field(Many(on, {}, default, arguments=_names(own), most=most), description, given)


def links(
    of: type[Base],
    on: Where,
    *,
    kind: str,
    id: str,
    default: OrderKeys,
    description: str | None = None,
) -> Any:
    """A connection to rows of any kind, named by those rows of a table for which `on(row, link)` holds.

    Column `kind` of a link holds the name of a table, column `id` the id of a row in it. What is not there any more,
    or not for this viewer, is left out.
    """
    table: Table = of.__table__  # type: ignore[assignment]  # a mapped class always has a Table
    return _connection(on, 2, None, None, default, None, None, description, Links(table, kind, id))


def root(where: Where, *, need: Need, anywhere: bool = False, description: str | None = None) -> Any:
    """A root field for the one row for which `where(columns, ...)` holds; its parameters are the arguments."""
    own = _own_arguments(where, 1)
    return _field(One(where, gate=Gate(need, anywhere), arguments=_names(own)), description, own)


def roots(
    *,
    need: Need,
    anywhere: bool = False,
    where: Where | None = None,
    filter: type | None = None,
    order: type | None = None,
    default: OrderKeys = NEWEST,
    description: str | None = None,
) -> Any:
    """A root connection over all rows the viewer may see, or those for which `where(columns, ...)` holds."""
    return _connection(where, 1, filter, order, default, None, Gate(need, anywhere), description)


def root_list(
    *,
    need: Need,
    most: int,
    anywhere: bool = False,
    where: Where | None = None,
    default: OrderKeys = NEWEST,
    description: str | None = None,
) -> Any:
    """A root field that is a short plain list."""
    return _field(Many(where, {}, default, gate=Gate(need, anywhere), most=most), description)


def root_document(
    expression: Callable[..., Expression],
    *,
    need: Need,
    anywhere: bool = False,
    check: Callable[..., None] | None = None,
    description: str | None = None,
) -> Any:
    """A root field that PostgreSQL makes as one JSON document, its keys as GraphQL calls them.

    Parameters of `expression` are the arguments. `check` gets their values by the same names and raises BadRequest.
    """
    own = _own_arguments(expression, 0)
    return _field(Document(expression, Gate(need, anywhere), check, _names(own)), description, own)


def node_by_id(*, need: Need, description: str | None = None) -> Any:
    """`node(id:)`: any row the viewer may see; the id's prefix names the type."""
    return _field(NodeById(Gate(need)), description, [_argument("id", strawberry.ID)])


def nodes_by_id(*, need: Need, description: str | None = None) -> Any:
    """`nodes(ids:)`: the same for at most 100 ids, in their order; null where there is none."""
    return _field(NodeById(Gate(need)), description, [_argument("ids", list[strawberry.ID])])


def events(
    of: type[Base],
    prefix: str,
    argument: str,
    *,
    on: Where,
    scope: Callable[[Columns], Expression],
    need: Need,
    topic: str,
    from_start: bool,
    ended: Callable[[Columns], ColumnElement[bool]] | None = None,
    live: Mapping[str, str] | None = None,
    description: str | None = None,
) -> Any:
    """A root field of the subscription, `argument` being the id of the row that the events are of (`Events`)."""
    subject: Table = of.__table__  # type: ignore[assignment]  # a mapped class always has a Table
    declared = Events(subject, prefix, argument, on, scope, ended, Gate(need), from_start, topic, live or {})
    own = [_argument(argument, strawberry.ID), _argument("after", str | None, optional=True)]
    return _field(declared, description, own)


def where(
    condition: Callable[[Columns, Any], ColumnElement[bool]], *, replan: bool = False, description: str | None = None
) -> Any:
    """A field of a filter input with a condition of its own. Absent or null filters nothing."""
    read = Condition(condition, replan)
    return strawberry.field(default=strawberry.UNSET, metadata={READ: read}, description=description)


@dataclass_transform(
    kw_only_default=True, field_specifiers=(column, sql, ref, one, many, listed, computed, poly, poly_id, links)
)
def rows(
    table: type[Base],
    *,
    prefix: str = "",
    need: Need,
    only: Callable[[Columns], ColumnElement[bool]] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Declare an object type over a table; its docstring is the description.

    `need` is what reading it takes, by whatever path. `only` narrows the rows beyond what the policies show. Rows
    without a `prefix` have no id to show.
    """
    if prefix and prefix not in KINDS:
        raise ValueError(f"{prefix!r} is not among the kinds of ids")

    def declare(cls: type[T]) -> type[T]:
        source: Table = table.__table__  # type: ignore[assignment]  # a mapped class always has a Table
        cls.__source__ = Source(source, prefix, need, only)  # type: ignore[attr-defined]  # read back by the compiler
        return strawberry.type(cls, description=inspect.getdoc(cls) if cls.__doc__ else None)

    return declare


def extend(target: type, *extensions: type) -> None:
    """Add the fields of `extensions` (plain `strawberry.type` classes of higher domains) to an object type."""
    for extension in extensions:
        target.__strawberry_definition__.fields.extend(  # type: ignore[attr-defined]  # set by strawberry.type
            extension.__strawberry_definition__.fields  # type: ignore[attr-defined]
        )


def ordering(name: str, /, **columns: Callable[[Columns], ColumnElement[Any]]) -> type:
    """An order input `{ field: <name>Field! direction: OrderDirection! }` over these expressions."""
    members = Enum(f"{name}Field", {key.upper(): key.upper() for key in columns})  # type: ignore[misc]  # made at run time
    field_type = strawberry.enum(members, name=f"{name}Field")
    made: type = strawberry.input(type(name, (), {"__annotations__": {"field": field_type, "direction": Direction}}))
    made.__orders__ = {key.upper(): expression for key, expression in columns.items()}  # type: ignore[attr-defined]
    return made


@strawberry.enum(name="OrderDirection")
class Direction(Enum):
    """NULLs come last in either direction."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.interface(description="Anything that can be refetched by its id with `node(id:)`.")
class Node:
    id: strawberry.ID


@strawberry.type(description="Where a page lies among all rows. Cursors belong to the order they were made for.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One row of a page and its cursor.")
class Edge(Generic[NodeT]):
    cursor: str
    node: NodeT


@strawberry.type(description="A page: by default the first 20 rows, at most 100.")
class Connection(Generic[NodeT]):
    edges: list[Edge[NodeT]]
    nodes: list[NodeT]
    page_info: PageInfo
    total_count: int = strawberry.field(description="How many rows match in all, pages aside.")


def declaration_of(field: GraphQLField) -> Any:
    """What the field declares to read; None for plain columns and for fields that are not ours."""
    definition = field.extensions.get("strawberry-definition")
    return definition.metadata.get(READ) if definition else None


def rows_type(field: GraphQLField) -> GraphQLObjectType:
    """The object type whose rows an edge leads to, a connection's nodes included."""
    target: GraphQLObjectType = get_named_type(field.type)  # type: ignore[assignment]  # edges lead to objects
    nodes = target.fields.get("nodes")
    if nodes is not None and "pageInfo" in target.fields:
        found: GraphQLObjectType = get_named_type(nodes.type)
        return found
    return target


def python_name(field: GraphQLField) -> str:
    name: str = field.extensions["strawberry-definition"].python_name
    return name


def reference_of(annotation: Any) -> Reference | None:
    """The kind of id that an argument or filter field takes: `Annotated[ID, Reference("sit", "site_id")]`."""
    if get_origin(annotation) is Annotated:
        return next((part for part in get_args(annotation) if isinstance(part, Reference)), None)
    return None


def _column(name: str) -> Callable[[Columns], Expression]:
    return lambda columns: columns[name]


def _field(
    declaration: Declaration, description: str | None, arguments: list[StrawberryArgument] | None = None
) -> Any:
    made = StrawberryField(metadata={READ: declaration}, description=description)
    made.arguments = arguments or []
    return made


def _argument(name: str, annotation: object, *, optional: bool = False) -> StrawberryArgument:
    default = strawberry.UNSET if optional else inspect.Parameter.empty
    return StrawberryArgument(name, None, StrawberryAnnotation(annotation), default=default)


def _own_arguments(on: Callable[..., Any] | None, skip: int) -> list[StrawberryArgument]:
    """Parameters that a condition has beside its columns become arguments of the field."""
    if on is None:
        return []
    parameters = list(inspect.signature(on, eval_str=True).parameters.values())[skip:]
    return [_argument(p.name, p.annotation, optional=p.default is not p.empty) for p in parameters]


def _names(arguments: list[StrawberryArgument]) -> tuple[str, ...]:
    return tuple(argument.python_name for argument in arguments)


def _connection(
    on: Where | None,
    skip: int,
    filter: type | None,
    order: type | None,
    default: OrderKeys,
    need: Permission | None,
    gate: Gate | None,
    description: str | None,
    links: Links | None = None,
) -> Any:
    own = _own_arguments(on, skip)
    arguments = list(own)
    for name, annotation in (
        ("first", int | None),
        ("after", str | None),
        ("last", int | None),
        ("before", str | None),
    ):
        arguments.append(_argument(name, annotation, optional=True))
    if filter is not None:
        arguments.append(_argument("filter", filter | None, optional=True))
    if order is not None:
        arguments.append(_argument("order_by", list[order] | None, optional=True))  # type: ignore[valid-type]
    orders = getattr(order, "__orders__", {})
    return _field(Many(on, orders, default, need, gate, _names(own), links=links), description, arguments)
