"""A page of events becomes one expression: what is told of the row they are of, and the events after a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)
from graphql.execution.values import VariableValues
from sqlalchemy import ColumnElement, Integer, Table, Uuid, and_, false, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, JSON, aggregate_order_by

from igny8.gql.read.declarations import Events
from igny8.gql.read.statement import Plan, Statement
from igny8.gql.read.variables import Slot

if TYPE_CHECKING:
    from igny8.gql.read.objects import Compiler
    from igny8.gql.read.plans import Operation

#: Settings of the session that reads; what names them is for that session alone.
_PERSONAL: Final = frozenset({"app.user_id", "app.session_id"})


@dataclass(frozen=True, slots=True)
class EventRoot:
    """The root field of one subscription, as it was asked for; `key` is where its events stand in the answer."""

    declared: Events
    field: GraphQLField
    nodes: list[FieldNode]
    key: str

    @property
    def name(self) -> str:
        return self.nodes[0].name.value


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was selected, and the errors in it; a null that may not be one leaves nothing but those."""

    cursor: int
    value: Any
    errors: Sequence[GraphQLError] = ()


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order. `ended`: when these were read, none could follow. `latest` is the last one there is, or 0."""

    events: list[Event]
    ended: bool
    scope_id: UUID
    latest: int


def page_of_events(compiler: "Compiler", root: EventRoot) -> ColumnElement[Any]:
    """The JSON of an EventPage, null when the row is not to be seen; bound to @subject, @after and @most."""
    from igny8.gql.read.objects import Row

    declared, target = root.declared, get_named_type(root.field.type)
    source, subject = compiler.sources[target.name], declared.subject.alias()
    table = source.alias()
    mine = table.c.account_id == subject.c.account_id
    inner = select(*(table.c[column.name] for column in source.visible))
    inner = inner.where(mine, declared.on(subject.c, table.c))
    inner = inner.where(table.c.cursor > compiler.statement.bind(Slot(("@after",)), table.c.cursor.type))
    inner = inner.order_by(table.c.cursor).limit(compiler.statement.bind(Slot(("@most",)), Integer()))
    rows = inner.correlate_except(table).subquery()
    event = compiler.object(_object(target), root.nodes, Row(rows.c, source), root.key)
    listed = func.json_agg(aggregate_order_by(func.json_build_array(rows.c.cursor, event), rows.c.cursor), type_=JSON)
    page = select(func.coalesce(listed, literal_column("'[]'::json"))).select_from(rows)
    all_of_them = source.alias()
    latest = select(func.max(all_of_them.c.cursor)).select_from(all_of_them)
    latest = latest.where(all_of_them.c.account_id == subject.c.account_id, declared.on(subject.c, all_of_them.c))
    made = func.json_build_array(
        declared.ended(subject.c) if declared.ended else false(),
        declared.scope(subject.c),
        func.coalesce(latest.correlate_except(all_of_them).scalar_subquery(), literal_column("0")),
        page.scalar_subquery(),
        type_=JSON,
    )
    found = (
        select(made)
        .select_from(subject)
        .where(subject.c.id == compiler.statement.bind(Slot(("@subject",)), subject.c.id.type))
    )
    return found.limit(literal_column("1")).correlate_except(subject).scalar_subquery()


def decoded(plan: Plan, text: bytes, variables: VariableValues, key: str) -> EventPage:
    """What PostgreSQL made of `page_of_events`, completed where the plan says so."""
    ended, scope_id, latest, found = orjson.loads(text)
    events = [_completed(plan, cursor, value, variables, key) for cursor, value in found]
    return EventPage(events, ended, UUID(scope_id), latest)


def below(operation: "Operation", root: EventRoot, variables: VariableValues) -> VariableValues:
    """The variables that decide what is selected of an event: not those that say of what and since when."""
    used = _Variables()
    for node in root.nodes:
        visit(node.selection_set, used)  # type: ignore[arg-type]  # events are objects
    for fragment in operation.fragments.values():
        visit(fragment, used)
    return variables._replace(
        coerced={name: value for name, value in variables.coerced.items() if name in used.names}
    )


def positions(declared: Events, events: Table) -> Plan:
    """`[[id, last cursor or 0], ...]` of those rows @ids of the accounts @accounts that are there."""
    statement, subject, event = Statement(), declared.subject.alias(), events.alias()
    accounts = statement.bind(Slot(("@accounts",)), ARRAY(Uuid()))
    given = func.unnest(accounts, statement.bind(Slot(("@ids",)), ARRAY(Uuid())))
    asked = given.table_valued("account_id", "id").render_derived()
    latest = select(func.coalesce(func.max(event.c.cursor), literal_column("0"))).select_from(event)
    latest = latest.where(event.c.account_id == subject.c.account_id, declared.on(subject.c, event.c))
    listed = func.json_agg(
        func.json_build_array(subject.c.id, latest.correlate_except(event).scalar_subquery()), type_=JSON
    )
    same = and_(subject.c.account_id == asked.c.account_id, subject.c.id == asked.c.id)
    found = select(listed).select_from(asked.join(subject, same)).scalar_subquery()
    return statement.finish([("positions", found)], {}, None)


def is_personal(plan: Plan) -> bool:
    """Whether what it reads is for the session that reads alone."""
    return any(isinstance(bind.value, str) and bind.value in _PERSONAL for bind in plan.binds)


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)


def _completed(plan: Plan, cursor: int, value: Any, variables: VariableValues, key: str) -> Event:
    if plan.completion is None:
        return Event(cursor, value)
    made, errors = plan.completion.of("value", orjson.dumps(value), variables, [key])
    if isinstance(made, GraphQLError):
        return Event(cursor, None, [*errors, made])
    return Event(cursor, orjson.loads(made or b"null"), errors)


def _object(type_: Any) -> GraphQLObjectType:
    found: GraphQLObjectType = type_
    return found
