"""The application as production runs it, and its log."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from igny8 import logs
from igny8.app import create_app
from igny8.settings import Settings
from tests.conftest import running
from tests.support.api import Api

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def production_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"environment": "production", "public_url": "https://igny8.test"})


@pytest.fixture
async def production(production_settings: Settings) -> AsyncIterator[Api]:
    logs.configure(production_settings)
    async with running(create_app(production_settings)) as client:
        yield Api(client)


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was logged since the last call. Must be asked for before the application is started."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]

    return read
