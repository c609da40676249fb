"""An API that may call servers on this machine, and a provider there."""

from collections.abc import AsyncIterator

import pytest

from igny8.settings import Settings
from tests.system.provider import Provider, providing


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"outgoing_private": True})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as made:
        yield made
