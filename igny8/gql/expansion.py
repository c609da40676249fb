"""How large each definition of a document becomes once its fragments are spread, without ever spreading them.

Every definition is looked at once and every fragment's figures are kept, so the work is linear in the document,
whatever its fragments multiply to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

Definition = OperationDefinitionNode | FragmentDefinitionNode


class Extent(NamedTuple):
    """A definition with its fragments spread.

    `size` counts selections, directives, arguments and values; `depth` nested fields; `nesting` nested fields and
    fragments of both kinds; `value_depth` lists and objects in a value; `largest_object` the values inside one.
    """

    size: int
    depth: int
    nesting: int
    aliases: int
    value_depth: int
    largest_object: int


class _Value(NamedTuple):
    size: int
    depth: int
    largest_object: int


_LEAF = _Value(1, 0, 0)


class _Spread(NamedTuple):
    name: str
    depth: int
    nesting: int


@dataclass(slots=True)
class _Own:
    """What stands in one definition itself."""

    size: int = 0
    depth: int = 0
    nesting: int = 0
    aliases: int = 0
    value_depth: int = 0
    largest_object: int = 0
    spreads: list[_Spread] = field(default_factory=list)

    def count_value(self, value: ValueNode) -> None:
        size, depth, largest_object = _measure(value)
        self.size += size
        self.value_depth = max(self.value_depth, depth)
        self.largest_object = max(self.largest_object, largest_object)

    def count_directives(self, directives: Iterable[DirectiveNode] | None) -> None:
        for directive in directives or ():
            self.size += 1
            self.count_arguments(directive.arguments)

    def count_arguments(self, arguments: Iterable[ArgumentNode] | None) -> None:
        for argument in arguments or ():
            self.count_value(argument.value)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments by name. Raises GraphQLError when two have the same name."""
    found: dict[str, FragmentDefinitionNode] = {}
    for part in document.definitions:
        if isinstance(part, FragmentDefinitionNode):
            other = found.setdefault(part.name.value, part)
            if other is not part:
                raise GraphQLError(
                    f"There can be only one fragment named '{part.name.value}'.", [other.name, part.name]
                )
    return found


def extents(document: DocumentNode) -> Iterator[tuple[Definition, Extent]]:
    """Each operation and each fragment that nothing spreads: what validation starts from.

    Raises GraphQLError when two fragments have the same name or one contains itself.
    """
    fragments = fragments_of(document)
    own = {name: _survey(fragment) for name, fragment in fragments.items()}
    known: dict[str, Extent] = {}
    for name in _innermost_first(own, fragments):
        known[name] = _with_fragments(own[name], known)
    operations = [(part, _survey(part)) for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    for operation, part in operations:
        yield operation, _with_fragments(part, known)
    spread = {spread.name for part in (*own.values(), *(part for _, part in operations)) for spread in part.spreads}
    for name, fragment in fragments.items():
        if name not in spread:
            yield fragment, known[name]


def size_of(values: Iterable[ValueNode]) -> int:
    """How many values there are, with those inside lists and objects."""
    return sum(_measure(value).size for value in values)


def _measure(value: ValueNode) -> _Value:
    """The parser has bounded how deep this goes."""
    if isinstance(value, ListValueNode):
        parts = [_measure(item) for item in value.values]
    elif isinstance(value, ObjectValueNode):
        parts = [_measure(field.value) for field in value.fields]
    else:
        return _LEAF
    size = 1 + sum(part.size for part in parts)
    largest = size if isinstance(value, ObjectValueNode) else max((part.largest_object for part in parts), default=0)
    return _Value(size, 1 + max((part.depth for part in parts), default=0), largest)


def _survey(definition: Definition) -> _Own:
    own = _Own()
    own.count_directives(definition.directives)
    for variable in definition.variable_definitions or ():
        own.size += 1
        own.count_directives(variable.directives)
        if variable.default_value is not None:
            own.count_value(variable.default_value)
    waiting: list[tuple[SelectionSetNode, int, int]] = [(definition.selection_set, 0, 0)]
    while waiting:
        selection_set, depth, nesting = waiting.pop()
        own.nesting = max(own.nesting, nesting + 1)
        for node in selection_set.selections:
            own.size += 1
            own.count_directives(node.directives)
            if isinstance(node, FieldNode):
                own.depth = max(own.depth, depth + 1)
                own.aliases += node.alias is not None
                own.count_arguments(node.arguments)
                if node.selection_set is not None:
                    waiting.append((node.selection_set, depth + 1, nesting + 1))
            elif isinstance(node, InlineFragmentNode):
                waiting.append((node.selection_set, depth, nesting + 1))
            elif isinstance(node, FragmentSpreadNode):
                own.spreads.append(_Spread(node.name.value, depth, nesting + 1))
    return own


def _with_fragments(own: _Own, known: Mapping[str, Extent]) -> Extent:
    found = Extent(own.size, own.depth, own.nesting, own.aliases, own.value_depth, own.largest_object)
    for spread in own.spreads:
        inner = known.get(spread.name)
        if inner is not None:
            found = Extent(
                found.size + inner.size,
                max(found.depth, spread.depth + inner.depth),
                max(found.nesting, spread.nesting + inner.nesting),
                found.aliases + inner.aliases,
                max(found.value_depth, inner.value_depth),
                max(found.largest_object, inner.largest_object),
            )
    return found


def _innermost_first(own: Mapping[str, _Own], fragments: Mapping[str, FragmentDefinitionNode]) -> list[str]:
    graph = {name: {spread.name for spread in part.spreads if spread.name in own} for name, part in own.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle: list[str] = error.args[1]
        via = f" by way of {', '.join(repr(name) for name in circle[1:-1][:5])}" if len(circle) > 2 else ""
        message = f"The fragment '{circle[0]}' contains itself{via}."
        raise GraphQLError(message, [fragments[circle[0]].name]) from None
