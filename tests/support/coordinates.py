"""The parts of the schema, as coordinates, and those that a request and its answer show.

A coordinate is `Site.name` or `SiteStatus.ACTIVE`. A field is shown when its value was not null, an enum's value when
it was answered, and what is there for input alone when a request that was answered used it.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
    value_from_ast_untyped,
)

from igny8.schema import make_schema

#: What the tests of this process saw.
seen: set[str] = set()


@cache
def _schema() -> GraphQLSchema:
    schema: GraphQLSchema = make_schema()._schema
    return schema


def shown(body: Any, answer: Any) -> set[str]:
    """What one request and its answer show; those that are no GraphQL, or were refused, show nothing."""
    if not (isinstance(body, dict) and "query" in body and isinstance(answer, dict)):
        return set()
    if not isinstance(answer.get("data"), dict):
        return set()
    request = _Request(parse(body["query"]), body.get("operationName"), body.get("variables") or {})
    return set(request.shown(answer["data"]))


def note(body: Any, answer: Any) -> None:
    """Take in one request of a test and its answer."""
    seen.update(shown(body, answer))


def coordinates() -> set[str]:
    """Every part that there is; an interface's parts are those of its types."""
    return {
        f"{name}.{part}"
        for name, type_ in _schema().type_map.items()
        if not name.startswith("__") and not isinstance(type_, GraphQLInterfaceType)
        for part in _parts(type_)
    }


def _parts(type_: Any) -> Iterable[str]:
    return type_.values if isinstance(type_, GraphQLEnumType) else getattr(type_, "fields", {})


class _Request:
    """An operation with its variables."""

    def __init__(self, document: DocumentNode, name: str | None, variables: Mapping[str, Any]) -> None:
        parts = document.definitions
        self._fragments = {part.name.value: part for part in parts if isinstance(part, FragmentDefinitionNode)}
        operations = [part for part in parts if isinstance(part, OperationDefinitionNode)]
        self._operation = next(one for one in operations if not name or (one.name and one.name.value == name))
        defaults = {
            given.variable.name.value: value_from_ast_untyped(given.default_value)
            for given in self._operation.variable_definitions or ()
            if given.default_value is not None
        }
        self._variables = {**defaults, **variables}

    def shown(self, data: Mapping[str, Any]) -> Iterator[str]:
        root = _schema().get_root_type(self._operation.operation)
        assert root is not None
        yield from self._object(root, [self._operation.selection_set], data)

    def _object(
        self, type_: GraphQLObjectType, sets: list[SelectionSetNode], data: Mapping[str, Any]
    ) -> Iterator[str]:
        for key, nodes in self._selected(type_, sets).items():
            field = type_.fields.get(nodes[0].name.value)
            if field is None or data.get(key) is None:
                continue
            yield f"{type_.name}.{nodes[0].name.value}"
            for argument in nodes[0].arguments or ():
                given = value_from_ast_untyped(argument.value, self._variables)
                yield from _input(field.args[argument.name.value].type, given)
            inner = [node.selection_set for node in nodes if node.selection_set]
            yield from self._value(field.type, inner, data[key])

    def _value(self, type_: Any, sets: list[SelectionSetNode], value: Any) -> Iterator[str]:
        if value is None:
            return
        if isinstance(value, list) and is_list_type(get_nullable_type(type_)):
            for item in value:
                yield from self._value(get_nullable_type(type_).of_type, sets, item)
            return
        named = get_named_type(type_)
        if isinstance(named, GraphQLEnumType):
            yield f"{named.name}.{value}"
        elif isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            for possible in self._possible(named, sets, value):
                yield from self._object(possible, sets, value)
        elif isinstance(named, GraphQLObjectType):
            yield from self._object(named, sets, value)

    def _possible(
        self,
        abstract: GraphQLInterfaceType | GraphQLUnionType,
        sets: list[SelectionSetNode],
        value: Mapping[str, Any],
    ) -> Iterator[GraphQLObjectType]:
        """The type that a value says it is; it must be asked for."""
        for possible in _schema().get_possible_types(abstract):
            for key, nodes in self._selected(possible, sets).items():
                if nodes[0].name.value == "__typename" and value.get(key) == possible.name:
                    yield possible

    def _selected(self, type_: GraphQLObjectType, sets: list[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        for node in (node for selected in sets for node in selected.selections):
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            fragment: Any = self._fragments[node.name.value] if hasattr(node, "name") else node
            condition = fragment.type_condition
            if condition is None or _is_a(type_, condition.name.value):
                for key, nodes in self._selected(type_, [fragment.selection_set]).items():
                    found.setdefault(key, []).extend(nodes)
        return found


@cache
def _answered_enums() -> set[str]:
    """The enums that fields of objects have."""
    return {
        get_named_type(field.type).name
        for type_ in _schema().type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for field in type_.fields.values()
        if isinstance(get_named_type(field.type), GraphQLEnumType)
    }


def _is_a(type_: GraphQLObjectType, name: str) -> bool:
    return name == type_.name or any(interface.name == name for interface in type_.interfaces)


def _input(type_: Any, value: Any) -> Iterator[str]:
    """The parts of an input that a request has used."""
    named = get_named_type(type_)
    if isinstance(value, list):
        for item in value:
            yield from _input(type_, item)
    elif isinstance(named, GraphQLEnumType) and isinstance(value, str) and named.name not in _answered_enums():
        yield f"{named.name}.{value}"
    elif isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        for name, given in value.items():
            if name in named.fields:
                yield f"{named.name}.{name}"
                yield from _input(named.fields[name].type, given)
