"""Plain text out of what people or models write."""


def line(text: str, most: int) -> str:
    """One line: no markup, no control characters, single spaces, at most `most` characters."""
    plain = "".join(" " if not character.isprintable() or character in "<>" else character for character in text)
    return " ".join(plain.split())[:most].rstrip()
