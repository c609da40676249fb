"""The sandbox servers over real HTTP, with the clients that production uses."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from openai import AsyncOpenAI

from igny8.devstack.sandbox.calls import CallLog
from igny8.devstack.sandbox.openai import openai_app
from igny8.devstack.sandbox.runware import runware_app
from tests.support.live import serving


@pytest.fixture(scope="module")
def log() -> CallLog:
    return CallLog()


@pytest.fixture(scope="module")
def address(log: CallLog) -> Iterator[str]:
    with serving(openai_app(log)) as url:
        yield url


@pytest.fixture(scope="module")
def runware_address() -> Iterator[str]:
    with serving(runware_app(CallLog())) as url:
        yield url


@pytest.fixture
async def openai(address: str, log: CallLog) -> AsyncIterator[AsyncOpenAI]:
    log.clear()
    async with AsyncOpenAI(api_key="sk-sandbox-1234", base_url=f"{address}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client
