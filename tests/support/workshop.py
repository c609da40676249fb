"""The product at work in one process: the API, a worker, a dispatcher, and sandboxes of the providers that count calls."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from igny8 import logs
from igny8.access import Role
from igny8.app import create_app
from igny8.devstack.sandbox.calls import CallLog
from igny8.devstack.sandbox.openai import openai_app
from igny8.devstack.sandbox.runware import runware_app
from igny8.dispatcher import dispatching
from igny8.settings import Settings
from igny8.worker import TASKS, working
from tests.conftest import running
from tests.support.api import Api
from tests.support.live import serving
from tests.support.world import Person, Tenant, World

PATIENCE = 40.0
ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")
JOB = """query($id: ID!) { job(id: $id) {
  id state message percent phase creditsHeld creditsUsed itemsDone itemsFailed itemsTotal attempt
  error { code message retryable }
  items(first: 100) { nodes { state message creditsUsed error { code message retryable } subject { id } } }
  results(first: 100) { nodes { __typename id } }
  outcome { __typename
    ... on ClusteringReport { clustersCreated clustersExtended requests leftOver { keyword }
      proposals { name description keywordIds score } } } } }"""


@dataclass(frozen=True)
class Providers:
    """Sandboxes that serve for a whole module, and what they were asked."""

    log: CallLog
    addresses: Mapping[str, str]


@contextmanager
def sandboxes() -> Iterator[Providers]:
    log = CallLog()
    with serving(openai_app(log)) as openai, serving(runware_app(log)) as runware:
        yield Providers(log, {"openai": f"{openai}/v1", "runware": f"{runware}/v1"})


@dataclass
class Workshop:
    """An account with credits, and the way to its jobs."""

    api: Api
    tenant: Tenant
    world: World
    log: CallLog

    @property
    def editor(self) -> Person:
        return self.tenant[Role.EDITOR]

    @property
    def calls(self) -> int:
        """Calls that a provider would have been paid for."""
        return sum(call["state"] != "refused" for call in self.log.listed())

    async def mutate(self, field: str, selection: str, **input: Any) -> dict[str, Any]:
        """The payload of a mutation that takes one input, by the editor."""
        kind = field[0].upper() + field[1:]
        text = f"mutation($input: {kind}Input!) {{ {field}(input: $input) {{ {_ERRORS} {selection} }} }}"
        found: dict[str, Any] = (await self.api.data(text, as_=self.editor, input=input))[field]
        return found

    async def job(self, job_id: str, by: Person | None = None) -> dict[str, Any]:
        found: dict[str, Any] = (await self.api.data(JOB, as_=by or self.editor, id=job_id))["job"]
        return found

    async def ended(self, job_id: str) -> dict[str, Any]:
        return await self.ended_for(self.editor, job_id)

    async def ended_for(self, person: Person, job_id: str) -> dict[str, Any]:
        """The job when it has ended; the pauses between its attempts are cut short."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + PATIENCE
        while (job := await self.job(job_id, person))["state"] not in ENDED:
            assert loop.time() < ends, job
            self.world.sql.execute("UPDATE job SET due_at = now() WHERE state = 'RETRYING' AND due_at > now()")
            await asyncio.sleep(0.05)
        return job

    async def behave(self, behaviour: str) -> None:
        """Let the account have a key of its own, and a model with which the sandbox behaves like this."""
        text = "mutation($input: IntegrationSettingsInput!) { saveIntegrationSettings(input: $input) { success } }"
        own = {"apiKey": "own-key-0123456789", "textModel": f"sandbox-text:{behaviour}"}
        saved = await self.api.data(text, as_=self.tenant[Role.OWNER], input={"integrationType": "OPENAI", **own})
        assert saved["saveIntegrationSettings"]["success"]

    def wallet(self) -> tuple[int, int]:
        """Balance and what is held of it."""
        found = self.world.sql.execute("SELECT balance, held FROM wallet WHERE account_id = %s", [self.tenant.id])
        balance, held = found.fetchone() or (0, 0)
        return balance, held


_ERRORS = "success errors { code field message details }"


@asynccontextmanager
async def workshop(
    settings: Settings, world: World, providers: Providers, *, plan: str = "scale", credits: int = 10_000
) -> AsyncIterator[Workshop]:
    """Everything runs until the block ends; the worker can do all tasks that workers can."""
    changed = settings.model_copy(
        update={
            "outgoing_private": True,
            "drain_seconds": 0.5,
            "openai_api_key": SecretStr("sandbox-key"),
            "openai_base_url": providers.addresses["openai"],
            "runware_api_key": SecretStr("sandbox-key"),
            "runware_base_url": providers.addresses["runware"],
        }
    )
    logs.configure(changed)
    providers.log.clear()
    tenant = world.tenant(plan=plan)
    world.fund(tenant, credits)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(running(create_app(changed)))
        await stack.enter_async_context(working(changed, TASKS))
        await stack.enter_async_context(dispatching(changed))
        yield Workshop(Api(http), tenant, world, providers.log)
