"""The operations of the demo, which the documentation shows, too."""

import re
from importlib.resources import files
from typing import Final

_TEXT: Final = files("igny8.devstack.demo").joinpath("operations.graphql").read_text()
_OPERATION: Final = re.compile(r"^(?:query|mutation|subscription) (\w+)", re.MULTILINE)

#: By their names; each begins a line of its own.
OPERATIONS: Final = {
    begun.group(1): text for text in _TEXT.split("\n\n") if (begun := _OPERATION.match(text)) is not None
}
