"""What users do meanwhile: they start jobs of every sort, cancel some, and run again what was not done."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import jobs, transactions
from igny8.access import Role
from igny8.changes import Actor
from igny8.db import Database, LoginRole, new_id
from igny8.errors import Unavailable
from igny8.gql import ids
from igny8.jobs import Queue, Subject, Task
from igny8.jobs.hints import Hints
from igny8.jobs.progress import Line
from tests.chaos.chaos_tasks import Recipe, ask, glance, work
from tests.chaos.house import House
from tests.support.world import Tenant

_USERS: Final = 5
_AT_A_TIME: Final = 4
_LONGEST_REST: Final = 0.8
#: Nobody starts any while so many are under way.
_UNFINISHED: Final = 600
_RECENT: Final = 300

_CANCEL: Final = "mutation($id: ID!) { cancelJob(id: $id) { job { id } errors { code } } }"
_RETRY: Final = "mutation($id: ID!) { retryJob(id: $id) { job { id } errors { code } } }"
_COUNT: Final = text("SELECT count(*) FROM job WHERE state IN ('QUEUED', 'RETRYING', 'RUNNING')")
#: What the database's absence looks like.
AWAY: Final = (Unavailable, DBAPIError)


@dataclass
class Started:
    """A job that somebody was told of: it must be there in the end."""

    tenant: Tenant
    id: UUID
    queue: Queue


@dataclass
class Load:
    """Users of several accounts."""

    random: Random
    db: Database
    hints: Hints
    house: House
    tenants: list[Tenant]
    #: Somebody may want to follow a new job.
    on_start: Callable[[Started], None]
    told: set[UUID] = field(default_factory=set)
    recent: deque[Started] = field(default_factory=lambda: deque(maxlen=_RECENT))
    done: Counter[str] = field(default_factory=Counter)

    async def start_jobs(self, over: asyncio.Event) -> None:
        """Several users do so at once, while not too many jobs are under way."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_USERS):
                group.create_task(self._start_some(over))

    async def change_minds(self, over: asyncio.Event) -> None:
        """Cancel and run again through the API; an answer that does not come is not waited for."""
        while not over.is_set():
            await asyncio.sleep(self.random.uniform(0.05, 0.4))
            if self.recent:
                started = self.random.choice(self.recent)
                query, name = self.random.choice([(_CANCEL, "cancelJob"), (_RETRY, "retryJob")])
                with contextlib.suppress(httpx.HTTPError, ValueError):
                    await self._mutate(started, query, name)

    async def _mutate(self, started: Started, query: str, name: str) -> None:
        body = {"query": query, "variables": {"id": ids.show("job", started.id)}}
        token = started.tenant[Role.OWNER].token
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.house.http.post(f"{self.house.address}/graphql", json=body, headers=headers, timeout=5)
        payload: dict[str, Any] = (answer.json().get("data") or {}).get(name) or {}
        if not payload.get("job"):
            return
        self.done[name] += 1
        if name == "retryJob":
            self._tell(Started(started.tenant, ids.parse("job", payload["job"]["id"]), started.queue))

    async def _start_some(self, over: asyncio.Event) -> None:
        """What does not answer may have started one nevertheless."""
        while not over.is_set():
            with contextlib.suppress(*AWAY):
                if await self._unfinished() < _UNFINISHED:
                    for _ in range(_AT_A_TIME):
                        await self._start()
            await asyncio.sleep(self.random.uniform(0, _LONGEST_REST))

    async def all_ended(self) -> bool:
        try:
            return await self._unfinished() == 0
        except AWAY:
            return False

    async def _unfinished(self) -> int:
        async with self.db.session(LoginRole.SYSTEM) as session:
            found: int = (await session.execute(_COUNT)).scalar_one()
        return found

    async def _start(self) -> None:
        tenant = self.random.choice(self.tenants)
        task, recipe, items = self._drawn()
        async with self._writing(tenant) as session:
            job_id = await jobs.enqueue(
                session,
                task,
                recipe,
                site_id=tenant.sites["a"],
                items=[Subject("task", new_id()) for _ in range(items)],
                credits=recipe.price * items,
                started_by=tenant[Role.OWNER].id,
            )
        self.done["started"] += 1
        self._tell(Started(tenant, job_id, task.queue))

    def _tell(self, started: Started) -> None:
        self.told.add(started.id)
        self.recent.append(started)
        self.on_start(started)

    def _drawn(self) -> tuple[Task[Recipe], Recipe, int]:
        """Mostly short work; some of it fails, and some of it asks the provider."""
        random = self.random
        if random.random() < 0.5:
            return glance, Recipe(price=0, seconds=random.choice((0, 0, 0, 0.05))), 0
        items = random.choice((1, 1, 1, 2, 3))
        positions = list(range(items))
        recipe = Recipe(
            price=random.choice((0, 1, 2)),
            seconds=random.choice((0, 0, 0, 0.05, 0.3, 1.0)),
            refused=[n for n in positions if random.random() < 0.05],
            shaky=[n for n in positions if random.random() < 0.05],
        )
        if random.random() < 0.25:
            model = random.choice(("sandbox-text", "sandbox-text", "sandbox-text:flaky-1", "sandbox-text:slow-1"))
            return ask, recipe.model_copy(update={"model": model}), items
        return work, recipe, items

    @asynccontextmanager
    async def _writing(self, tenant: Tenant) -> AsyncIterator[AsyncSession]:
        owner = tenant[Role.OWNER].id
        async with (
            transactions.acting_as(self.db, tenant.id, owner) as session,
            transactions.logged(session, Actor(tenant.id, owner, "chaos", None)),
        ):
            yield session
        self.hints.tell(session)

    async def repeat_hints(self) -> None:
        """Send hints that were sent before, of jobs that wait, run or have ended."""
        some = self.random.sample(list(self.recent), min(20, len(self.recent)))
        await self.hints.send([(Line(one.tenant.id, one.queue), one.id) for one in some for _ in range(3)])
