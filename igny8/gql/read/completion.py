"""What PostgreSQL leaves to Python: fields that a function computes, and nulls where the schema promises a value.

Only then is the JSON decoded. It is walked along the selection, as graphql-core completes values: a null that may
not be one makes its nearest nullable parent null, with one error that tells where it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from igny8.gql.read.declarations import Computed
from igny8.gql.read.declare import declaration_of, python_name

if TYPE_CHECKING:
    from igny8.gql.read.objects import Compiler

#: In statements that are completed, objects of abstract types say their type under this key; no alias can be it.
TYPE_KEY: Final = "@type"

Path = list[str | int]


class _Risen(Exception):
    """A null where none may be; what holds it has to be null instead."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The walk of one plan. `roots` are the output type and the selection of each column."""

    compiler: "Compiler"
    roots: Mapping[str, tuple[Any, list[FieldNode]]]

    def of(
        self, key: str, text: bytes | None, variables: VariableValues, path: Path
    ) -> tuple[bytes | GraphQLError | None, list[GraphQLError]]:
        """The completed JSON of one column and the errors in it; an error instead of the JSON rises further."""
        type_, nodes = self.roots[key]
        walk = _Walk(self.compiler, variables)
        value = None if text is None else orjson.loads(text)
        try:
            made = walk.value(type_, nodes, value, path)
        except _Risen:
            *errors, risen = walk.errors
            return risen, errors
        return (None if made is None else orjson.dumps(made)), walk.errors


@dataclass(slots=True)
class _Walk:
    compiler: "Compiler"
    variables: VariableValues
    errors: list[GraphQLError] = field(default_factory=list)

    def value(self, type_: Any, nodes: list[FieldNode], value: Any, path: Path) -> Any:
        """The value of a field, or of an item of its list."""
        if is_non_null_type(type_):
            before = len(self.errors)
            made = self.value(type_.of_type, nodes, value, path)
            if made is None:
                if len(self.errors) == before:
                    self.errors.append(GraphQLError("Null where the schema promises a value.", nodes, path=path))
                raise _Risen
            return made
        if value is None:
            return None
        try:
            if is_list_type(type_):
                return [self.value(type_.of_type, nodes, one, [*path, at]) for at, one in enumerate(value)]
            if is_abstract_type(type_):
                type_ = self.compiler.schema.type_map[value.pop(TYPE_KEY)]
            return self._object(type_, nodes, value, path) if is_object_type(type_) else value
        except _Risen:
            return None

    def _object(self, type_: GraphQLObjectType, nodes: list[FieldNode], value: dict[str, Any], path: Path) -> Any:
        for key, same in self.compiler.collect(type_, [node.selection_set for node in nodes]).items():
            name = same[0].name.value
            if name == "__typename":
                continue
            declared, at = type_.fields[name], [*path, key]
            found = value[key]
            if isinstance(declaration_of(declared), Computed) and found is not None:
                found = self._computed(declared, same, found, at)
            value[key] = self.value(declared.type, same, found, at)
        return value

    def _computed(self, declared: GraphQLField, nodes: list[FieldNode], needed: dict[str, Any], path: Path) -> Any:
        """What the function makes of the columns it needs; its objects are dicts by the names of their fields."""
        own = {
            python_name_of(declared, name): given
            for name, given in get_argument_values(declared, nodes[0], self.variables).items()
        }
        computed = declaration_of(declared)
        tools = {name: self.compiler.schema.extensions[name] for name in computed.tools}
        try:
            made = computed.function(**needed, **tools, **own)
        except Exception as error:
            self.errors.append(GraphQLError(str(error), nodes, path=path, original_error=error))
            if is_non_null_type(declared.type):
                raise _Risen from error
            return None
        return self._selected(declared.type, nodes, made)

    def _selected(self, type_: Any, nodes: list[FieldNode], made: Any) -> Any:
        """Of what a function made, what was asked for, under the keys that were asked for."""
        if is_non_null_type(type_):
            return self._selected(type_.of_type, nodes, made)
        if made is None:
            return None
        if is_list_type(type_):
            return [self._selected(type_.of_type, nodes, one) for one in made]
        if not isinstance(type_, GraphQLObjectType):
            return made
        picked: dict[str, Any] = {}
        for key, same in self.compiler.collect(type_, [node.selection_set for node in nodes]).items():
            name = same[0].name.value
            one = type_.name if name == "__typename" else made.get(python_name(type_.fields[name]))
            picked[key] = one if name == "__typename" else self._selected(type_.fields[name].type, same, one)
        return picked


def python_name_of(declared: GraphQLField, argument: str) -> str:
    name: str = declared.args[argument].extensions["strawberry-definition"].python_name
    return name
