"""What the compiler may see of an operation's variables: their shape, never their values.

One walk gives a hashable shape (part of the plan's key) and the same tree with its leaves replaced by slots, which
are bound to the values of each request. Whatever decides the form of the statement is in the shape by value:
booleans, orders, presence and null of input keys, the kind of an id.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from igny8.gql.ids import prefix_of


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable's value: it is there, it is not null, and it is bound later. `kinds` are the prefixes of ids."""

    path: tuple[str | int, ...]
    kinds: frozenset[str | None] = frozenset()


def symbolize(value: Any, type_: Any, path: tuple[str | int, ...]) -> tuple[Any, Hashable]:
    """(tree of slots, shape) of a coerced variable; both come from one walk so that they cannot differ."""
    type_ = get_nullable_type(type_)
    if value is None:
        return None, None
    if is_list_type(type_):
        if isinstance(get_named_type(type_), GraphQLInputObjectType):
            parts = [symbolize(item, type_.of_type, (*path, at)) for at, item in enumerate(value)]
            return [tree for tree, _ in parts], tuple(shape for _, shape in parts)
        if get_named_type(type_).name == "ID":
            kinds = frozenset(prefix_of(item) for item in value)
            return Slot(path, kinds), kinds
        return Slot(path), "["
    if isinstance(type_, GraphQLInputObjectType):
        keys = [key for key in type_.fields if key in value]
        inner = {key: symbolize(value[key], type_.fields[key].type, (*path, key)) for key in keys}
        return {key: tree for key, (tree, _) in inner.items()}, tuple((key, inner[key][1]) for key in keys)
    if _decides_the_form(type_):
        return value, value
    if type_.name == "ID":
        kinds = frozenset({prefix_of(value)})
        return Slot(path, kinds), kinds
    return Slot(path), "$"


def _decides_the_form(type_: Any) -> bool:
    if isinstance(type_, GraphQLEnumType):
        return type_.name == "OrderDirection" or type_.name.endswith("OrderField")
    return bool(type_.name == "Boolean")


def fill(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value behind a slot, or the literal itself."""
    if isinstance(value, Slot):
        found: Any = variables
        for step in value.path:
            found = found[step]
        return found
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    return value


def prefixes_in(given: Any) -> frozenset[str | None]:
    """The kinds of the ids among literals and slots."""
    if isinstance(given, Slot):
        return given.kinds
    if isinstance(given, list):
        return frozenset().union(*(prefixes_in(item) for item in given))
    return frozenset({prefix_of(given)})


def unwrapped(value: Any) -> Any:
    """Enum members as the text that columns hold."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [unwrapped(item) for item in value]
    return value
