"""Documents and plans that were seen before, both in bounded tables: nothing is parsed or compiled twice."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from igny8.access import Audience, Role
from igny8.errors import BadRequest, RequestError
from igny8.gql.read.completion import Completion
from igny8.gql.read.declarations import Source
from igny8.gql.read.declare import declaration_of
from igny8.gql.read.events import EventRoot, page_of_events
from igny8.gql.read.nodes import rows_by_ids
from igny8.gql.read.objects import Compiler, NeedsCompletion, refuse
from igny8.gql.read.statement import Pairs, Plan, name_literal
from igny8.gql.read.variables import symbolize

PLANS_PER_OPERATION: Final = 50

Roots = dict[str, tuple[Any, list[FieldNode]]]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Lru(Generic[Key, Value]):
    """A table of at most `size` entries; the one not used for longest goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: Key, value: Value) -> Value:
        self._entries[key] = value
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(slots=True)
class Operation:
    """One operation of a valid document. `roots` are all its root fields, skipped or not.

    `reads_alone`: every root field is compiled, none needs the executor. `public`: nobody need be signed in.
    """

    document: DocumentNode
    definition: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    roots: list[FieldNode]
    reads_alone: bool
    public: bool
    plans: Lru[Any, Plan] = field(default_factory=lambda: Lru(PLANS_PER_OPERATION))
    payload_plans: Lru[Any, Plan] = field(default_factory=lambda: Lru(PLANS_PER_OPERATION))

    @property
    def kind(self) -> OperationType:
        return self.definition.operation


@dataclass(frozen=True, slots=True)
class Planning:
    """A plan that may have to be compiled: that takes up to seconds of CPU for the largest of documents."""

    plans: Lru[Any, Plan]
    key: Hashable
    compile: Callable[[], Plan]

    def kept(self) -> Plan | None:
        return self.plans.get(self.key)

    def made(self) -> Plan:
        """The plan, compiled here and now if need be. Raises RequestError for arguments that cannot be."""
        return self.kept() or self.plans.put(self.key, self.compile())


class Planner:
    """Turns operations into plans for a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.sources = sources_of(schema)

    def operation(self, document: DocumentNode, name: str | None) -> Operation:
        """The operation to run. Raises GraphQLError when the name picks none, or none is given among several."""
        definitions = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
        if name is None and len(definitions) > 1:
            raise GraphQLError("The document holds several operations: say which one in 'operationName'.")
        found = next((d for d in definitions if name is None or (d.name and d.name.value == name)), None)
        if found is None:
            raise GraphQLError(
                f"The document holds no operation named '{name}'." if name else "There is no operation."
            )
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        roots = _root_fields(found.selection_set.selections, fragments, set())
        if found.operation is not OperationType.QUERY:
            return Operation(document, found, fragments, roots, reads_alone=False, public=False)
        query: GraphQLObjectType = self.schema.query_type  # type: ignore[assignment]  # every schema has one
        names = {node.name.value for node in roots} - {"__typename"}
        declared = [declaration_of(query.fields[name]) if name in query.fields else None for name in names]
        public = all(read is not None and read.gate.need is Audience.PUBLIC for read in declared)
        alone = all(read is not None for read in declared) and not found.directives
        return Operation(document, found, fragments, roots, reads_alone=alone, public=public)

    def coerce(self, operation: Operation, variables: dict[str, Any]) -> VariableValues | list[GraphQLError]:
        definitions = operation.definition.variable_definitions or ()
        return get_variable_values(self.schema, definitions, variables, max_errors=20, hide_suggestions=True)

    def plan(
        self,
        operation: Operation,
        variables: VariableValues,
        role: Role | None,
        *,
        account_named: bool,
        completing: bool = False,
    ) -> "Planning":
        """The plan for all compiled root fields of a query; `completing` when a promised value was null."""
        symbols, shape = self._symbolized(operation, variables)

        def compiled() -> Plan:
            return self._completed(
                operation,
                symbols,
                role,
                lambda compiler: self._compile(operation, compiler, role, account_named=account_named),
                completing=completing,
            )

        return Planning(operation.plans, (role, account_named, shape, completing), compiled)

    def payload_plan(
        self,
        operation: Operation,
        variables: VariableValues,
        role: Role | None,
        *,
        nodes: list[FieldNode],
        output: GraphQLOutputType,
        path: str,
        completing: bool = False,
    ) -> "Planning":
        """The plan that reads what a payload or event points to."""
        several = is_list_type(get_nullable_type(output))
        symbols, shape = self._symbolized(operation, variables)
        target: GraphQLObjectType = get_named_type(output)  # type: ignore[assignment]  # an object with rows

        def of_rows(compiler: Compiler) -> tuple[Plan, Roots]:
            value = rows_by_ids(compiler, target, nodes, path, several=several)
            return compiler.statement.finish([("value", value)], {}, role), {"value": (output, nodes)}

        def compiled() -> Plan:
            return self._completed(operation, symbols, role, of_rows, completing=completing)

        return Planning(operation.payload_plans, (role, shape, path, several, completing), compiled)

    def event_plan(
        self,
        operation: Operation,
        variables: VariableValues,
        role: Role,
        root: EventRoot,
        *,
        completing: bool = False,
    ) -> "Planning":
        """The plan that reads pages of events; of the variables only those that it depends on."""
        symbols, shape = self._symbolized(operation, variables)

        def of_events(compiler: Compiler) -> tuple[Plan, Roots]:
            page = page_of_events(compiler, root)
            return compiler.statement.finish([("value", page)], {}, role), {"value": (root.field.type, root.nodes)}

        def compiled() -> Plan:
            return self._completed(operation, symbols, role, of_events, completing=completing)

        return Planning(operation.payload_plans, (role, shape, root.key, completing), compiled)

    def event_root(self, operation: Operation, variables: VariableValues) -> EventRoot:
        """The root field that a subscription asks for. Raises BadRequest when it is left out."""
        type_: GraphQLObjectType = self.schema.subscription_type  # type: ignore[assignment]  # validated against it
        compiler = Compiler(self.schema, self.sources, operation.fragments, variables, None)
        for key, nodes in compiler.collect(type_, [operation.definition.selection_set]).items():
            field = type_.fields[nodes[0].name.value]
            return EventRoot(declaration_of(field), field, nodes, key)
        raise BadRequest("The subscription asks for nothing: its field is left out by a directive.")

    def _completed(
        self,
        operation: Operation,
        variables: VariableValues,
        role: Role | None,
        compile: Callable[[Compiler], tuple[Plan, Roots]],
        *,
        completing: bool,
    ) -> Plan:
        """The plan, with what Python has to complete of it: nothing, as a rule."""
        compiler = Compiler(self.schema, self.sources, operation.fragments, variables, role, completing=completing)
        try:
            plan, roots = compile(compiler)
        except NeedsCompletion:
            return self._completed(operation, variables, role, compile, completing=True)
        return replace(plan, completion=Completion(compiler, roots)) if completing else plan

    def _symbolized(self, operation: Operation, variables: VariableValues) -> tuple[VariableValues, Hashable]:
        definitions = {d.variable.name.value: d for d in operation.definition.variable_definitions or ()}
        if not definitions:
            return variables, ()
        symbols: dict[str, Any] = {}
        shape: list[Hashable] = []
        for name, value in variables.coerced.items():
            type_ = type_from_ast(self.schema, definitions[name].type)
            symbols[name], part = symbolize(value, type_, (name,))
            shape.append((name, part))
        return variables._replace(coerced=symbols), tuple(shape)

    def _compile(
        self, operation: Operation, compiler: Compiler, role: Role | None, *, account_named: bool
    ) -> tuple[Plan, Roots]:
        query: GraphQLObjectType = self.schema.query_type  # type: ignore[assignment]  # every schema has one
        columns: Pairs = []
        denied: dict[str, RequestError] = {}
        roots: Roots = {}
        for key, nodes in compiler.collect(query, [operation.definition.selection_set]).items():
            name = nodes[0].name.value
            if name == "__typename" and operation.reads_alone:
                columns.append((key, name_literal(f'"{query.name}"')))
                roots[key] = (GraphQLString, nodes)
                continue
            declared = declaration_of(query.fields[name]) if name in query.fields else None
            if declared is None:
                continue
            refused: RequestError | None = refuse(declared.gate, role, account_named=account_named)
            if refused is None:
                try:
                    columns.append((key, compiler.root(query.fields[name], nodes, key)))
                    roots[key] = (query.fields[name].type, nodes)
                except RequestError as error:
                    refused = error
            if refused is not None:
                denied[key] = refused
        return compiler.statement.finish(columns, denied, role), roots


def _root_fields(selections: Any, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]) -> list[FieldNode]:
    """The root fields, each fragment looked into once, as the execution does."""
    found: list[FieldNode] = []
    for node in selections:
        if isinstance(node, FieldNode):
            found.append(node)
        elif isinstance(node, InlineFragmentNode):
            found += _root_fields(node.selection_set.selections, fragments, seen)
        elif node.name.value not in seen:
            seen.add(node.name.value)
            found += _root_fields(fragments[node.name.value].selection_set.selections, fragments, seen)
    return found


def sources_of(schema: GraphQLSchema) -> dict[str, Source]:
    """The rows behind each object type that has some."""
    found = {}
    for name, type_ in schema.type_map.items():
        definition = type_.extensions.get("strawberry-definition")
        source = getattr(getattr(definition, "origin", None), "__source__", None)
        if source is not None and isinstance(type_, GraphQLObjectType):
            found[name] = source
    return found
