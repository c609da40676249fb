"""The application as production runs it, and its log."""

from collections.abc import AsyncIterator

import pytest

from igny8 import logs
from igny8.app import create_app
from igny8.settings import Settings
from tests.conftest import running
from tests.support.api import Api
from tests.support.logged import Lines, log_to_memory


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The run's settings, and one other site whose pages may call."""
    return settings.model_copy(update={"allowed_origins": ["http://pages.test"]})


@pytest.fixture
def production_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"environment": "production", "public_url": "https://igny8.test"})


@pytest.fixture
async def production(production_settings: Settings) -> AsyncIterator[Api]:
    logs.configure(production_settings)
    async with running(create_app(production_settings)) as client:
        yield Api(client)


@pytest.fixture
def log_lines(api: Api, settings: Settings) -> Lines:
    """What the application, which is set up before it, logged so far."""
    return log_to_memory(settings)
