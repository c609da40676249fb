"""Following events: what was missed first, then live, until the row, the session or the grant ends it."""

import asyncio
import re
from collections.abc import Awaitable, Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import orjson
import structlog
from graphql import get_named_type
from graphql.execution.values import VariableValues, get_argument_values
from prometheus_client import Gauge

from igny8.db import Database
from igny8.errors import BadRequest, Internal, NothingToFollow, RequestError
from igny8.events import Bus
from igny8.gql import faults, ids
from igny8.gql.context import ACCESS_TOPIC
from igny8.gql.read.completion import python_name_of
from igny8.gql.read.events import EventRoot, below, is_personal
from igny8.gql.read.objects import Compiler, refuse
from igny8.gql.read.plans import Operation
from igny8.gql.read.reader import Reader
from igny8.gql.streams.feed import Feed
from igny8.gql.streams.group import GONE, Group, Selection, Sink
from igny8.gql.streams.watch import Watch
from igny8.transactions import Credentials, Standing

#: Between two looks at all sessions and at the last cursors, for what nobody told.
LOOK_SECONDS: Final = 2.0
#: Of the connections of the database, how many the streams of a process may take from its requests at a time.
READS_AT_ONCE: Final = 3
#: After every cursor there is.
_END: Final = 2**62
_CURSOR: Final = re.compile(r"[0-9]{1,18}")

FOLLOWERS: Final = Gauge("igny8_subscriptions", "Subscriptions that are open.")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A valid subscription that may be begun, as far as its costs go."""

    operation: Operation
    variables: VariableValues


class Streams:
    """All that is followed in one process."""

    def __init__(self, reader: Reader, db: Database, bus: Bus) -> None:
        self.reader, self.watch = reader, Watch(db)
        self._bus = bus
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._prefixes = {source.table.name: source.prefix for source in reader.planner.sources.values()}
        self._feeds: dict[Hashable, Feed] = {}
        self._scopes: dict[UUID, set[Feed]] = {}
        self._listening: dict[UUID, asyncio.Task[None]] = {}

    def follow(self, wanted: Wanted, credentials: Credentials, standing: Standing, sink: Sink) -> "Follower":
        """Somebody who will be told what `wanted` asks for. Raises RequestError for what is not allowed or no id."""
        operation, variables = wanted.operation, wanted.variables
        root = self.reader.planner.event_root(operation, variables)
        refused = refuse(root.declared.gate, standing.role, account_named=credentials.acting_on is not None)
        if refused is not None:
            raise refused
        selection = Selection(operation, below(operation, root, variables), root, self._live_keys(wanted, root))
        subject_id, after = _asked(root, variables)
        return Follower(self, selection, subject_id, after, credentials, standing, sink)

    def feed(self, root: EventRoot, account_id: UUID, subject_id: UUID) -> Feed:
        """The feed of a row, made for its first follower."""
        key = (root.name, account_id, subject_id)
        found = self._feeds.get(key)
        if found is None:
            found = self._feeds[key] = Feed(self._bus, root, account_id, subject_id, self._reads, self._prefixes)
        return found

    def listen(self, feed: Feed, scope_id: UUID) -> None:
        """Wake the feed when there is news in this scope."""
        if feed.scope_id is not None:
            return
        feed.scope_id = scope_id
        self._scopes.setdefault(scope_id, set()).add(feed)
        if scope_id not in self._listening:
            self._listening[scope_id] = asyncio.create_task(self._listen(feed.root.declared.topic, scope_id))

    def drop(self, feed: Feed) -> None:
        """Nobody follows it any more."""
        key = (feed.root.name, feed.account_id, feed.subject_id)
        if self._feeds.get(key) is not feed:
            return
        del self._feeds[key]
        feed.close()
        if feed.scope_id is not None:
            others = self._scopes[feed.scope_id]
            others.discard(feed)
            if not others:
                del self._scopes[feed.scope_id]
                self._listening.pop(feed.scope_id).cancel()

    async def run(self) -> None:
        """Look again at what nobody may have told of, for as long as the process lives."""
        async with self._bus.listen(ACCESS_TOPIC) as news:
            while True:
                told = True
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await anext(news)
                except TimeoutError:
                    told = False
                await self._quietly(self.watch.look())
                if not told:
                    await self._quietly(self._wake_those_with_news(list(self._feeds.values())))

    def close(self) -> None:
        """The process ends."""
        for feed in list(self._feeds.values()):
            self.drop(feed)

    async def _quietly(self, looking: Awaitable[None]) -> None:
        """What fails is tried again soon, by itself."""
        try:
            await looking
        except Exception as error:
            if faults.as_request_error(error) is None:
                log.error("streams not looked at", exc_info=error)

    async def _wake_those_with_news(self, feeds: Collection[Feed]) -> None:
        """Wake feeds whose last cursor has moved, or whose row is gone: one statement for each kind of rows."""
        by_field: dict[str, list[Feed]] = {}
        for feed in feeds:
            by_field.setdefault(feed.root.name, []).append(feed)
        for alike in by_field.values():
            last = await self.reader.positions(alike[0].root, [(feed.account_id, feed.subject_id) for feed in alike])
            for feed in alike:
                cursor = last.get(feed.subject_id)
                if cursor is None or cursor > feed.head:
                    feed.wake()

    async def _listen(self, topic: str, scope_id: UUID) -> None:
        async with self._bus.listen(f"{topic}:{scope_id}") as messages:
            async for _ in messages:
                feeds = list(self._scopes.get(scope_id, ()))
                if len(feeds) == 1:
                    feeds[0].wake()
                else:
                    await self._quietly(self._wake_those_with_news(feeds))

    def _live_keys(self, wanted: Wanted, root: EventRoot) -> Mapping[str, str]:
        planner, operation = self.reader.planner, wanted.operation
        compiler = Compiler(planner.schema, planner.sources, operation.fragments, wanted.variables, None)
        selected = compiler.collect(get_named_type(root.field.type), [node.selection_set for node in root.nodes])
        live = root.declared.live
        keys = {key: live[same[0].name.value] for key, same in selected.items() if same[0].name.value in live}
        return keys if "text" in keys.values() else {}


class Follower:
    """One subscription. Its sink gets each event once, in order, and one end."""

    def __init__(
        self,
        streams: Streams,
        selection: Selection,
        subject_id: UUID,
        after: int | None,
        credentials: Credentials,
        standing: Standing,
        sink: Sink,
    ) -> None:
        self.sink, self.cursor = sink, after or 0
        self.credentials = replace(credentials, role=standing.role)
        self._streams, self._selection, self._standing = streams, selection, standing
        self._from_now = after is None and not selection.root.declared.from_start
        account_id = credentials.acting_on or credentials.account_id
        self._feed = streams.feed(selection.root, account_id, subject_id)
        self._key: Hashable = None
        self._group: Group | None = None
        self._ended = False
        self._catching_up: asyncio.Task[None] | None = None
        self._feed.followers += 1
        FOLLOWERS.inc()

    async def begin(self) -> None:
        """Send what was missed, and return when the rest will come by itself, or none will. Raises RequestError."""
        try:
            await self._catch_up()
        except BaseException:
            self.left()
            raise

    def left(self) -> None:
        """Follow no more; the sink is told nothing."""
        if not self._ended:
            self._ended = True
            FOLLOWERS.dec()
            self._leave_group()
            if self._catching_up is not None:
                self._catching_up.cancel()
            self._feed.followers -= 1
            if not self._feed.followers:
                self._streams.drop(self._feed)

    def moved(self, standing: Standing) -> None:
        """The viewer may see other sites now: the events go on as they see them, or end."""
        self._standing = standing
        scope_id = self._feed.scope_id
        if standing.sites is not None and scope_id is not None and scope_id not in standing.sites:
            self._fail(NothingToFollow(GONE))
        elif self._group is not None and self in self._group.members:
            self._group.members.discard(self)
            self._catching_up = asyncio.create_task(self._catch_up_again())

    async def _catch_up_again(self) -> None:
        try:
            await self._catch_up()
        except Exception as error:
            expected = faults.as_request_error(error)
            if expected is None:
                log.error("events not read", exc_info=error)
            self._fail(expected or Internal(faults.MASKED))

    def _fail(self, error: RequestError) -> None:
        if not self._ended:
            self.left()
            self.sink.failed(error)

    async def _catch_up(self) -> None:
        while not self._ended:
            group = await self._enter_group(self._standing)
            if group.selection.live and self.cursor and not group.knows_last:
                await group.page(self.credentials, self.cursor - 1)
            while not self._ended and self._standing == group.standing:
                if await self._caught_up(group):
                    return

    async def _caught_up(self, group: Group) -> bool:
        """Send one page; whether that was all, and the group has this one among its members or the stream ended."""
        feed, sink = self._feed, self.sink
        seen = feed.news
        page, all_of_them = await group.page(self.credentials, _END if self._from_now else self.cursor)
        if self._from_now:
            self._from_now, self.cursor = False, page.latest
        self._streams.listen(feed, page.scope_id)
        for event in page.events:
            if sink.full:
                await sink.room()
            sink.next(group.payload(event.value, event))
            self.cursor = event.cursor
        if not all_of_them or self._ended:
            return self._ended
        if page.ended:
            self.left()
            sink.completed()
            return True
        if self._standing != group.standing or (group.members and self.cursor < group.head):
            return False
        group.join(self)
        if group.selection.live:
            feed.hear()
        if feed.news != seen:
            feed.wake()
        return True

    async def _enter_group(self, standing: Standing) -> Group:
        """The group of those who ask for the same and see the same."""
        self._leave_group()
        reader, selection = self._streams.reader, self._selection
        plan = await reader.event_plan(selection.operation, selection.variables, standing.role, selection.root)
        variables = orjson.dumps(selection.variables.coerced, default=str, option=orjson.OPT_SORT_KEYS)
        session = self.credentials.session_id if is_personal(plan) else None
        self._key = (id(selection.operation), variables, standing, session)
        group = self._feed.groups.get(self._key)
        if group is None:
            group = Group(reader, selection, self._feed.subject_id, standing)
            self._feed.groups[self._key] = group
        group.followers += 1
        self._group = group
        return group

    def _leave_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.members.discard(self)
            group.followers -= 1
            if not group.followers:
                del self._feed.groups[self._key]


def _asked(root: EventRoot, variables: VariableValues) -> tuple[UUID, int | None]:
    """The row and the cursor that a subscription names. Raises BadRequest."""
    declared = root.declared
    given = get_argument_values(root.field, root.nodes[0], variables)
    subject = next(name for name in root.field.args if python_name_of(root.field, name) == declared.argument)
    try:
        subject_id = ids.parse(declared.prefix, given[subject])
    except ids.WrongId as error:
        raise BadRequest(f"'{subject}': {error}.") from None
    after = given.get("after")
    if after is None:
        return subject_id, None
    if not _CURSOR.fullmatch(after):
        raise BadRequest("'after' is not a cursor of this stream. Take it from one of its events.")
    return subject_id, int(after)
