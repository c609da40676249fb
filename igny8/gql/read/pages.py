"""A connection becomes a keyset page: inner rows first (where, order, limit), their JSON around them.

NULLs come last in either direction; the id breaks ties, in the direction of the last key. A cursor is the base64
of a JSON array: the order's signature, the keys as text, the id.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLField, GraphQLInputObjectType, GraphQLObjectType, get_named_type
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, aggregate_order_by
from sqlalchemy.sql.elements import Grouping

from igny8.access import Audience
from igny8.errors import BadRequest
from igny8.gql.read.declarations import Many, OrderKeys, Source
from igny8.gql.read.declare import PAGE_SIZE, Direction
from igny8.gql.read.filters import conditions
from igny8.gql.read.nodes import is_there, row_of_table
from igny8.gql.read.statement import Pairs, json_object, name_literal
from igny8.gql.read.variables import Slot

if TYPE_CHECKING:
    from igny8.gql.read.objects import Compiler

Base = Callable[[Any], ColumnElement[bool] | None]


class Page:
    """One connection in the making: its arguments, its order, and what of it is selected."""

    def __init__(
        self,
        compiler: "Compiler",
        declared: Many,
        field: GraphQLField,
        nodes: list[FieldNode],
        path: str,
        base: Base,
    ) -> None:
        self.compiler, self.statement, self.path, self.base = compiler, compiler.statement, path, base
        self.given = compiler.arguments(field, nodes[0])
        self.connection: GraphQLObjectType = get_named_type(field.type)  # type: ignore[assignment]  # a connection
        self.node_type: GraphQLObjectType = get_named_type(self.connection.fields["nodes"].type)
        self.links = declared.links
        if declared.links is None:
            self.source, self.tie = compiler.sources[self.node_type.name], "id"
        else:
            self.source, self.tie = Source(declared.links.table, "", Audience.PUBLIC), declared.links.id
        self.filter_type: GraphQLInputObjectType | None = (
            get_named_type(field.args["filter"].type) if "filter" in field.args else None  # type: ignore[assignment]  # an input
        )
        if self.given.get("first") is not None and self.given.get("last") is not None:
            raise BadRequest(f"'{path}': give 'first' or 'last', not both.")
        self.backward = self.given.get("last") is not None
        self.size_argument = "last" if self.backward else "first"
        size = self.given.get(self.size_argument)
        self.size = PAGE_SIZE if size is None else size
        self.keys = _order(declared, self.given.get("orderBy"))
        self.signature = ",".join(f"{name}{'-' if desc else '+'}" for name, _, desc in self.keys)
        self.selected = compiler.collect(self.connection, [node.selection_set for node in nodes])
        self.statement.check_size(self.size, self.size_argument)
        for mark in ("after", "before"):
            if self.given.get(mark) is not None:
                self.statement.check_cursor(self.given[mark], mark, self.signature)

    @cached_property
    def page_info(self) -> set[str]:
        """The names that are selected of pageInfo, under whatever key."""
        found = [nodes for nodes in self.selected.values() if nodes[0].name.value == "pageInfo"]
        type_ = get_named_type(self.connection.fields["pageInfo"].type)
        collected = [self.compiler.collect(type_, [node.selection_set for node in nodes]) for nodes in found]
        return {nodes[0].name.value for selected in collected for nodes in selected.values()}

    @cached_property
    def looks_ahead(self) -> bool:
        """Whether one row more than the page is read, to know if there is one."""
        return ("hasPreviousPage" if self.backward else "hasNextPage") in self.page_info

    def compile(self) -> ColumnElement[Any]:
        names = {nodes[0].name.value for nodes in self.selected.values()}
        reads_rows = (
            bool(names & {"edges", "nodes"}) or self.looks_ahead or self.page_info & {"startCursor", "endCursor"}
        )
        rows = _Rows(self) if reads_rows else None
        pairs: Pairs = [(key, self._part(key, nodes, rows)) for key, nodes in self.selected.items()]
        made = json_object(pairs)
        if rows is None:
            return made
        return select(made).select_from(rows.table).correlate_except(rows.table).scalar_subquery()

    def _part(self, key: str, nodes: list[FieldNode], rows: "_Rows | None") -> Any:
        name = nodes[0].name.value
        if name == "__typename":
            return name_literal(self.connection.name)
        if name == "totalCount":
            table = self.source.alias()
            counted = select(func.count()).select_from(table).where(*self.matching(table.c))
            return counted.correlate_except(table).scalar_subquery()
        if name == "pageInfo":
            return self._page_info(nodes, rows)
        if rows is None:
            raise AssertionError("edges and nodes read rows")
        path = f"{self.path}.{key}"
        if name == "nodes":
            return rows.listed(rows.node(nodes, path))
        return rows.listed(self._edge(nodes, rows, path))

    def _edge(self, nodes: list[FieldNode], rows: "_Rows", path: str) -> ColumnElement[Any]:
        edge: GraphQLObjectType = get_named_type(self.connection.fields["edges"].type)
        pairs: Pairs = []
        for key, same in self.compiler.collect(edge, [node.selection_set for node in nodes]).items():
            name = same[0].name.value
            if name == "__typename":
                pairs.append((key, name_literal(edge.name)))
            else:
                pairs.append((key, rows.cursor() if name == "cursor" else rows.node(same, f"{path}.{key}")))
        return json_object(pairs)

    def _page_info(self, nodes: list[FieldNode], rows: "_Rows | None") -> ColumnElement[Any]:
        type_ = get_named_type(self.connection.fields["pageInfo"].type)
        pairs: Pairs = []
        for key, same in self.compiler.collect(type_, [node.selection_set for node in nodes]).items():
            name = same[0].name.value
            if name == "__typename":
                pairs.append((key, name_literal(type_.name)))
            elif name in ("startCursor", "endCursor") and rows is not None:
                pairs.append((key, rows.end_cursor(last=name == "endCursor")))
            elif self.looks_ahead and rows is not None and (name == "hasPreviousPage") == self.backward:
                pairs.append((key, func.count() > self.limit(0)))
            else:
                mark = "before" if name == "hasNextPage" else "after"
                pairs.append((key, self._exists_beyond(mark)))
        return json_object(pairs)

    def _exists_beyond(self, mark: str) -> ColumnElement[bool]:
        """Whether there are rows on the far side of the cursor, the cursor's own row included."""
        if self.given.get(mark) is None:
            return false()
        table = self.source.alias()
        beyond = self.keyset(table.c, mark, forward=mark == "before", inclusive=True)
        there: Select[Any] = select(literal_column("1")).select_from(table).where(*self.matching(table.c), beyond)
        return select(exists(there.correlate_except(table))).scalar_subquery()

    def matching(self, columns: Any) -> list[ColumnElement[bool]]:
        base = self.base(columns)
        found: list[ColumnElement[bool]] = [] if base is None else [base]
        if self.links is not None:
            found.append(is_there(self.compiler, columns, self.links))
        if self.filter_type is not None:
            found += conditions(self.statement, self.filter_type, self.given.get("filter") or {}, columns)
        return found

    def limit(self, plus: int) -> ColumnElement[Any]:
        if isinstance(self.size, Slot):
            return self.statement.bind_size(self.size, self.size_argument, plus=plus)
        return literal_column(str(self.size + plus), Integer)

    def ordered(self, columns: Any) -> list[Any]:
        """The ORDER BY of the inner rows: turned round when the page is taken from the end."""
        made = []
        for _, key, desc in self.keys:
            column = key(columns)
            by = column.desc() if desc != self.backward else column.asc()
            if self._may_be_null(key):
                by = by.nulls_first() if self.backward else by.nulls_last()
            made.append(by)
        tie = columns[self.tie]
        return [*made, tie.desc() if self.keys[-1][2] != self.backward else tie.asc()]

    def keyset(self, columns: Any, mark: str, *, forward: bool, inclusive: bool) -> ColumnElement[bool]:
        """Rows after the cursor (`forward`) or before it."""
        keys = [(key(columns), desc, self._may_be_null(key)) for _, key, desc in self.keys]
        keys.append((columns[self.tie], keys[-1][1], False))
        marks = [
            cast(self.statement.bind_cursor(self.given[mark], mark, self.signature, part), column.type)
            for part, (column, _, _) in enumerate(keys)
        ]
        one_direction = len({desc for _, desc, _ in keys}) == 1
        if one_direction and not any(may_be_null for _, _, may_be_null in keys):
            left, right = tuple_(*(column for column, _, _ in keys)), tuple_(*marks)
            if keys[0][1] != forward:
                return left >= right if inclusive else left > right
            return left <= right if inclusive else left < right
        rest: ColumnElement[bool] | None = None
        for (column, desc, may_be_null), value in reversed(list(zip(keys, marks, strict=True))):
            beyond = column > value if desc != forward else column < value
            same = column == value
            if may_be_null:
                beyond = _beyond_with_null(column, value, beyond, forward=forward)
                same = column.is_not_distinct_from(value)
            equal_so_far = same if rest is None else and_(same, rest)
            rest = beyond if rest is None and not inclusive else or_(beyond, equal_so_far)
        return rest  # type: ignore[return-value]  # there is always the id

    def _may_be_null(self, key: Callable[[Any], ColumnElement[Any]]) -> bool:
        """Whether the key of an order can be null, as the table says; of an expression nobody knows."""
        return bool(getattr(key(self.source.table.c), "nullable", True))


class _Rows:
    """The page's rows as a sub-select, and aggregates over them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        table = page.source.alias()
        inner = select(*(table.c[column.name] for column in page.source.visible))
        inner = inner.where(*page.matching(table.c)).order_by(*page.ordered(table.c))
        for mark, forward in (("after", True), ("before", False)):
            if page.given.get(mark) is not None:
                inner = inner.where(page.keyset(table.c, mark, forward=forward, inclusive=False))
        limited = inner.limit(page.limit(1 if page.looks_ahead else 0)).correlate_except(table).subquery()
        self.numbered = page.looks_ahead or page.backward or bool(page.page_info & {"startCursor", "endCursor"})
        if self.numbered:
            limited = select(limited, func.row_number().over().label("_n")).subquery()
        self.table = limited
        self.kept = (limited.c._n <= page.limit(0)) if page.looks_ahead else None

    def _in_order(self, value: Any) -> Any:
        """PostgreSQL sorts once for all ordered aggregates of a select, so every one of them names the same order."""
        if not self.numbered:
            return value
        number = self.table.c._n
        return aggregate_order_by(value, number.desc() if self.page.backward else number.asc())

    def listed(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        made = func.json_agg(self._in_order(value), type_=JSON)
        return func.coalesce(made if self.kept is None else made.filter(self.kept), literal_column("'[]'::json"))

    def node(self, nodes: list[FieldNode], path: str) -> ColumnElement[Any]:
        from igny8.gql.read.objects import Row

        row = Row(self.table.c, self.page.source)
        if self.page.links is not None:
            field, links = self.page.connection.fields["nodes"], self.page.links
            kind, id = self.table.c[links.kind], self.table.c[links.id]
            return row_of_table(self.page.compiler, field, nodes, kind, id, path, row)
        return self.page.compiler.object(self.page.node_type, nodes, row, path)

    def cursor(self) -> ColumnElement[Any]:
        columns = self.table.c
        keys = (cast(key(columns), Text) for _, key, _ in self.page.keys)
        text = cast(func.json_build_array(name_literal(self.page.signature), *keys, columns[self.page.tie]), Text)
        encoded = func.encode(func.convert_to(text, name_literal("UTF8")), name_literal("base64"))
        return func.translate(encoded, literal_column(r"E'\n'"), name_literal(""))

    def end_cursor(self, *, last: bool) -> ColumnElement[Any]:
        listed = func.array_agg(self._in_order(self.cursor()), type_=ARRAY(Text))
        counted = func.count()
        if self.kept is not None:
            listed, counted = listed.filter(self.kept), counted.filter(self.kept)  # type: ignore[assignment]  # still an aggregate
        at = cast(counted, Integer) if last else literal_column("1", Integer)
        return Grouping(listed)[at]


def _order(declared: Many, given: Any) -> OrderKeys:
    asked = [
        (part["field"].value, declared.orders[part["field"].value], part["direction"] is Direction.DESC)
        for part in given or []
    ]
    return tuple(asked) or declared.default


def _beyond_with_null(column: Any, value: Any, beyond: Any, *, forward: bool) -> Any:
    """`beyond` where nulls come last, in the column and in the cursor."""
    after_value = (
        and_(column.is_(None), value.is_not(None)) if forward else and_(column.is_not(None), value.is_(None))
    )
    return or_(func.coalesce(beyond, false()), after_value)
