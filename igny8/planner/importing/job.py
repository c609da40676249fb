"""Importing as a job: all that a file gives, or nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, limits
from igny8.changes import ChangeKind
from igny8.errors import ValidationFailed
from igny8.files import uploads
from igny8.jobs import JobErrorCode, JobFailure, JobKind, JobPhase, Queue, Running, enqueue, task
from igny8.limits import PlanLimit
from igny8.planner import places
from igny8.planner.importing import copying
from igny8.planner.importing.reading import Unreadable
from igny8.planner.importing.table import Read, Table
from igny8.planner.keyword_report import Rejection, Report
from igny8.storage import Storage

#: What may be given within the call, in characters.
LARGEST_INLINE: Final = 512 * 1024
#: Bytes that are read at once; a thread needs about a tenth of a second for so much.
_PIECE: Final = 256 * 1024
_HEAD: Final = 64 * 1024
_TOLD_SECONDS: Final = 0.5


class ImportKeywords(BaseModel):
    """The arguments of the job: the text itself, or the upload that holds it."""

    site_id: UUID
    sector_id: UUID
    csv: str | None
    upload_id: UUID | None
    size: int
    mapping: dict[str, str] | None
    dry_run: bool


async def start(
    session: AsyncSession,
    account_id: UUID,
    *,
    sector_id: UUID,
    csv: str | None,
    upload_id: UUID | None,
    mapping: dict[str, str] | None,
    dry_run: bool,
    storage: Storage,
    started_by: UUID | None,
) -> UUID:
    """Start the job; its id. The header is looked at before.

    Raises ValidationFailed (no text, no column of keywords), NotFound, NotAllowedNow (nothing was uploaded yet).
    """
    if (csv is None) == (upload_id is None):
        raise ValidationFailed("Give either csv or uploadId.", field=("input",))
    place = await places.of_sector(session, account_id, sector_id, ("input", "sectorId"))
    if csv is not None:
        if len(csv.encode()) > LARGEST_INLINE:
            raise ValidationFailed(
                f"At most {LARGEST_INLINE // 1024} KB fit into the call. Put larger files to createUpload's address.",
                field=("input", "csv"),
            )
        size = len(csv.encode())
        head = csv.encode()[:_HEAD]
    else:
        assert upload_id is not None
        size = (await uploads.received(session, account_id, upload_id, site_id=place.site_id)).size
        pieces = await uploads.opened(session, storage, account_id, upload_id, site_id=place.site_id)
        head = await _first(pieces)
    _look(head, mapping, whole=size <= len(head), field="csv" if csv is not None else "uploadId")
    arguments = ImportKeywords(
        site_id=place.site_id,
        sector_id=sector_id,
        csv=csv,
        upload_id=upload_id,
        size=size,
        mapping=mapping,
        dry_run=dry_run,
    )
    return await enqueue(session, import_keywords, arguments, site_id=place.site_id, started_by=started_by)


def _look(head: bytes, mapping: dict[str, str] | None, *, whole: bool, field: str) -> None:
    """Raises ValidationFailed for what could not be imported."""
    # A character may be cut in two at the end of the head.
    text = head if whole else head[: head.rfind(b"\n") + 1] or head
    try:
        Table(mapping).feed(text, last=whole)
    except Unreadable as error:
        raise ValidationFailed(str(error), field=("input", field)) from None
    except ValidationFailed as error:
        raise ValidationFailed(error.message, field=("input", field)) from None


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    return head


@task(JobKind.IMPORT_KEYWORDS, arguments=ImportKeywords, queue=Queue.WORK, time_limit=1_800)
async def import_keywords(job: Running, arguments: ImportKeywords) -> None:
    """Read the file into one transaction; the report says what became of its rows, or would have with `dry_run`."""
    await job.progress(JobPhase.PREP, 5, "Reading the file")
    run = _Import(job, arguments)
    try:
        job.report(ImportReport(**(await run.done()).document()))
    except Unreadable as error:
        raise JobFailure(JobErrorCode.CONFLICT, str(error)) from None
    except ValidationFailed as error:
        raise JobFailure(JobErrorCode.CONFLICT, error.message) from None


class ImportReport(BaseModel):
    """Stored as the schema shows it."""

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    rejections: list[dict[str, Any]]
    columns: dict[str, str]


class _Import:
    """One attempt."""

    def __init__(self, job: Running, arguments: ImportKeywords) -> None:
        self._job, self._arguments = job, arguments
        self._table = Table(arguments.mapping)
        self._report = Report({})
        self._told_at = 0.0
        self._read = 0

    async def done(self) -> Report:
        job, arguments = self._job, self._arguments
        async with job.long_transaction() as session:
            nested = await session.begin_nested()
            await copying.prepare(session)
            async for piece in self._pieces(session):
                await self._take(session, piece)
            await self._take(session, b"", last=True)
            await job.progress(JobPhase.SAVE, 70, f"Comparing {self._report.rows:,} rows with the keywords")
            merged = await copying.merge(
                session, job.account_id, site_id=arguments.site_id, sector_id=arguments.sector_id
            )
            await limits.check(session, job.account_id, PlanLimit.KEYWORDS)
            if arguments.dry_run:
                await nested.rollback()
            elif merged.created or merged.updated:
                counts = {"created": merged.created, "updated": merged.updated}
                of = [arguments.sector_id]
                changes.record(session, ChangeKind.UPDATED, "Sector", of, site_id=arguments.site_id, **counts)
        report = self._report
        report.columns, report.created, report.updated = self._table.columns, merged.created, merged.updated
        return report

    async def _pieces(self, session: AsyncSession) -> AsyncIterator[bytes]:
        arguments = self._arguments
        if arguments.csv is not None:
            data = arguments.csv.encode()
            for at in range(0, len(data), _PIECE):
                yield data[at : at + _PIECE]
            return
        assert arguments.upload_id is not None
        async for piece in await uploads.opened(
            session, self._job.files.storage, self._job.account_id, arguments.upload_id, site_id=arguments.site_id
        ):
            yield bytes(piece)

    async def _take(self, session: AsyncSession, piece: bytes, *, last: bool = False) -> None:
        """Put what a piece says to the rest. Reading goes on in a thread, so that other jobs do."""
        read = await asyncio.to_thread(self._table.feed, piece, last=last)
        if read:
            await copying.put(session, self._kept(read))
        self._read += len(piece)
        if time.monotonic() - self._told_at > _TOLD_SECONDS:
            self._told_at = time.monotonic()
            percent = 5 + 60 * self._read // max(1, self._arguments.size)
            await self._job.progress(JobPhase.PREP, min(65, percent), f"{self._report.rows:,} rows read")

    def _kept(self, read: list[Read]) -> list[dict[str, Any]]:
        rows = []
        for one in read:
            self._report.rows += 1
            if isinstance(one, Rejection):
                self._report.reject(one)
            else:
                rows.append(one)
        return rows
