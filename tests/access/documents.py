"""Documents made from the schema: any root field with all its arguments as variables, and selections to a depth."""

from functools import cache
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from igny8.schema import make_schema


@cache
def schema() -> GraphQLSchema:
    made: GraphQLSchema = make_schema()._schema
    return made


def root_type(operation: str) -> GraphQLObjectType:
    found = schema().query_type if operation == "query" else schema().mutation_type
    assert found is not None
    return found


def document(operation: str, field: str, selection: str | None = None) -> str:
    """One operation on one root field; what a request leaves out of its variables is absent."""
    declared = root_type(operation).fields[field]
    variables = ", ".join(f"${name}: {argument.type}" for name, argument in declared.args.items())
    passed = ", ".join(f"{name}: ${name}" for name in declared.args)
    inner = selection if selection is not None else shallow(declared)
    heading, called = (f"({variables})", f"({passed})") if variables else ("", "")
    return f"{operation}{heading} {{ {field}{called} {inner} }}"


def shallow(declared: GraphQLField) -> str:
    """What tells one answer from another: the leaves, and the ids of the rows beside them."""
    type_ = get_named_type(declared.type)
    if is_leaf_type(type_):
        return ""
    if isinstance(type_, GraphQLInterfaceType):
        return "{ __typename id }"
    assert isinstance(type_, GraphQLObjectType)
    if "pageInfo" in type_.fields:
        return "{ totalCount nodes { id } }"
    return "{ " + " ".join(_told(name, field) for name, field in _free(type_)) + " }"


def _told(name: str, field: GraphQLField) -> str:
    type_: Any = get_named_type(field.type)
    if is_leaf_type(type_):
        return name
    if name == "errors":
        return "errors { code message field details }"
    if "id" in getattr(type_, "fields", ()):
        return name + " { id }"
    return name + " { __typename }"


def _free(type_: GraphQLObjectType) -> list[tuple[str, GraphQLField]]:
    """The fields that ask for no argument."""
    return [
        (name, field)
        for name, field in type_.fields.items()
        if not any(is_required_argument(argument) for argument in field.args.values())
    ]


def deep(type_: Any, depth: int) -> str:
    """Everything that can be selected without arguments, `depth` rows deep; a page is as deep as its nodes."""
    if is_leaf_type(type_):
        return ""
    if isinstance(type_, GraphQLUnionType):
        return "{ __typename " + " ".join(f"... on {one.name} {deep(one, depth)}" for one in type_.types) + " }"
    fields = dict(_free(type_))
    if "pageInfo" in fields:
        return "{ nodes " + deep(get_named_type(fields["nodes"].type), depth) + " }"
    parts = []
    for name, field in fields.items():
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            parts.append(name)
        elif depth > 1:
            parts.append(f"{name} {deep(inner, depth - 1)}")
    return "{ " + " ".join(["__typename", *parts]) + " }"
