"""One row's events in one process: who follows them, and when to read."""

import asyncio
import contextlib
from collections.abc import Hashable, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
import structlog

from igny8.errors import Internal
from igny8.events import Bus
from igny8.gql import faults, ids
from igny8.gql.read.events import EventRoot
from igny8.gql.streams.group import Group

#: Before it is tried again when PostgreSQL does not answer.
PAUSE: Final = 1.0

log = structlog.get_logger()


class Feed:
    """Reads while there is news, once for each group."""

    def __init__(
        self,
        bus: Bus,
        root: EventRoot,
        account_id: UUID,
        subject_id: UUID,
        reads: asyncio.Semaphore,
        prefixes: Mapping[str, str],
    ) -> None:
        self.root, self.account_id, self.subject_id = root, account_id, subject_id
        self.groups: dict[Hashable, Group] = {}
        self.followers = 0
        self.scope_id: UUID | None = None
        #: Counts the news: who reads can tell whether there was any meanwhile.
        self.news = 0
        self._bus, self._reads, self._prefixes = bus, reads, prefixes
        self._reading: asyncio.Task[None] | None = None
        self._hearing: asyncio.Task[None] | None = None

    @property
    def head(self) -> int:
        """The last cursor that all groups have handed out."""
        return min((group.head for group in self.groups.values() if group.members), default=0)

    def wake(self) -> None:
        """There may be new events."""
        self.news += 1
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())

    def hear(self) -> None:
        """Listen to live text, for groups that want it."""
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear())

    def close(self) -> None:
        for task in (self._reading, self._hearing):
            if task is not None:
                task.cancel()

    async def _read(self) -> None:
        try:
            seen = -1
            while seen != self.news:
                seen = self.news
                outcomes = await asyncio.gather(*(self._look(group) for group in list(self.groups.values())))
                if not all(outcomes):
                    await asyncio.sleep(PAUSE)
                    self.news += 1
        finally:
            self._reading = None

    async def _look(self, group: Group) -> bool:
        """Whether the group has all there is."""
        try:
            async with self._reads:
                await group.look()
        except Exception as error:
            expected = faults.as_request_error(error)
            if expected is None:
                log.error("events not read", exc_info=error)
                group.fail(Internal(faults.MASKED))
            return expected is None
        return True

    async def _hear(self) -> None:
        async with self._bus.listen(f"text:{self.subject_id}") as messages:
            async for payload in messages:
                message = _decoded(payload)
                if message is not None:
                    message["subject"] = self._shown(message)
                    for group in self.groups.values():
                        group.live_text(message)

    def _shown(self, message: dict[str, Any]) -> str | None:
        """The public id of what the text is written about."""
        prefix = self._prefixes.get(message.get("subjectKind", ""))
        return ids.show(prefix, UUID(message["subjectId"])) if prefix else None


def _decoded(payload: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(orjson.JSONDecodeError):
        found = orjson.loads(payload) if payload else None
        return found if isinstance(found, dict) else None
    return None
