"""The engine as production builds it, in front of a sandbox that counts what it is asked."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import outgoing, transactions
from igny8.ai.calls import Connection, Provider
from igny8.ai.catalogue import Catalogue
from igny8.ai.engine import Engine
from igny8.ai.providers import engine as engine_over
from igny8.ai.steps import DailyCaps, Spending, Steps, spent_by_everyone
from igny8.ai.tables import AiCall
from igny8.db import Database, LoginRole, new_id
from igny8.devstack.sandbox.calls import CallLog
from igny8.devstack.sandbox.openai import openai_app
from igny8.devstack.sandbox.runware import runware_app
from tests.support.live import serving
from tests.support.tenants import new_account, rows_of

KEY = "sk-canary-7f3a9b"


@pytest.fixture(scope="module")
def log() -> CallLog:
    return CallLog()


@pytest.fixture(scope="module")
def addresses(log: CallLog) -> Iterator[dict[Provider, str]]:
    with serving(openai_app(log)) as openai, serving(runware_app(log)) as runware:
        yield {Provider.OPENAI: f"{openai}/v1", Provider.RUNWARE: f"{runware}/v1"}


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with outgoing.client(True, timeout=60) as http:
        yield engine_over(http, Catalogue.load())


@dataclass
class Bench:
    """A job's steps, and what the sandbox saw of them."""

    db: Database
    log: CallLog
    addresses: dict[Provider, str]
    account_id: UUID
    job_id: UUID
    caps: DailyCaps

    def steps(self) -> Steps:
        return Steps(self._open, self.account_id, self.job_id, Spending(self.caps, self._everyone), self._turn)

    def connection(self, provider: Provider = Provider.OPENAI, *, owner: str = "SERVER") -> Connection:
        return Connection(provider, self.addresses[provider], KEY, "SERVER" if owner == "SERVER" else "ACCOUNT")

    def states(self) -> list[str]:
        """How the sandbox's calls ended."""
        return [str(call["state"]) for call in self.log.listed()]

    async def calls(self) -> list[AiCall]:
        return sorted(await rows_of(self.db, AiCall, self.account_id), key=lambda call: call.id)

    @asynccontextmanager
    async def _turn(self, provider: str) -> AsyncIterator[None]:
        yield

    def _open(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transactions.acting_as(self.db, self.account_id, new_id())

    async def _everyone(self) -> Decimal:
        async with self.db.session(LoginRole.SYSTEM) as session:
            return await spent_by_everyone(session)


@pytest.fixture
async def bench(db: Database, log: CallLog, addresses: dict[Provider, str]) -> Bench:
    log.clear()
    caps = DailyCaps(Decimal(10), Decimal(1_000))
    return Bench(db, log, addresses, await new_account(db), new_id(), caps)
