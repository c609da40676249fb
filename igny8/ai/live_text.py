"""Reads one text field out of JSON that is still being written."""

import json
import re
from typing import Final

_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PLAIN: Final = re.compile(r'[^"\\]+')


class LiveText:
    """`feed` pieces of a JSON object and read `text`: what has come so far of the string under a top-level key.

    The text only grows. What is no JSON gives no text; the whole answer is parsed with care elsewhere.
    """

    def __init__(self, field: str) -> None:
        self.text = ""
        self._field = field
        self._held = ""
        self._depth = 0
        self._inside = False
        self._done = False

    def feed(self, piece: str) -> bool:
        """Take the next piece; whether the text has grown."""
        self._held += piece
        before = len(self.text)
        while not self._done and self._step():
            pass
        return len(self.text) > before

    def _step(self) -> bool:
        """Work off some of what is held; False when more has to come."""
        return self._read_text() if self._inside else self._look_for_field()

    def _look_for_field(self) -> bool:
        for at, character in enumerate(self._held):
            if character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
            elif character == '"':
                return self._pass_string(at)
        self._held = ""
        return False

    def _pass_string(self, at: int) -> bool:
        """A string begins at `at`: go beyond it, or into the value when it is the key that is looked for."""
        ended = _end_of_string(self._held, at)
        # Whether it is a key shows only by what follows it.
        if ended is None or (following := self._held[ended:].lstrip()) == "":
            self._held = self._held[at:]
            return False
        key = self._depth == 1 and following[0] == ":"
        if key and _decoded(self._held[at:ended]) == self._field:
            value = following[1:].lstrip()
            if not value:
                self._held = self._held[at:]
                return False
            self._inside = value[0] == '"'
            self._held = value[1:] if self._inside else value
            return True
        self._held = self._held[ended:]
        return True

    def _read_text(self) -> bool:
        held = self._held
        if plain := _PLAIN.match(held):
            self.text += plain[0]
            self._held = held[plain.end() :]
            return bool(self._held)
        if held.startswith('"'):
            self._done = True
            return False
        return self._read_escape(held)

    def _read_escape(self, held: str) -> bool:
        if len(held) < 2:
            return False
        if held[1] != "u":
            self.text += _ESCAPES.get(held[1], "")
            self._held = held[2:]
            return True
        found = re.match(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})", held)
        if found:
            high, low = int(found[1], 16), int(found[2], 16)
            self.text += chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            self._held = held[12:]
            return True
        may_be_pair = re.match(r"\\u[dD][89abAB]", held) is not None
        if len(held) < 6 or (may_be_pair and len(held) < 12 and "\\u".startswith(held[6:8])):
            return False
        self._held = held[6:]
        with_hex = re.match(r"\\u([0-9a-fA-F]{4})", held)
        code = int(with_hex[1], 16) if with_hex else 0
        self.text += "" if 0xD800 <= code < 0xE000 or not with_hex else chr(code)
        return True


def _end_of_string(text: str, at: int) -> int | None:
    """The place behind the string that begins at `at`, or None when it has not ended yet."""
    found = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL).match(text, at)
    return found.end() if found else None


def _decoded(literal: str) -> str | None:
    try:
        value = json.loads(literal, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None
