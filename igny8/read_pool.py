"""Reads straight on libpq: one prepared statement, one round trip, and next to no Python around it.

psycopg makes the connections, and writes use it as it is. For a small read its cursors and its pool take longer than
PostgreSQL does (decision 6), so here a read is what libpq needs for one, and nothing else.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result

from igny8.errors import Unavailable

ACQUIRE_SECONDS: Final = 2.0
AWAY: Final = "The database does not answer at the moment. Try again in a few seconds."
KEPT_STATEMENTS: Final = 500
#: How long a statement that nobody waits for any more may take to end, before its connection is given up.
_CANCEL_SECONDS: Final = 5.0
#: After these the server closes the connection.
_FAREWELLS: Final = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.IdleSessionTimeout,
)

#: The columns of a row as PostgreSQL's text.
TextRow = tuple[bytes | None, ...]
Connect = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]


class ReadConnection:
    """One connection in autocommit. It serves one read at a time; its owner sees to that."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection, self._libpq = connection, connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._transformer = Transformer(connection)
        self._prepared: OrderedDict[str, bytes] = OrderedDict()
        self._made = 0
        self._running = False
        self._result: pq.abc.PGresult | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._lost = False
        self._socket = self._libpq.socket
        self._loop.add_reader(self._socket, self._readable)

    @property
    def alive(self) -> bool:
        return not self._lost and self._libpq.status == pq.ConnStatus.OK

    async def row(self, sql: str, values: Sequence[Any], *, prepared: bool) -> TextRow | None:
        """The first row. Raises psycopg.Error; OperationalError with `alive` false when the connection was lost."""
        parameters = self._transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))
        if prepared:
            name = self._prepared.get(sql)
            if name is None:
                name = await self._prepare(sql)
            else:
                self._prepared.move_to_end(sql)
            self._libpq.send_query_prepared(name, parameters)
        else:
            self._libpq.send_query_params(sql.encode(), parameters)
        result = await self._ended()
        if not result.ntuples:
            return None
        return tuple([result.get_value(0, column) for column in range(result.nfields)])

    async def stop(self) -> None:
        """Cancel the statement of a read that was cancelled, so that the connection can serve another one."""
        try:
            async with asyncio.timeout(_CANCEL_SECONDS):
                if self._running:
                    waiting = self._waiting = self._loop.create_future()
                    await self._connection.cancel_safe()
                    await waiting
        except (psycopg.Error, TimeoutError):
            self._lose()

    def close(self) -> None:
        self._lose()
        self._libpq.finish()

    async def _prepare(self, sql: str) -> bytes:
        self._made += 1
        name = b"read_%d" % self._made
        self._libpq.send_prepare(name, sql.encode())
        await self._ended()
        self._prepared[sql] = name
        if len(self._prepared) > KEPT_STATEMENTS:
            _, oldest = self._prepared.popitem(last=False)
            self._libpq.send_close_prepared(oldest)
            await self._ended()
        return name

    async def _ended(self) -> pq.abc.PGresult:
        """The result of what was just sent, once the server has said that it is ready for more."""
        self._running = True
        self._waiting = self._loop.create_future()
        if self._libpq.flush():
            self._loop.add_writer(self._socket, self._writable)
        await self._waiting
        result, self._result = self._result, None
        if result is None:
            raise psycopg.OperationalError("the connection was lost")
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            error = error_from_result(result, encoding=self._transformer.encoding)
            if isinstance(error, _FAREWELLS):
                self._lose()
            raise error
        return result

    def _readable(self) -> None:
        try:
            self._libpq.consume_input()
            while self._running and not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:
                    self._running = False
                    self._wake()
                else:
                    self._result = result
        except psycopg.OperationalError:
            self._lose()

    def _writable(self) -> None:
        try:
            unsent = self._libpq.flush()
        except psycopg.OperationalError:
            self._lose()
        else:
            if not unsent:
                self._loop.remove_writer(self._socket)

    def _lose(self) -> None:
        """The connection is gone, or given up. A read that waits for it fails."""
        if not self._lost:
            self._lost, self._running, self._result = True, False, None
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class ReadPool:
    """At most `size` connections, made when they are needed and replaced when they were lost."""

    def __init__(self, connect: Connect, size: int) -> None:
        self._connect, self._size = connect, size
        self._idle: list[ReadConnection] = []
        #: Places taken: by reads, by connections that are being made, and by those that are being stopped.
        self._taken = 0
        self._queue: deque[asyncio.Future[ReadConnection | None]] = deque()
        self._stopping: set[asyncio.Task[None]] = set()

    async def row(self, sql: str, values: Sequence[Any], *, prepared: bool = True) -> TextRow | None:
        """The first row of a read, which is repeated when its connection was lost. Raises Unavailable."""
        for _ in range(self._size + 1):
            connection = await self._take()
            try:
                row = await connection.row(sql, values, prepared=prepared)
            except asyncio.CancelledError:
                stopping = asyncio.ensure_future(self._stop(connection))
                self._stopping.add(stopping)
                stopping.add_done_callback(self._stopping.discard)
                raise
            except BaseException as error:
                self._pass_on(connection)
                if connection.alive or not isinstance(error, psycopg.OperationalError):
                    raise
            else:
                self._pass_on(connection)
                return row
        raise Unavailable(AWAY)

    async def close(self) -> None:
        """Close what is idle; nothing may be read any more."""
        await asyncio.gather(*self._stopping)
        while self._idle:
            self._idle.pop().close()

    async def _take(self) -> ReadConnection:
        """A connection that looks alive. Raises Unavailable when none is to be had in time."""
        while self._idle:
            connection = self._idle.pop()
            if connection.alive:
                self._taken += 1
                return connection
            connection.close()
        if self._taken < self._size:
            self._taken += 1
            return await self._made()
        return await self._turn() or await self._made()

    async def _turn(self) -> ReadConnection | None:
        """Wait for a place. Raises Unavailable when none comes free in time."""
        place: asyncio.Future[ReadConnection | None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):
                return await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self._pass_on(place.result())
            if isinstance(error, TimeoutError):
                raise Unavailable(AWAY) from None
            raise

    async def _made(self) -> ReadConnection:
        """A new connection, for a place that is taken already."""
        try:
            return ReadConnection(await self._connect())
        except BaseException as error:
            self._pass_on(None)
            if isinstance(error, psycopg.OperationalError):
                raise Unavailable(AWAY) from error
            raise

    async def _stop(self, connection: ReadConnection) -> None:
        await connection.stop()
        self._pass_on(connection)

    def _pass_on(self, connection: ReadConnection | None) -> None:
        """Give a place to whoever waits for one, with its connection or with the right to make one."""
        if connection is not None and not connection.alive:
            connection.close()
            connection = None
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(connection)
                return
        self._taken -= 1
        if connection is not None:
            self._idle.append(connection)
