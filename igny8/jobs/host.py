"""What the jobs of one worker process share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import transactions
from igny8.changes import Actor
from igny8.db import Database, LoginRole, fetch_row
from igny8.events import Bus
from igny8.jobs.ai import Ai
from igny8.jobs.hints import Hints
from igny8.jobs.turns import Turns
from igny8.signed import SignedAddresses
from igny8.storage import Storage

#: Work writes more at once than a request does.
_ENTER: Final = f"{transactions.ACT_AS}, set_config('statement_timeout', '60s', true)"


@dataclass(frozen=True, slots=True)
class Files:
    """Where jobs keep files, and how others get at them."""

    storage: Storage
    addresses: SignedAddresses


class Host:
    """Connections of the application's role, and the ways to tell others."""

    def __init__(
        self, db: Database, connections: int, bus: Bus, hints: Hints, turns: Turns, ai: Ai, files: Files
    ) -> None:
        self.ai = ai
        self.files = files
        self.bus = bus
        self.turns = turns
        self._db = db
        self._hints = hints
        # Jobs wait for a connection as long as it takes; only then is a full pool no outage.
        self._connections = asyncio.Semaphore(connections)
        #: Long transactions tell their progress by another one meanwhile: together they never need all connections.
        self.long_ones = asyncio.Semaphore(max(1, connections // 2))

    @asynccontextmanager
    async def transaction(self, actor: Actor) -> AsyncIterator[AsyncSession]:
        """A transaction of the application in the actor's account; what it has to tell is told after its commit."""
        async with self._connections:
            async with self._db.session(LoginRole.APP) as session:
                user = actor.user_id or ""
                await fetch_row(session, _ENTER, {"account": str(actor.account_id), "user": str(user)})
                async with transactions.logged(session, actor):
                    yield session
            self._hints.tell(session)

    @asynccontextmanager
    async def across(self) -> AsyncIterator[AsyncSession]:
        """A transaction of the system's role, for jobs of several accounts; it tells, too."""
        async with self._db.session(LoginRole.SYSTEM) as session:
            yield session
        self._hints.tell(session)
