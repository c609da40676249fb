"""Files: a local folder, or a bucket by its address. Who a file belongs to and how long it stays, rows say.

A key is `<account>/<256 random bits>.<extension>`: nobody guesses it, and what an account has lies together.
"""

import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from igny8.errors import Unavailable

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ObjectStore

_KEY: Final = re.compile(r"[0-9a-f]{32}/[0-9a-f]{64}\.[a-z]{2,5}")
#: What is held of a file that passes through: parts of this size, two at once.
_PART_BYTES: Final = 5 * 1024 * 1024
_PARTS_AT_ONCE: Final = 2
_CHUNK_BYTES: Final = 256 * 1024
_CONNECT: Final = timedelta(seconds=5)
_WHOLE: Final = timedelta(minutes=15)
_RETRIED: Final = timedelta(seconds=20)
_AWAY: Final = "The file store does not answer at the moment. Try again in a few seconds."


class FileGone(Exception):
    """There is no file with this key, or not any more."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there; its content is read once, piece by piece."""

    size: int
    chunks: AsyncIterator[bytes]


def new_key(account_id: UUID, extension: str) -> str:
    """A key that no file has."""
    return f"{account_id.hex}/{secrets.token_hex(32)}.{extension}"


def is_key(text: str) -> bool:
    """Whether this is a key as `new_key` makes them: nothing else ever reaches the store."""
    return _KEY.fullmatch(text) is not None


class Storage:
    """Puts, fetches and deletes files. Every method raises Unavailable when the store does not answer."""

    def __init__(self, url: str) -> None:
        """`url` is a folder, or `file://`, `s3://`, `gs://` or `az://`; nothing is opened before it is needed."""
        self._url = url

    async def put(self, key: str, content: bytes | AsyncIterator[bytes]) -> None:
        """Keep a file: all of it or, when the content raises, nothing. Memory does not grow with it."""
        with _answering():
            if isinstance(content, bytes):
                await self._store.put_async(_checked(key), content)
            else:
                await self._store.put_async(
                    _checked(key), content, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE
                )

    async def fetch(self, key: str) -> Found:
        """Open a file. Raises FileGone."""
        with _answering():
            try:
                found = await self._store.get_async(_checked(key))
            except FileNotFoundError:
                raise FileGone(key) from None
        return Found(found.meta["size"], _pieces(found))

    async def content(self, key: str, *, most: int) -> bytes:
        """A whole file of at most `most` bytes; a longer one is cut off there. Raises FileGone."""
        found, held = await self.fetch(key), bytearray()
        async for chunk in found.chunks:
            held += chunk
            if len(held) >= most:
                break
        return bytes(held[:most])

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove files; those that are gone already are gone."""
        for key in keys:
            with _answering(), suppress(FileNotFoundError):
                await self._store.delete_async(_checked(key))

    @cached_property
    def _store(self) -> "ObjectStore":
        # Processes that never touch a file do without the library, which is large.
        from obstore.store import LocalStore, from_url

        parts = urlsplit(self._url)
        if parts.scheme not in ("", "file"):
            return from_url(
                self._url,
                # A whole body passes within `timeout`, as slowly as whoever reads it takes it. Only an operator who
                # names an http address gets one.
                client_options={"connect_timeout": _CONNECT, "timeout": _WHOLE, "allow_http": True},
                retry_config={"max_retries": 3, "retry_timeout": _RETRIED},
            )
        folder = Path(unquote(parts.path) if parts.scheme else self._url)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(folder, automatic_cleanup=True)


def _checked(key: str) -> str:
    if not is_key(key):
        raise ValueError("This is no key of a stored file.")
    return key


async def _pieces(found: "GetResult") -> AsyncIterator[bytes]:
    with _answering():
        async for piece in found.stream(min_chunk_size=_CHUNK_BYTES):
            yield bytes(piece)


@contextmanager
def _answering() -> Iterator[None]:
    """Raises Unavailable for what the store says when it does not answer."""
    try:
        yield
    except OSError as error:
        raise Unavailable(_AWAY) from error
    except Exception as error:
        from obstore.exceptions import BaseError

        if isinstance(error, BaseError):
            raise Unavailable(_AWAY) from error
        raise
