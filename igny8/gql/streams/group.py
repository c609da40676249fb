"""Followers who are told the same: one selection of one row's events, read by viewers who see the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from graphql.execution.values import VariableValues

from igny8.errors import NothingToFollow, RequestError, TooComplex, TooSlow, Unauthenticated
from igny8.gql import faults
from igny8.gql.read.events import Event, EventPage, EventRoot
from igny8.gql.read.plans import Operation
from igny8.gql.read.reader import Reader
from igny8.transactions import Credentials, Standing

#: Events in one read; when their answer is too large, a quarter, and so on.
PAGE: Final = 100

GONE: Final = "There is nothing to follow under this id, or nothing any more that you may see."


class Sink(Protocol):
    """Where a follower's events go: one operation of a socket, or one answer by SSE."""

    @property
    def full(self) -> bool:
        """Whether the client is so far behind that nothing more is kept for it."""

    def next(self, payload: str) -> None:
        """Send the answer for one event."""

    def failed(self, error: RequestError) -> None:
        """Send why the stream ends."""

    def completed(self) -> None:
        """Send that the stream has come to its end."""

    async def room(self) -> None:
        """Wait until there is room for more events."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a subscription asks to be told of each event; `variables` are those that matter for that."""

    operation: Operation
    variables: VariableValues
    root: EventRoot
    #: Response keys that live text fills, by the keys of its messages.
    live: Mapping[str, str]


class Member(Protocol):
    """A follower as its group sees it: `cursor` is that of the last event it was sent."""

    cursor: int
    credentials: Credentials
    sink: Sink

    def left(self) -> None:
        """It follows no more."""


class Group:
    """Reads new events once and hands them to all members."""

    def __init__(self, reader: Reader, selection: Selection, subject_id: UUID, standing: Standing) -> None:
        self.selection, self.standing = selection, standing
        self.members: set[Member] = set()
        #: Members, and those who are still catching up.
        self.followers = 0
        #: All members were sent what there is up to here.
        self.head = 0
        self._reader, self._subject_id = reader, subject_id
        self._most = PAGE
        self._last: dict[str, Any] | None = None

    @property
    def knows_last(self) -> bool:
        """Whether there is an event that live text can be told with."""
        return self._last is not None

    def join(self, member: Member) -> None:
        """From now on the member is sent what comes; it has all that came until now."""
        if not self.members:
            self.head = member.cursor
        self.members.add(member)

    async def page(self, credentials: Credentials, after: int) -> tuple[EventPage, bool]:
        """Events after a cursor, and whether these are all. Raises RequestError."""
        selection = self.selection
        while True:
            most = self._most
            try:
                page = await self._reader.events(
                    selection.operation, selection.variables, credentials, selection.root, self._subject_id,
                    after=after, most=most,
                )  # fmt: skip
            except TooComplex:
                if most == 1:
                    raise
                self._most = max(1, most // 4)
                continue
            if page is None:
                raise NothingToFollow(GONE)
            if page.events and (value := page.events[-1].value) is not None:
                self._last = value
            return page, len(page.events) < most

    async def look(self) -> None:
        """Hand out all that is new. Raises RequestError when that could not be read; nothing is lost by it."""
        while self.members:
            read = await self._read_as_any()
            if read is None:
                return
            page, all_of_them = read
            for event in page.events:
                self._hand_out(event)
                self.head = max(self.head, event.cursor)
            if all_of_them:
                if page.ended:
                    self.complete()
                return

    def live_text(self, message: Mapping[str, Any]) -> None:
        """Hand out live text: the last event once more, with the text in it."""
        if self._last is None or not self.selection.live:
            return
        told = {key: message.get(name) for key, name in self.selection.live.items()}
        payload = self.payload({**self._last, **told})
        for member in list(self.members):
            if not member.sink.full:
                member.sink.next(payload)

    def payload(self, value: Any, event: Event | None = None) -> str:
        """The answer for one event."""
        made: dict[str, Any] = {"data": None if value is None else {self.selection.root.key: value}}
        if event is not None and event.errors:
            made["errors"] = [faults.told(error) for error in event.errors]
        return orjson.dumps(made).decode()

    def complete(self) -> None:
        for member in self._leaving():
            member.sink.completed()

    def fail(self, error: RequestError) -> None:
        for member in self._leaving():
            member.sink.failed(error)

    def _leaving(self) -> Iterator[Member]:
        for member in list(self.members):
            member.left()
            yield member

    async def _read_as_any(self) -> tuple[EventPage, bool] | None:
        """Read as one of the members: they see the same. None when there is nothing to read for anybody any more."""
        for member in list(self.members):
            try:
                return await self.page(member.credentials, self.head)
            except Unauthenticated:
                continue  # this one is about to be told; the others live
            except (NothingToFollow, TooComplex) as error:
                self.fail(error)
                return None
        return None

    def _hand_out(self, event: Event) -> None:
        payload = self.payload(event.value, event)
        for member in list(self.members):
            if event.cursor <= member.cursor:
                continue
            if member.sink.full:
                member.left()
                member.sink.failed(too_slow(member.cursor))
            else:
                member.sink.next(payload)
                member.cursor = event.cursor


def too_slow(cursor: int) -> TooSlow:
    said = "You do not take your events as fast as they come. Subscribe again after the last cursor you have seen."
    return TooSlow(said, details={"cursor": str(cursor)})
