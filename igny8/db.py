"""The database as the house sees it: rows, the four login roles with their pools, and identifiers.

A connection belongs to one role for its whole life (switching would replan every statement). Reads take a
psycopg connection in autocommit; writes take the same connection through SQLAlchemy: one pool per role.
"""

import select
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import CheckConstraint, DateTime, MetaData, NullPool, Text, func
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from igny8.access import SITE_BOUND, Role
from igny8.errors import Unavailable
from igny8.login_roles import QUESTION, WrongLoginRole, faults
from igny8.read_pool import ACQUIRE_SECONDS, AWAY, ReadPool, TextRow
from igny8.settings import DatabaseSettings


def new_id() -> UUID:
    """A UUIDv7: rows made later sort later."""
    return uuid7()


class Base(DeclarativeBase):
    """Every row. Text is `text`, times carry their zone, and constraints have predictable names."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}


class Timestamped:
    """When the row was made and last changed, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


def one_of(column: str, members: Iterable[StrEnum] | type[StrEnum]) -> CheckConstraint:
    """The CHECK that says which members of an enum a text column takes."""
    listed = ", ".join(f"'{member.value}'" for member in members)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class LoginRole(StrEnum):
    """The database roles, by what they serve; their real names come from the addresses in the settings."""

    APP = "app"
    MEMBER = "member"
    SIGNIN = "signin"
    SYSTEM = "system"

    @classmethod
    def of(cls, role: Role, *, account_named: bool) -> "LoginRole":
        """Which pool serves a user of this role. Developers who name no account look across all of them."""
        if role in SITE_BOUND:
            return cls.MEMBER
        return cls.SYSTEM if role in (Role.DEVELOPER, Role.SYSTEM_BOT) and not account_named else cls.APP


#: Connections of one process, for writes and for reads.
POOL_SIZES: Final = {LoginRole.APP: 4, LoginRole.MEMBER: 3, LoginRole.SIGNIN: 2, LoginRole.SYSTEM: 1}
READ_POOL_SIZES: Final = {LoginRole.APP: 6, LoginRole.MEMBER: 4, LoginRole.SYSTEM: 1}


_CONNECTING: Final[dict[str, Any]] = {"connect_timeout": 2, "application_name": "igny8"}
_CONNECTING_FOR_READS: Final[dict[str, Any]] = {**_CONNECTING, "application_name": "igny8 reads"}


log = structlog.get_logger()

#: The psycopg connection of a session, in its `info`.
_DRIVEN: Final = "driven connection"


class _Connection(psycopg.AsyncConnection[Any]):
    """A connection that closing gives back to its pool, and also when it has died: the pool has to replace it."""

    lent_by: "AsyncConnectionPool[_Connection] | None" = None

    async def close(self) -> None:
        pool, self.lent_by = self.lent_by, None
        await (super().close() if pool is None else pool.putconn(self))


async def _configure(connection: _Connection) -> None:
    """Every new connection is looked at: answers depend on its settings, and the second wall on its rights."""
    answer = await (await connection.execute(QUESTION)).fetchone()
    await connection.rollback()
    if found := faults(answer):
        raise WrongLoginRole(found)


def _has_ended(connection: _Connection) -> bool:
    """Whether the server has closed a connection that lay in the pool: only then is there anything to read."""
    if connection.closed:
        return True
    news = select.poll()
    news.register(connection.fileno(), select.POLLIN)
    return bool(news.poll(0))


class _Role:
    """One login role: connections for writes, lent to SQLAlchemy, and connections for reads."""

    def __init__(self, url: str, size: int, read_size: int) -> None:
        self.size = size
        self._url = url.replace("postgres://", "postgresql://", 1)
        self.pool = AsyncConnectionPool(
            self._url,
            connection_class=_Connection,
            min_size=1,
            max_size=size,
            open=False,
            timeout=ACQUIRE_SECONDS,
            reconnect_timeout=5,
            configure=_configure,
            kwargs=_CONNECTING,
        )
        self.reads = ReadPool(self._connected_for_reads, read_size)
        self.engine = create_async_engine(
            "postgresql+psycopg://",
            poolclass=NullPool,
            async_creator=self._acquire,
            # Statements are logged when they fail, their values are not: some are secrets.
            hide_parameters=True,
        )

    async def _acquire(self) -> _Connection:
        """A living connection, to be closed. Raises Unavailable when none is to be had in 2 s."""
        try:
            for _ in range(self.size + 1):
                connection = await self.pool.getconn()
                if not _has_ended(connection):
                    connection.lent_by = self.pool
                    return connection
                await connection.close()
                await self.pool.putconn(connection)
        except PoolTimeout:
            pass
        raise Unavailable(AWAY)

    async def _connected_for_reads(self) -> _Connection:
        connection = await _Connection.connect(self._url, autocommit=True, **_CONNECTING_FOR_READS)
        try:
            await _configure(connection)
        except BaseException as error:
            await connection.close()
            if isinstance(error, WrongLoginRole):
                log.error("database refused", reason=str(error))
                raise Unavailable(AWAY) from None
            raise
        return connection


class Database:
    """The connections of one process, as the login roles that `sizes` names."""

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        sizes: Mapping[LoginRole, int] = POOL_SIZES,
        read_sizes: Mapping[LoginRole, int] = READ_POOL_SIZES,
    ) -> None:
        urls = {
            LoginRole.APP: settings.database_app_url,
            LoginRole.MEMBER: settings.database_member_url,
            LoginRole.SIGNIN: settings.database_signin_url,
            LoginRole.SYSTEM: settings.database_system_url,
        }
        self._roles = {
            name: _Role(urls[name].get_secret_value(), size, read_sizes.get(name, 0)) for name, size in sizes.items()
        }

    async def open(self) -> None:
        """Start the pools; they connect by themselves, now or when PostgreSQL is back."""
        for role in self._roles.values():
            await role.pool.open()

    async def close(self) -> None:
        for role in self._roles.values():
            await role.reads.close()
            await role.pool.close()

    async def fetch_row(
        self, role: LoginRole, sql: str, values: Sequence[object], *, prepared: bool = True
    ) -> TextRow | None:
        """The first row of a read, its columns as PostgreSQL's text, in one round trip once it is prepared.

        Not `prepared`: PostgreSQL plans it anew, for these values. Raises psycopg.Error, Unavailable.
        """
        return await self._roles[role].reads.row(sql, values, prepared=prepared)

    @asynccontextmanager
    async def session(self, role: LoginRole) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
        async with AsyncSession(self._roles[role].engine, expire_on_commit=False) as session, session.begin():
            yield session


async def fetch_row(session: AsyncSession, sql: str, values: Mapping[str, object]) -> tuple[Any, ...] | None:
    """The first row of one statement in the session's transaction, past SQLAlchemy: that takes a third of the CPU.

    For the few statements that everybody waits for; values are written `%(name)s`. What the session has not flushed
    yet is not seen. None, too, for a statement that returns no rows. Raises DBAPIError, as the session does.
    """
    cursor = await _executed(session, sql, values)
    return None if cursor.description is None else await cursor.fetchone()


async def fetch_rows(session: AsyncSession, sql: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """All rows, otherwise as `fetch_row`."""
    return await (await _executed(session, sql, values)).fetchall()


async def _executed(
    session: AsyncSession, sql: str, values: Mapping[str, object]
) -> psycopg.AsyncCursor[tuple[Any, ...]]:
    connection: _Connection | None = session.info.get(_DRIVEN)
    if connection is None:
        raw = await (await session.connection()).get_raw_connection()
        connection = session.info[_DRIVEN] = cast(_Connection, raw.driver_connection)
    try:
        return await connection.execute(sql, values)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            sql, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=connection.closed
        ) from error
