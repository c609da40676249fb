"""How long stored files stay. A file is noted before it is put, so that none is ever left behind unknown."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.db import Database, LoginRole
from igny8.errors import Conflict
from igny8.files.tables import StoredFile, Upload
from igny8.storage import Storage, new_key

#: Time to put a file and to refer to it.
_TO_BE_USED: Final = timedelta(hours=2)
_AT_ONCE: Final = 200


async def announce(session: AsyncSession, account_id: UUID, extension: str, *, site_id: UUID | None) -> str:
    """The key of a file to be put after this transaction; it goes again unless it is kept within two hours."""
    key = new_key(account_id, extension)
    row = {"account_id": account_id, "key": key, "site_id": site_id, "expires_at": func.now() + _TO_BE_USED}
    await session.execute(insert(StoredFile).values(row))
    return key


async def keep(
    session: AsyncSession, account_id: UUID, key: str, size: int, *, lifetime: timedelta | None = None
) -> None:
    """The file is there and is needed for so long; None: until what refers to it goes.

    It counts as storage of the account from now on; who adds to that for long checks the limit. Raises Conflict
    when it was too late.
    """
    until = None if lifetime is None else func.now() + lifetime
    kept = update(StoredFile).where(
        StoredFile.account_id == account_id, StoredFile.key == key, StoredFile.expires_at > func.now()
    )
    done = await session.execute(kept.values(bytes=size, expires_at=until).returning(StoredFile.key))
    if done.first() is None:
        raise Conflict("The file was put too long ago and is gone. Put it again.")


async def prune(db: Database, storage: Storage) -> int:
    """Delete a few hundred files that have expired, and uploads with them; how many there were.

    The file goes first and then its row: what is killed in between is done again.
    """
    due = select(StoredFile.account_id, StoredFile.key).where(StoredFile.expires_at < func.now())
    async with db.session(LoginRole.SYSTEM) as session:
        await session.execute(delete(Upload).where(Upload.expires_at < func.now()))
        found = (await session.execute(due.order_by(StoredFile.expires_at).limit(_AT_ONCE))).all()
    await storage.delete([key for _, key in found])
    async with db.session(LoginRole.SYSTEM) as session:
        keys = [(account_id, key) for account_id, key in found]
        await session.execute(delete(StoredFile).where(tuple_(StoredFile.account_id, StoredFile.key).in_(keys)))
    return len(found)
