"""A selection over a row becomes the SQL expression of its JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values
from sqlalchemy import (
    ColumnElement,
    DateTime,
    ScalarSelect,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from igny8.access import PERMISSIONS, Audience, Need, Permission, Role
from igny8.errors import BadRequest, Forbidden, Unauthenticated
from igny8.gql.read.completion import TYPE_KEY
from igny8.gql.read.declarations import (
    Computed,
    Document,
    Gate,
    Many,
    NodeById,
    One,
    Plain,
    Poly,
    PolyId,
    Reference,
    Source,
    Sql,
)
from igny8.gql.read.declare import declaration_of, python_name, reference_of, rows_type
from igny8.gql.read.nodes import id_of_table, node_by_id, row_of_table
from igny8.gql.read.pages import Page
from igny8.gql.read.statement import Pairs, Statement, json_object, name_literal, public_id

Selected = dict[str, list[FieldNode]]
#: What PostgreSQL takes an argument of a scalar as, where that is no text.
_HELD: Final = {"DateTime": DateTime(timezone=True)}
DocumentType = GraphQLObjectType | GraphQLUnionType | GraphQLInterfaceType

#: Where a stored document of a union or interface names its GraphQL type.
KIND_KEY: Final = "kind"


class NeedsCompletion(Exception):
    """A computed field is selected: compile again, for Python to complete."""


@dataclass(frozen=True, slots=True)
class Row:
    """The columns an expression may use; documents (JSON columns) have no source."""

    columns: Any
    source: Source | None


class Compiler:
    """Compiles one operation for one role; `denied` collects the root keys that the role may not read."""

    def __init__(
        self,
        schema: GraphQLSchema,
        sources: Mapping[str, Source],
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        role: Role | None,
        *,
        completing: bool = False,
    ) -> None:
        """`completing`: Python completes what is read, so PostgreSQL need not raise for nulls."""
        self.completing = completing
        self.schema, self.sources, self.fragments, self.variables = schema, sources, fragments, variables
        self.role = role
        self.permissions = PERMISSIONS[role] if role else frozenset()
        self.statement = Statement()

    def may(self, need: Need | None) -> bool:
        if isinstance(need, Permission):
            return need in self.permissions
        return need is not Audience.SIGNED_IN or self.role is not None

    def collect(
        self,
        type_: GraphQLNamedType,
        sets: Iterable[SelectionSetNode | None],
        into: Selected | None = None,
        seen: set[str] | None = None,
    ) -> Selected:
        """The fields selected on an object type, by response key, fragments and directives resolved."""
        found: Selected = {} if into is None else into
        seen = set() if seen is None else seen
        for node in (node for selected in sets if selected for node in selected.selections):
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in seen:
                    continue
                seen.add(node.name.value)
            fragment: Any = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if self._applies(fragment, type_):
                self.collect(type_, [fragment.selection_set], found, seen)
        return found

    def _applies(self, fragment: Any, type_: GraphQLNamedType) -> bool:
        if fragment.type_condition is None or fragment.type_condition.name.value == type_.name:
            return True
        condition = self.schema.type_map[fragment.type_condition.name.value]
        return isinstance(condition, GraphQLInterfaceType | GraphQLUnionType) and self.schema.is_sub_type(
            condition,
            type_,
        )

    def _included(self, node: Any) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def arguments(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        return get_argument_values(field, node, self.variables)

    def own_arguments(self, field: GraphQLField, names: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
        """The arguments that a declared condition asks for, bound; absent and null are None."""
        made: dict[str, Any] = {}
        for public, argument in field.args.items():
            definition = argument.extensions["strawberry-definition"]
            if definition.python_name in names:
                value = given.get(public)
                kind = reference_of(definition.type_annotation.annotation)
                if value is None:
                    made[definition.python_name] = None
                elif kind:
                    made[definition.python_name] = self.statement.bind_id(value, kind.prefix, public)
                else:
                    held = _HELD.get(get_named_type(argument.type).name, Text())
                    made[definition.python_name] = self.statement.bind(value, held)
        return made

    def object(
        self, type_: GraphQLObjectType, nodes: Sequence[FieldNode], row: Row, path: str, *, abstract: bool = False
    ) -> ColumnElement[Any]:
        """The JSON of what is selected of a row; `abstract`: where it could be of another type."""
        pairs: Pairs = [(TYPE_KEY, name_literal(type_.name))] if abstract and self.completing else []
        for key, same in self.collect(type_, [node.selection_set for node in nodes]).items():
            name = same[0].name.value
            if name == "__typename":
                pairs.append((key, name_literal(type_.name)))
            else:
                pairs.append((key, self._value(type_.fields[name], name, same, row, f"{path}.{key}")))
        return json_object(pairs)

    def _value(
        self, field: GraphQLField, name: str, nodes: list[FieldNode], row: Row, path: str
    ) -> ColumnElement[Any]:
        declared = declaration_of(field)
        lacking = self._lacking(declared, field)
        if lacking is not None:
            if isinstance(declared, Sql) and declared.otherwise is not None:
                return declared.otherwise
            if is_non_null_type(field.type):
                raise Forbidden(f"Reading '{path}' needs the permission {lacking}.")
            return null()
        if isinstance(declared, One):
            return self._one(declared, field, nodes, row, path)
        if isinstance(declared, Many):
            return self._many(declared, field, nodes, path, row)
        if isinstance(declared, Computed):
            return self._needed(declared, field, nodes[0], row)
        if isinstance(declared, Poly):
            kind, id = row.columns[declared.kind], row.columns[declared.id]
            return self.promised(row_of_table(self, field, nodes, kind, id, path, row), field, path)
        if isinstance(declared, PolyId):
            return id_of_table(self, row.columns[declared.kind], row.columns[declared.id])
        if isinstance(declared, Reference):
            return public_id(declared.prefix, row.columns[declared.column])
        if isinstance(declared, Sql):
            return self._leaf(declared.expression(row.columns), field, nodes, path, sure=declared.never_null)
        if name == "id" and row.source:
            return public_id(row.source.prefix, row.columns.id)
        column = row.columns[python_name(field) if row.source else name]
        return self._leaf(column, field, nodes, path, sure=row.source is not None)

    def _lacking(self, declared: Any, field: GraphQLField) -> Need | None:
        """What the viewer lacks to read a field: its own permission, or that of the rows it leads to."""
        if isinstance(declared, Plain | Sql | One | Many | Computed | Poly) and not self.may(declared.need):
            return declared.need
        if isinstance(declared, One) or (isinstance(declared, Many) and declared.links is None):
            need = self.sources[rows_type(field).name].need
            return None if self.may(need) else need
        return None

    def _leaf(
        self, value: Any, field: GraphQLField, nodes: list[FieldNode], path: str, *, sure: bool
    ) -> ColumnElement[Any]:
        target = get_named_type(field.type)
        if isinstance(target, GraphQLObjectType | GraphQLUnionType | GraphQLInterfaceType):
            return self._document(target, field.type, nodes, value, path)
        made = cast(value, Text) if target.name == "Decimal" else value
        return made if sure else self.promised(func.to_json(made), field, path)

    def _needed(self, declared: Computed, field: GraphQLField, node: FieldNode, row: Row) -> ColumnElement[Any]:
        """What the function of a computed field asks for, in the field's place."""
        if not self.completing:
            raise NeedsCompletion
        needed: Pairs = []
        for name, read in declared.needs.items():
            asked = declared.asked.get(name, ())
            own = self.own_arguments(field, asked, self.arguments(field, node)) if asked else {}
            needed.append((name, read(row.columns, **own)))
        return json_object(needed)

    def _one(
        self, declared: One, field: GraphQLField, nodes: list[FieldNode], row: Row, path: str
    ) -> ColumnElement[Any]:
        target = get_named_type(field.type)
        source = self.sources[target.name]
        other = source.alias()
        own = self.own_arguments(field, declared.arguments, self.arguments(field, nodes[0]))
        on = (
            declared.on(row.columns, other.c, **own)
            if declared.on
            else other.c.id == row.columns[f"{python_name(field)}_id"]
        )
        found = select(self.object(target, nodes, Row(other.c, source), path)).select_from(other)  # type: ignore[arg-type]  # an object type: it has a source
        found = found.where(same_account(row, other.c, on)).limit(literal_column("1")).correlate_except(other)
        return self.promised(found.scalar_subquery(), field, path)

    def _many(
        self, declared: Many, field: GraphQLField, nodes: list[FieldNode], path: str, row: Row | None
    ) -> ColumnElement[Any]:
        own = self.own_arguments(field, declared.arguments, self.arguments(field, nodes[0]))

        def base(columns: Any) -> ColumnElement[bool] | None:
            if row is None:
                return declared.on(columns, **own) if declared.on else None
            return same_account(row, columns, declared.on(row.columns, columns, **own))  # type: ignore[misc]  # edges have one

        if declared.most is not None:
            return self._list(declared, self._size(field, nodes[0], declared.most), field, nodes, path, base)
        return Page(self, declared, field, nodes, path, base).compile()

    def _size(self, field: GraphQLField, node: FieldNode, most: int) -> ColumnElement[Any]:
        """How many rows of a plain list are asked for."""
        given = self.arguments(field, node).get("first")
        if given is None:
            return literal_column(str(most))
        self.statement.check_size(given, "first")
        return func.least(self.statement.bind_size(given, "first", plus=0), literal_column(str(most)))

    def _list(
        self,
        declared: Many,
        most: ColumnElement[Any],
        field: GraphQLField,
        nodes: list[FieldNode],
        path: str,
        base: Callable[[Any], ColumnElement[bool] | None],
    ) -> ColumnElement[Any]:
        target: GraphQLObjectType = get_named_type(field.type)  # type: ignore[assignment]  # declared over rows
        source = self.sources[target.name]
        table = source.alias()
        condition = base(table.c)
        order = [make(table.c).desc() if desc else make(table.c).asc() for _, make, desc in declared.default]
        inner = select(*(table.c[column.name] for column in source.visible))
        if condition is not None:
            inner = inner.where(condition)
        inner = inner.order_by(*order, *([table.c.id] if "id" in table.c else [])).limit(most).correlate_except(table)
        rows = inner.subquery()
        listed = func.json_agg(self.object(target, nodes, Row(rows.c, source), path))
        return select(func.coalesce(listed, literal_column("'[]'::json"))).select_from(rows).scalar_subquery()

    def promised(self, value: ColumnElement[Any], field: GraphQLField, path: str) -> ColumnElement[Any]:
        """Make PostgreSQL raise where a value that the schema calls non-null is null after all."""
        if is_non_null_type(field.type) and not self.completing:
            return func.coalesce(cast(value, JSON), func.gql_null(name_literal(path)))
        return value

    def _document(
        self, type_: DocumentType, output: GraphQLOutputType, nodes: list[FieldNode], value: Any, path: str
    ) -> ColumnElement[Any]:
        """A selection into a JSON document, or into each document of a list."""
        if isinstance(value, ScalarSelect):
            # In a FROM of its own, so that it is computed once and not for every key.
            source = select(value.label("document")).subquery()
            shown = self._shown(type_, output, nodes, source.c.document, path)
            return select(shown).select_from(source).correlate_except(source).scalar_subquery()
        return self._shown(type_, output, nodes, value, path)

    def _shown(
        self, type_: DocumentType, output: GraphQLOutputType, nodes: list[FieldNode], document: Any, path: str
    ) -> ColumnElement[Any]:
        if is_list_type(get_nullable_type(output)):
            made = self._documents(type_, nodes, document, path)
        else:
            made = self._keys(type_, nodes, document, path)
        return case((document.is_(None), null()), else_=made)

    def _documents(
        self, type_: DocumentType, nodes: list[FieldNode], documents: Any, path: str
    ) -> ColumnElement[Any]:
        item = func.jsonb_array_elements(documents).table_valued("value", with_ordinality="at").render_derived()
        made = self._keys(type_, nodes, item.c.value, path)
        listed = func.coalesce(func.json_agg(aggregate_order_by(made, item.c.at)), literal_column("'[]'::json"))
        return select(listed).select_from(item).correlate_except(item).scalar_subquery()

    def _keys(self, type_: DocumentType, nodes: list[FieldNode], document: Any, path: str) -> ColumnElement[Any]:
        """What is selected of a document; one of an abstract type says under KIND_KEY which it is."""
        row = Row(_Keys(document), None)
        if isinstance(type_, GraphQLObjectType):
            return self.object(type_, nodes, row, path)
        kind = document.op("->>")(name_literal(KIND_KEY))
        possible = self.schema.get_possible_types(type_)
        arms = [
            (kind == name_literal(one.name), self.object(one, nodes, row, path, abstract=True)) for one in possible
        ]
        return case(*arms, else_=null())

    def root(self, field: GraphQLField, nodes: list[FieldNode], key: str) -> ColumnElement[Any]:
        """The JSON of one root field. Raises Unauthenticated or Forbidden for what the role may not read."""
        declared = declaration_of(field)
        if isinstance(declared, NodeById):
            return node_by_id(self, field, nodes, key)
        lacking = self._lacking(declared, field)
        if lacking is not None:
            raise Forbidden(f"Reading '{key}' needs the permission {lacking}.")
        if isinstance(declared, Many):
            return self._many(declared, field, nodes, key, None)
        if isinstance(declared, Document):
            return self._whole(declared, field, nodes, key)
        target: GraphQLObjectType = get_named_type(field.type)  # type: ignore[assignment]  # declared over rows
        source = self.sources[target.name]
        table = source.alias()
        own = self.own_arguments(field, declared.arguments, self.arguments(field, nodes[0]))
        found = select(self.object(target, nodes, Row(table.c, source), key)).select_from(table)
        found = found.where(declared.on(table.c, **own)).limit(literal_column("1")).correlate_except(table)
        return self.promised(found.scalar_subquery(), field, key)

    def _whole(self, declared: Document, field: GraphQLField, nodes: list[FieldNode], key: str) -> ColumnElement[Any]:
        """A root field that is a document as a whole."""
        given = self.arguments(field, nodes[0])
        if declared.check is not None:
            self.statement.check_together(declared.check, _by_python_name(field, given))
        own = self.own_arguments(field, declared.arguments, given)
        target: GraphQLObjectType = get_named_type(field.type)  # type: ignore[assignment]  # declared as one
        document = self._document(target, field.type, nodes, declared.expression(**own), key)
        return self.promised(document, field, key)


def _by_python_name(field: GraphQLField, given: Mapping[str, Any]) -> dict[str, Any]:
    names = {public: part.extensions["strawberry-definition"].python_name for public, part in field.args.items()}
    return {names[public]: value for public, value in given.items()}


class _Keys:
    """Lets a JSON document be read like columns: `columns["heading"]`."""

    def __init__(self, document: Any) -> None:
        self._document = document

    def __getitem__(self, name: str) -> Any:
        return func.nullif(self._document.op("->")(name_literal(name)), literal_column("'null'::jsonb"))


def refuse(gate: Gate, role: Role | None, *, account_named: bool) -> Unauthenticated | Forbidden | BadRequest | None:
    """Why a viewer of this role may not use a root field, or None."""
    if gate.need is Audience.PUBLIC:
        return None
    if role is None:
        return Unauthenticated("Sign in first: this field needs an access token.")
    if isinstance(gate.need, Permission) and gate.need not in PERMISSIONS[role]:
        return Forbidden(f"Your role ({role}) lacks the permission {gate.need} that this field needs.")
    if not gate.anywhere and not account_named and role in (Role.DEVELOPER, Role.SYSTEM_BOT):
        return BadRequest("Name the account to act on in the header X-Igny8-Account (acc_...).")
    return None


def same_account(row: Row, other: Any, on: Any) -> ColumnElement[bool]:
    """Say the account too: the indexes lead with it, and roles that see all accounts need it for a right answer."""
    if row.source is None or "account_id" not in other:
        return on  # type: ignore[no-any-return]  # a condition
    if "account_id" in row.columns:
        return and_(other.account_id == row.columns.account_id, on)
    if row.source.prefix == "acc":
        return and_(other.account_id == row.columns.id, on)
    return on  # type: ignore[no-any-return]  # a condition
