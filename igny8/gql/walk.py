"""Goes through a document the way the executor does, and finds what it costs and what validation would do twice.

Selections are merged by response key, so what two fragments both select counts once. What `@skip` and `@include`
leave out counts all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from igny8.errors import TooComplex
from igny8.gql.cost import OperationCost, Pages, Sizes, Told, bounded, largest
from igny8.gql.expansion import size_of

POINTS_PER_MUTATION: Final = 10
NODES_PER_LARGE_ROW: Final = 20
#: What validation may compare to find fields that conflict; each comparison takes it a few microseconds.
MOST_COMPARISONS: Final = 5_000
#: Mutations that check or send a secret: in one operation each of them may stand once, under whatever alias.
ONCE: Final = frozenset(
    {
        "acceptInvitation",
        "refreshToken",
        "requestPasswordReset",
        "resendVerification",
        "resetPassword",
        "signIn",
        "signUp",
        "verifyEmail",
    }
)


@dataclass(slots=True)
class _Rows:
    """Rows of one page, list or root: `times`, by the numbers around it, and times the `sizes` in variables."""

    times: int
    sizes: tuple[Sizes, ...]
    weight: int

    def inside(self, sizes: Sizes) -> "_Rows":
        """The rows of a page or list in each of these."""
        if all(isinstance(told, int) for choice in sizes for told in choice):
            return _Rows(self.times * largest(sizes, {}), self.sizes, 1)
        return _Rows(self.times, (*self.sizes, sizes), 1)


class _Place(NamedTuple):
    """A selection set on a type; None when the document names a type or field that is not there."""

    type_: GraphQLNamedType | None
    selection_set: SelectionSetNode
    in_page: bool = False


#: The fields under each response key, each with the place where it was found.
_Merged = dict[str, list[tuple[_Place, FieldNode]]]


class Walk:
    """Goes through the definitions of one document whose extent is known to be small. Raises TooComplex.

    `large_columns` are coordinates ("Content.html"); a row that selects one counts as 20.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        *,
        max_repeated_keys: int,
        large_columns: frozenset[str],
    ) -> None:
        self._schema, self._fragments = schema, fragments
        self._max_repeated_keys, self._large_columns = max_repeated_keys, large_columns
        self._comparisons = 0

    def operation(self, definition: OperationDefinitionNode) -> OperationCost:
        """What the operation costs."""
        root = self._schema.get_root_type(definition.operation)
        found: list[_Rows] = [_Rows(1, (), 0)]
        merged = self._enter([_Place(root, definition.selection_set)], found[0], found)
        points = 0
        if definition.operation is OperationType.MUTATION:
            _refuse_repeated_secrets(merged)
            points = POINTS_PER_MUTATION * len(merged)
        fixed = sum(rows.times * rows.weight for rows in found if not rows.sizes)
        pages = tuple(Pages(rows.times * rows.weight, rows.sizes) for rows in found if rows.sizes)
        return OperationCost(points, fixed, pages)

    def fragment(self, definition: FragmentDefinitionNode) -> None:
        """Checks a fragment that no operation spreads: validation looks at it all the same."""
        on = self._schema.get_type(definition.type_condition.name.value)
        rows = _Rows(1, (), 0)
        self._enter([_Place(on, definition.selection_set)], rows, [rows])

    def _enter(self, places: list[_Place], rows: _Rows, found: list[_Rows]) -> _Merged:
        merged = self._merge(places)
        for fields in merged.values():
            sizes: list[tuple[Told, ...]] = []
            inner: list[_Place] = []
            for place, node in fields:
                child, told = self._field(place, node, rows)
                if child is not None:
                    inner.append(child)
                if told is not None:
                    sizes.append(told)
            if inner:
                rows_inside = rows
                if sizes:
                    rows_inside = rows.inside(tuple(sizes))
                    found.append(rows_inside)
                self._enter(inner, rows_inside, found)
        return merged

    def _field(self, place: _Place, node: FieldNode, rows: _Rows) -> tuple[_Place | None, tuple[Told, ...] | None]:
        """What is selected inside a field, and the sizes it names when it is a page or a list of objects."""
        field = _definition(self._schema, place.type_, node)
        if field is None:
            return (_Place(None, node.selection_set) if node.selection_set else None), None
        if self._large_columns and f"{place.type_}.{node.name.value}" in self._large_columns:
            rows.weight = NODES_PER_LARGE_ROW
        if node.selection_set is None:
            return None, None
        listed = is_list_type(get_nullable_type(field.type))
        is_page = "first" in field.args or "last" in field.args
        told = None
        if is_page:
            told = _told(node, ("first", "last"))
        elif listed and not place.in_page:
            told = _told(node, ("ids",))
        return _Place(get_named_type(field.type), node.selection_set, is_page and not listed), told

    def _merge(self, places: list[_Place]) -> _Merged:
        merged: _Merged = {}
        spreads: dict[str, int] = {}
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            for node in place.selection_set.selections:
                if isinstance(node, FieldNode):
                    merged.setdefault((node.alias or node.name).value, []).append((place, node))
                elif isinstance(node, InlineFragmentNode):
                    on = place.type_
                    if node.type_condition is not None:
                        on = self._schema.get_type(node.type_condition.name.value)
                    waiting.append(_Place(on, node.selection_set, place.in_page))
                elif isinstance(node, FragmentSpreadNode):
                    name = node.name.value
                    spreads[name] = spreads.get(name, 0) + 1
                    fragment = self._fragments.get(name)
                    if fragment is not None and spreads[name] == 1:
                        on = self._schema.get_type(fragment.type_condition.name.value)
                        waiting.append(_Place(on, fragment.selection_set, place.in_page))
        self._refuse_overlaps(merged, spreads)
        return merged

    def _refuse_overlaps(self, merged: _Merged, spreads: Mapping[str, int]) -> None:
        most = self._max_repeated_keys
        for key, fields in merged.items():
            if len(fields) > 1:
                if len(fields) > most:
                    raise TooComplex(
                        f"'{_short(key)}' is selected {len(fields)} times in one place; at most {most} are allowed."
                    )
                self._comparisons += (len(fields) - 1) * sum(_weight(node) for _, node in fields) // 2
        for name, times in spreads.items():
            if times > most:
                raise TooComplex(
                    f"The fragment '{_short(name)}' is spread {times} times in one place; at most {most} are allowed."
                )
        together = sum(spreads.values())
        self._comparisons += together * (together - 1) // 2
        if self._comparisons > MOST_COMPARISONS:
            raise TooComplex(
                "Whether the query's fields and fragments agree with each other takes more than "
                f"{MOST_COMPARISONS:,} comparisons to see. Use fewer fragments, or select each field once."
            )


def _definition(schema: GraphQLSchema, parent: GraphQLNamedType | None, node: FieldNode) -> GraphQLField | None:
    return schema.get_field(parent, node.name.value) if is_composite_type(parent) else None


def _refuse_repeated_secrets(merged: _Merged) -> None:
    names = [fields[0][1].name.value for fields in merged.values()]
    for name in ONCE:
        if names.count(name) > 1:
            raise TooComplex(f"The mutation asks for {name} {names.count(name)} times; ask for it once.")


def _told(node: FieldNode, names: tuple[str, ...]) -> tuple[Told, ...]:
    """The sizes given in these arguments; none is the default size."""
    sizes = [_size(argument.value) for argument in node.arguments or () if argument.name.value in names]
    return tuple(size for size in sizes if size is not None)


def _size(value: ValueNode) -> Told | None:
    if isinstance(value, VariableNode):
        return value.name.value
    if isinstance(value, IntValueNode):
        # Python does not convert a number of thousands of digits.
        return bounded(int(value.value[:10]))
    if isinstance(value, ListValueNode):
        return bounded(len(value.values))
    return None


def _weight(node: FieldNode) -> int:
    return 1 + size_of(argument.value for argument in node.arguments) if node.arguments else 1


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}..."
