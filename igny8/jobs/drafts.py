"""Texts while they are written: told at once to whoever watches, kept now and then for whoever comes later."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from igny8.events import Bus
from igny8.jobs.claiming import Item

KEEP_SECONDS: Final = 2.0
#: Pieces that come faster are told together: people read no faster, and it is a message to Redis each.
TELL_SECONDS: Final = 0.05


@dataclass(slots=True)
class _Draft:
    text: str
    told: int
    next_keep: float
    next_tell: float


class Drafts:
    """The texts of one job's items, for as long as they are written."""

    def __init__(self, bus: Bus, job_id: UUID, keep: Callable[[Item, str], Awaitable[None]]) -> None:
        self._bus, self._topic, self._keep = bus, f"text:{job_id}", keep
        self._drafts: dict[UUID, _Draft] = {}

    def of(self, item: Item) -> str | None:
        """What was written of an item in this attempt."""
        draft = self._drafts.get(item.id)
        return None if draft is None else draft.text

    async def write(self, item: Item, offset: int, text: str) -> None:
        """Put a piece of text at an offset, in characters; what came after it before is gone."""
        now = asyncio.get_running_loop().time()
        draft = self._drafts.setdefault(item.id, _Draft("", 0, now + KEEP_SECONDS, now))
        draft.text = draft.text[:offset] + text
        draft.told = min(draft.told, offset)
        if now >= draft.next_tell:
            draft.next_tell = now + TELL_SECONDS
            await self._tell(item, draft)
        if now >= draft.next_keep:
            draft.next_keep = now + KEEP_SECONDS
            await self._keep(item, draft.text)

    async def close(self, item: Item) -> None:
        """Tell what is left; nothing more will be written."""
        draft = self._drafts.pop(item.id, None)
        if draft is not None:
            await self._tell(item, draft)

    async def _tell(self, item: Item, draft: _Draft) -> None:
        piece, offset = draft.text[draft.told :], draft.told
        draft.told = len(draft.text)
        if piece:
            kind, id_ = item.subject
            told = {"itemId": item.id, "subjectKind": kind, "subjectId": id_, "offset": offset, "text": piece}
            await self._bus.publish(self._topic, orjson.dumps(told))
