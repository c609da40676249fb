"""An account at work: the API, a worker, a dispatcher and a sandbox of the provider."""

from collections.abc import AsyncIterator, Iterator

import pytest

from igny8.settings import Settings
from tests.support.workshop import Providers, Workshop, sandboxes, workshop
from tests.support.world import World


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    with sandboxes() as made:
        yield made


@pytest.fixture
async def shop(settings: Settings, world: World, providers: Providers) -> AsyncIterator[Workshop]:
    async with workshop(settings, world, providers) as made:
        yield made
