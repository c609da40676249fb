"""Pictures as we keep them: decoded within bounds, turned upright, and written anew without what else the file held.

Runs in a child process: what a stranger's file does to a decoder happens there.
"""

from typing import Final, NamedTuple

MIME_TYPE: Final = "image/webp"
EXTENSION: Final = "webp"


class Unusable(Exception):
    """The file is no picture that we take; the message says why, and what to send."""


class Picture(NamedTuple):
    """Two WebP files of one picture; the sides are those of the larger one."""

    content: bytes
    thumbnail: bytes
    width: int
    height: int


def encoded(content: bytes) -> Picture:
    """The picture in a file. Raises Unusable. For a child process."""
    from igny8.files import decoding

    return decoding.encoded(content)
