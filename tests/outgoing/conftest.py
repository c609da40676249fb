"""A server that waits to be called."""

from collections.abc import AsyncIterator

import pytest

from tests.outgoing.far_side import Server, serving


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as waiting:
        yield waiting
