"""Text in CSV cells that a spreadsheet must not take for a formula.

What begins like a formula gets an apostrophe in front, which spreadsheets show as text. What begins with apostrophes
before such a sign gets one more, so that taking one away again gives the very text that there was.
"""

import re
from typing import Final

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
_ESCAPED: Final = re.compile(r"'+[=+\-@\t\r\n]")


def escaped(text: str) -> str:
    """The text as it stands in a cell."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescaped(text: str) -> str:
    """The text that `escaped` was given; other texts stay as they are."""
    return text[1:] if _ESCAPED.match(text) else text
