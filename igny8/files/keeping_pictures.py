"""A picture's two files, put before the transaction that refers to them and kept by it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import limits
from igny8.files import keeping
from igny8.files.pictures import EXTENSION, Picture
from igny8.limits import PlanLimit
from igny8.storage import Storage


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the two files of a picture are."""

    file: str
    thumbnail: str


async def announce(session: AsyncSession, account_id: UUID, *, site_id: UUID) -> Keys:
    """Keys of files to be put after this transaction."""
    file = await keeping.announce(session, account_id, EXTENSION, site_id=site_id)
    return Keys(file, await keeping.announce(session, account_id, EXTENSION, site_id=site_id))


async def put(storage: Storage, keys: Keys, picture: Picture) -> None:
    """Put both files. Raises Unavailable."""
    await storage.put(keys.file, picture.content)
    await storage.put(keys.thumbnail, picture.thumbnail)


async def keep(session: AsyncSession, account_id: UUID, keys: Keys, picture: Picture) -> None:
    """Keep both until nothing refers to them. Raises LimitReached, Conflict."""
    await keeping.keep(session, account_id, keys.file, len(picture.content))
    await keeping.keep(session, account_id, keys.thumbnail, len(picture.thumbnail))
    await limits.check(session, account_id, PlanLimit.STORAGE_MB)
