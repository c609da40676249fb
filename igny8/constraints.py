"""What the database refuses, told in the words of the domain."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import psycopg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.errors import DomainError


@asynccontextmanager
async def told(session: AsyncSession, errors: Mapping[str, DomainError]) -> AsyncIterator[None]:
    """Write in a savepoint; when a constraint named here refuses, its error is raised in place of the database's."""
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as refused:
        cause = refused.orig
        named = cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None
        if named is None or named not in errors:
            raise
        raise errors[named] from None
