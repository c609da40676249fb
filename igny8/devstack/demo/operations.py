"""The operations of the demo, which the documentation shows, too."""

from importlib.resources import files
from typing import Final

from graphql import OperationDefinitionNode, parse, print_ast

_TEXT: Final = files("igny8.devstack.demo").joinpath("operations.graphql").read_text()

#: By their names.
OPERATIONS: Final = {
    node.name.value: print_ast(node)
    for node in parse(_TEXT).definitions
    if isinstance(node, OperationDefinitionNode) and node.name is not None
}
