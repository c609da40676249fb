"""Answers that take equally long whether somebody is known or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

#: Longer than writing a token and a mail usually takes.
_SECONDS: Final = 0.025


@asynccontextmanager
async def evened() -> AsyncIterator[None]:
    """Let the block last a fixed while, so that its length does not tell whether it had anything to do."""
    clock = asyncio.get_running_loop().time
    ends = clock() + _SECONDS
    try:
        yield
    finally:
        await asyncio.sleep(ends - clock())
