"""What the tests of the table share."""

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher

from igny8.settings import Settings
from tests.access.stage import PASSWORD, Stage
from tests.support.world import World


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Everything that a row leads to is read at once, three rows deep."""
    return settings.model_copy(update={"max_nodes": 500_000})


@pytest.fixture(scope="session")
def password_hash() -> str:
    """A hash that is quick to check; its parameters stand in it."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture
def staged(world: World, password_hash: str) -> Iterator[Callable[[], Stage]]:
    """Makes stages; what is played on one may change it for good."""
    yield lambda: Stage(world, password_hash)
    Stage.leave(world)
