"""The application as production runs it, and its log."""

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import redirect_stderr
from typing import Any

import pytest

from igny8 import logs
from igny8.app import create_app
from igny8.settings import Settings
from tests.conftest import running
from tests.support.api import Api

ALLOWED_ORIGIN = "http://pages.test"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The run's settings, and one other site whose pages may call."""
    return settings.model_copy(update={"allowed_origins": [ALLOWED_ORIGIN]})


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
    """What was logged so far. Ask for it after the application, which sets up its own log."""
    written = io.StringIO()
    with redirect_stderr(written):
        logs.configure(settings)
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]
