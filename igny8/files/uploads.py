"""Uploads: an address to put one file at, and the file once it is there."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs, limits
from igny8.auth import tables as auth
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotAllowedNow, NotFound, ValidationFailed
from igny8.files import keeping
from igny8.files.tables import Upload
from igny8.inputs import Field
from igny8.limits import PlanLimit
from igny8.storage import FileGone, Storage

TO_PUT: Final = timedelta(hours=1)
#: A file that was put can be used for so long.
TO_USE: Final = timedelta(hours=24)

_MB: Final = 1024 * 1024
_LONGEST_NAME: Final = 255
#: What may be put: the bytes it may have, and how its file is called in the store. Nothing that a browser would run.
KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "text/csv": (100 * _MB, "csv"),
    "text/plain": (100 * _MB, "txt"),
    "text/tab-separated-values": (100 * _MB, "tsv"),
    "application/vnd.ms-excel": (100 * _MB, "csv"),  # what Windows calls CSV
    "application/pdf": (10 * _MB, "pdf"),
    "image/png": (20 * _MB, "png"),
    "image/jpeg": (20 * _MB, "jpg"),
    "image/webp": (20 * _MB, "webp"),
    "image/gif": (20 * _MB, "gif"),
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be put where."""

    account_id: UUID
    id: UUID
    mime_type: str
    most_bytes: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was put."""

    key: str
    filename: str
    mime_type: str
    size: int


async def create(
    session: AsyncSession, account_id: UUID, *, site_id: UUID, filename: str, mime_type: str, size: int
) -> Allowed:
    """Allow a file to be put. Raises ValidationFailed, NotFound, LimitReached."""
    name = inputs.text(filename, ("filename",), longest=_LONGEST_NAME)
    if name is None:
        raise ValidationFailed("A file needs a name.", field=("filename",))
    kind = mime_type.partition(";")[0].strip().lower()
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise ValidationFailed(f"Files of this type cannot be put. It may be one of {known}.", field=("mimeType",))
    most, _ = KINDS[kind]
    if not 0 < size <= most:
        raise ValidationFailed(f"A file of the type {kind} has 1 to {most:,} bytes.", field=("bytes",))
    await _require_site(session, account_id, site_id)
    await _refuse_without_room(session, account_id, size)
    allowed = Allowed(account_id, new_id(), kind, size, datetime.now(UTC).replace(microsecond=0) + TO_PUT)
    row = {
        "account_id": account_id,
        "id": allowed.id,
        "site_id": site_id,
        "filename": name,
        "mime_type": kind,
        "bytes": size,
        "expires_at": allowed.expires_at,
    }
    await session.execute(insert(Upload).values(row))
    changes.record(session, ChangeKind.CREATED, "Upload", [allowed.id], site_id=site_id)
    return allowed


async def expected(session: AsyncSession, account_id: UUID, upload_id: UUID) -> tuple[Allowed, str]:
    """What the address of an upload allows, and the key to put the file at, which is announced.

    Raises NotFound, and NotAllowedNow when the file was put already.
    """
    wanted = select(Upload).where(
        Upload.account_id == account_id, Upload.id == upload_id, Upload.expires_at > func.now()
    )
    upload = (await session.execute(wanted)).scalar_one_or_none()
    if upload is None:
        raise NotFound("This upload has expired. Ask for a new one.")
    if upload.file_key is not None:
        raise NotAllowedNow("The file of this upload is here already. Ask for a new one to put another file.")
    _, extension = KINDS[upload.mime_type]
    key = await keeping.announce(session, account_id, extension, site_id=upload.site_id)
    return Allowed(account_id, upload_id, upload.mime_type, upload.bytes, upload.expires_at), key


async def arrived(session: AsyncSession, account_id: UUID, upload_id: UUID, key: str, size: int) -> None:
    """Note the file that was put. Raises LimitReached; NotAllowedNow when another one was faster."""
    await keeping.keep(session, account_id, key, size, lifetime=TO_USE)
    await limits.check(session, account_id, PlanLimit.STORAGE_MB)
    first = update(Upload).where(Upload.account_id == account_id, Upload.id == upload_id, Upload.file_key.is_(None))
    values = {"file_key": key, "bytes": size, "expires_at": func.now() + TO_USE}
    if (await session.execute(first.values(values).returning(Upload.id))).first() is None:
        raise NotAllowedNow("The file of this upload is here already. Ask for a new one to put another file.")


async def received(
    session: AsyncSession, account_id: UUID, upload_id: UUID, *, site_id: UUID, field: Field = ("input", "uploadId")
) -> Received:
    """The file of an upload to this site. Raises NotFound; NotAllowedNow while nothing was put."""
    wanted = select(Upload.file_key, Upload.filename, Upload.mime_type, Upload.bytes).where(
        Upload.account_id == account_id,
        Upload.id == upload_id,
        Upload.site_id == site_id,
        Upload.expires_at > func.now(),
    )
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        raise NotFound("No upload with this id, or it has expired. Ask for a new one with createUpload.", field=field)
    key, filename, mime_type, size = found
    if key is None:
        raise NotAllowedNow("Nothing was put at the upload's address yet. Put the file there first.", field=field)
    return Received(key, filename, mime_type, size)


async def opened(
    session: AsyncSession, storage: Storage, account_id: UUID, upload_id: UUID, *, site_id: UUID
) -> AsyncIterator[bytes]:
    """The bytes of an upload's file, piece by piece; they may be read after the transaction.

    Raises what `received` raises.
    """
    file = await received(session, account_id, upload_id, site_id=site_id)
    try:
        return (await storage.fetch(file.key)).chunks
    except FileGone:
        raise NotFound("The file of this upload is gone. Put it again.", field=("input", "uploadId")) from None


async def _require_site(session: AsyncSession, account_id: UUID, site_id: UUID) -> None:
    wanted = select(auth.Site.id).where(auth.Site.account_id == account_id, auth.Site.id == site_id)
    if (await session.execute(wanted)).first() is None:
        raise NotFound("No site with this id.", field=("siteId",))


async def _refuse_without_room(session: AsyncSession, account_id: UUID, size: int) -> None:
    left = await limits.room(session, account_id, PlanLimit.STORAGE_MB)
    if left is not None and size > left * _MB:
        most = await limits.maximum(session, account_id, PlanLimit.STORAGE_MB) or 0
        limits.refuse_above(PlanLimit.STORAGE_MB, most - left + -(-size // _MB), most)
