"""What a declaration says, as the compiler reads it; `declare` is how it is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, Table, TableClause
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from igny8.access import Need, Permission

Columns = ReadOnlyColumnCollection[str, Any]
Where = Callable[..., ColumnElement[bool]]
Expression = ColumnElement[Any] | ScalarSelect[Any]
OrderKeys = tuple[tuple[str, Callable[[Columns], ColumnElement[Any]], bool], ...]


@dataclass(frozen=True)
class Source:
    """The rows behind an object type, who may read them, and which of them (all that the policies show)."""

    table: Table
    prefix: str
    need: Need
    only: Callable[[Columns], ColumnElement[bool]] | None = None

    def alias(self) -> FromClause:
        """The rows once more in a statement. Plain columns: those of a Table cost ten times as much to copy."""
        return self._plain.alias()

    @cached_property
    def _plain(self) -> TableClause:
        return sql_table(self.table.name, *(sql_column(c.name, c.type) for c in self.table.c))

    @property
    def visible(self) -> list[ColumnElement[Any]]:
        """The columns a read may name; secret ones are not even granted to every role."""
        return [column for column in self.table.c if not column.info.get("secret")]


@dataclass(frozen=True, slots=True)
class Gate:
    """What a root field asks of the viewer. `anywhere`: developers may use it without naming an account."""

    need: Need
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class Plain:
    """A column of the field's own name. Without the permission it reads as null."""

    need: Permission | None = None


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL expression over the row's columns. `never_null` promises what no constraint can.

    Without the permission it reads as null, or as `otherwise`.
    """

    expression: Callable[[Columns], Expression]
    never_null: bool = False
    need: Permission | None = None
    otherwise: ColumnElement[Any] | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """An id of another row: as a field it is shown with that kind's prefix, as an argument it is parsed."""

    prefix: str
    column: str


@dataclass(frozen=True, slots=True)
class One:
    """An edge to one row, or with a gate a root field that finds one; arguments of `on` are the field's own."""

    on: Where | None
    need: Permission | None = None
    gate: Gate | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Links:
    """Rows that name rows of any kind: their table in column `kind`, their id in column `id`."""

    table: Table
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Many:
    """A connection (read in keyset pages), or with `most` a plain list of at most so many.

    The rows are the target's own, or with `links` those of a table that names rows of any kind.
    """

    on: Where | None
    orders: Mapping[str, Callable[[Columns], ColumnElement[Any]]]
    default: OrderKeys
    need: Permission | None = None
    gate: Gate | None = None
    arguments: tuple[str, ...] = ()
    most: int | None = None
    links: "Links | None" = None


@dataclass(frozen=True, slots=True)
class NodeById:
    """The root field that finds any row by its id, and `nodes` for several of them."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class Document:
    """A root field that is one JSON document: an SQL expression of the arguments, which `check` may refuse first."""

    expression: Callable[..., Expression]
    gate: Gate
    check: Callable[..., None] | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter's own condition; without one a filter field compares the column of its name.

    `replan`: which plan is best depends on the value so much that PostgreSQL makes one for each request.
    """

    where: Callable[[Columns, Any], ColumnElement[bool]]
    replan: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """A field that a Python function makes of columns (or expressions) of the row and of its own arguments.

    `asked` says which of the field's arguments an expression takes beside the row.
    """

    function: Callable[..., Any]
    needs: Mapping[str, Callable[..., Expression]] = field(default_factory=dict)
    need: Permission | None = None
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Poly:
    """An edge to a row of any kind: the row stores the name of its table in one column and its id in another."""

    kind: str
    id: str
    need: Permission | None = None


@dataclass(frozen=True, slots=True)
class PolyId:
    """The id of a row of any kind, that row being there or not."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Events:
    """A root field of the subscription: what happens to one row, in the order of its events' column `cursor`.

    `subject` is the row's table, `prefix` its kind of id and `argument` where it is given. `scope(subject)` is whose
    counter gives the cursors, and with `topic` what readers listen to. With `ended(subject)` nothing follows any
    more. Without a cursor a stream begins with the first event when it is `from_start`, else with the next one.
    `live` are the fields of an event that live text fills, by the keys of its messages.
    """

    subject: Table
    prefix: str
    argument: str
    on: Where
    scope: Callable[[Columns], Expression]
    ended: Callable[[Columns], ColumnElement[bool]] | None
    gate: Gate
    from_start: bool
    topic: str
    live: Mapping[str, str] = field(default_factory=dict)


Declaration = Plain | Sql | Reference | One | Many | NodeById | Computed | Poly | PolyId | Document | Events
