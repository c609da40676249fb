"""Changes since the last release that break clients: what graphql-core says of each, and why it must be.

`released.graphql` beside this file is what clients were promised. A release (a new `__version__`) copies the present
`schema.graphql` there, below the first line, names the changes of this list in CHANGELOG.md, and empties the list.
"""

BREAKING: dict[str, str] = {}
