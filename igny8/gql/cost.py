"""What a request costs. Sizes of pages that come from variables are known per request, the rest per document."""

from collections.abc import Mapping
from math import prod
from typing import Any, Final, NamedTuple

from igny8.errors import TooComplex
from igny8.gql.read.declare import LARGEST_PAGE, PAGE_SIZE

NODES_PER_POINT: Final = 100

#: One value of `first`, `last` or `ids`: a number of rows, or the name of the variable that tells it.
Told = int | str
#: The sizes that the fields under one response key ask for; the largest counts.
Sizes = tuple[tuple[Told, ...], ...]


class Cost(NamedTuple):
    """What a request spends: `nodes` are the rows that pages and lists can hold at most."""

    points: int
    nodes: int


class Pages(NamedTuple):
    """Rows inside pages whose sizes come from variables: `rows` times the product of `sizes`."""

    rows: int
    sizes: tuple[Sizes, ...]

    def nodes(self, variables: Mapping[str, Any]) -> int:
        return self.rows * prod(largest(sizes, variables) for sizes in self.sizes)


class OperationCost(NamedTuple):
    """The cost of one operation; only `pages` waits for the variables."""

    points: int
    nodes: int
    pages: tuple[Pages, ...]

    def of(self, variables: Mapping[str, Any], max_nodes: int) -> Cost:
        """Raises TooComplex when there are more rows than `max_nodes`."""
        nodes = self.nodes + sum(pages.nodes(variables) for pages in self.pages)
        if nodes > max_nodes:
            raise TooComplex(f"The query asks for up to {about(nodes)} rows; at most {max_nodes:,} are allowed.")
        return Cost(self.points + 1 + -(-nodes // NODES_PER_POINT), nodes)


def largest(sizes: Sizes, variables: Mapping[str, Any]) -> int:
    return max(_of_one(choice, variables) for choice in sizes)


def _of_one(choice: tuple[Told, ...], variables: Mapping[str, Any]) -> int:
    """The size that one field asks for: clients name both `first` and `last` and leave one of them null."""
    found = []
    for told in choice:
        value = variables.get(told) if isinstance(told, str) else told
        if isinstance(value, int):
            found.append(bounded(value))
        elif isinstance(value, list):
            found.append(bounded(len(value)))
    return max(found, default=PAGE_SIZE)


def bounded(size: int) -> int:
    """Larger pages and negative ones are refused later, with a better message."""
    return min(max(size, 0), LARGEST_PAGE)


def about(count: int) -> str:
    """Pages and fragments can multiply to numbers that nobody wants to read."""
    return f"{count:,}" if count < 10**9 else "more than a billion"
