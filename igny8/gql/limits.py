"""What a document may ask, decided before it is validated: validation itself can be made to take long.

A document is refused by figures that take linear time to find (`expansion`). What is left is small even with all
fragments spread, so it can be walked the way the executor does (`walk`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import DocumentNode, GraphQLSchema, GraphQLSyntaxError, OperationDefinitionNode, parse

from igny8.errors import TooComplex
from igny8.gql.cost import Cost, OperationCost, about
from igny8.gql.expansion import Extent, extents, fragments_of
from igny8.gql.walk import Walk
from igny8.settings import Settings

#: Coordinates of columns that hold whole documents.
LARGE_COLUMNS: Final = frozenset({"Content.htmlContent"})
DEEPEST_VALUE: Final = 20
#: graphql-core prints an object as a whole for each of its faults.
LARGEST_OBJECT: Final = 250
#: Fields and fragments of both kinds inside each other, per level of fields that is allowed.
NESTING_PER_LEVEL: Final = 4
#: How many times its tokens a document may grow to when its fragments are spread.
GROWTH: Final = 2
#: Long texts belong into variables: those are read fifty times faster.
LENGTH_PER_TOKEN: Final = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kind of caller may ask for in a document."""

    max_tokens: int
    max_depth: int
    max_aliases: int
    max_nodes: int
    max_repeated_keys: int
    large_columns: frozenset[str] = LARGE_COLUMNS

    @classmethod
    def of(cls, settings: Settings, *, signed_in: bool) -> "Limits":
        return cls(
            max_tokens=settings.max_tokens if signed_in else settings.max_tokens_anonymous,
            max_depth=settings.max_depth,
            max_aliases=settings.max_aliases,
            max_nodes=settings.max_nodes,
            max_repeated_keys=settings.max_repeated_keys,
        )

    @property
    def max_nesting(self) -> int:
        return self.max_depth * NESTING_PER_LEVEL

    @property
    def max_length(self) -> int:
        return self.max_tokens * LENGTH_PER_TOKEN

    @property
    def max_size(self) -> int:
        return self.max_tokens * GROWTH


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a document before its variables are; it may be kept as long as the document is."""

    operations: tuple[OperationCost, ...]
    max_nodes: int

    def cost(self, variables: Mapping[str, Any]) -> Cost:
        """What a request with these coerced variables spends; of several operations the dearest counts.

        Raises TooComplex when it asks for too many rows.
        """
        costs = [operation.of(variables, self.max_nodes) for operation in self.operations]
        return max(costs, default=Cost(1, 0))


def parse_document(text: str, limits: Limits) -> DocumentNode:
    """The document of a request. Raises TooComplex; GraphQLSyntaxError when the text is no document."""
    if len(text) > limits.max_length:
        raise TooComplex(
            f"The document is {len(text):,} characters long; at most {limits.max_length:,} are allowed. "
            "Send long values as variables."
        )
    try:
        return parse(text, max_tokens=limits.max_tokens)
    except GraphQLSyntaxError as error:
        # The parser tells its own limits by their messages alone.
        if error.message.endswith(" tokens. Parsing aborted."):
            said = f"The document has more than {limits.max_tokens:,} tokens, which is the most that is allowed."
            raise TooComplex(said) from None
        if error.message.endswith("nested too deeply. Parsing aborted."):
            raise TooComplex("The document is nested too deeply to be read. Use fewer levels.") from None
        raise


def analyse(document: DocumentNode, schema: GraphQLSchema, limits: Limits) -> Analysis:
    """The document's cost, as far as it can be told without variables.

    Raises TooComplex; GraphQLError for fragments that share a name or contain themselves. Whatever else is wrong
    with the document is left to validation.
    """
    parts = list(extents(document))
    for _, extent in parts:
        _refuse_extent(extent, limits)
    size = sum(extent.size for _, extent in parts)
    if size > limits.max_size:
        raise TooComplex(
            f"The document grows to {about(size)} parts when its fragments are spread; "
            f"at most {limits.max_size:,} are allowed."
        )
    walk = Walk(
        schema,
        fragments_of(document),
        max_repeated_keys=limits.max_repeated_keys,
        large_columns=limits.large_columns,
    )
    operations = []
    for definition, _ in parts:
        if isinstance(definition, OperationDefinitionNode):
            operations.append(walk.operation(definition))
        else:
            walk.fragment(definition)
    return Analysis(tuple(operations), limits.max_nodes)


def _refuse_extent(extent: Extent, limits: Limits) -> None:
    if extent.depth > limits.max_depth:
        raise TooComplex(f"The query is {extent.depth} levels deep; at most {limits.max_depth} are allowed.")
    if extent.nesting > limits.max_nesting:
        raise TooComplex(
            f"Fields and fragments are nested {extent.nesting} deep; at most {limits.max_nesting} are allowed."
        )
    if extent.aliases > limits.max_aliases:
        raise TooComplex(f"The query has {about(extent.aliases)} aliases; at most {limits.max_aliases} are allowed.")
    if extent.value_depth > DEEPEST_VALUE:
        raise TooComplex(
            f"A value has lists and objects nested {extent.value_depth} deep; at most {DEEPEST_VALUE} are allowed."
        )
    if extent.largest_object > LARGEST_OBJECT:
        raise TooComplex(
            f"An object in the document holds {extent.largest_object:,} values; at most {LARGEST_OBJECT} are "
            "allowed. Send it as a variable."
        )
