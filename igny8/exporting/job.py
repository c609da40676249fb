"""The job that writes records to a file, page by page: neither memory nor a transaction grows with them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.exporting import formats
from igny8.exporting.filtering import conditions_of
from igny8.exporting.formats import ExportFormat
from igny8.exporting.records import RECORDS, ExportType
from igny8.files import keeping
from igny8.jobs import JobKind, JobPhase, Queue, Running, task

#: How long the file stays.
LIFETIME: Final = timedelta(hours=24)
_PAGE: Final = 2_000
#: Contents are long: few of them fill a page.
_PAGE_OF_CONTENTS: Final = 100
_PAGES_PER_STEP: Final = 5


class ExportRecords(BaseModel):
    """The arguments of the job. `filter` is the input of the schema as JSON; `site_id` None is the whole account."""

    type: ExportType
    format: ExportFormat
    site_id: UUID | None
    filter: dict[str, Any] | None


class ExportReport(BaseModel):
    """Where the file is, and until when."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    url: str
    bytes: int
    rows: int
    expires_at: datetime


@task(JobKind.EXPORT_RECORDS, arguments=ExportRecords, queue=Queue.WORK, time_limit=1_800)
async def export_records(job: Running, arguments: ExportRecords) -> None:
    """Write the file and report where it is. An attempt that is lost leaves a file that expires."""
    await job.progress(JobPhase.INIT, 5, "Counting the records")
    export = _Export(job, arguments)
    extension = arguments.format.lower()
    async with job.transaction() as session:
        await export.count(session)
        key = await keeping.announce(session, job.account_id, extension, site_id=job.site_id)
    await job.files.storage.put(key, export.content())
    now = datetime.now(UTC).replace(microsecond=0)
    async with job.transaction() as session:
        await keeping.keep(session, job.account_id, key, export.bytes, lifetime=LIFETIME)
    name = f"{arguments.type.lower().replace('_', '-')}-{now:%Y-%m-%d}.{extension}"
    url = job.files.addresses.file(key, expires_at=now + LIFETIME, name=name)
    job.report(ExportReport(url=url, bytes=export.bytes, rows=export.rows, expires_at=now + LIFETIME))


class _Export:
    """One run through the records; `rows` and `bytes` are what was written so far."""

    def __init__(self, job: Running, arguments: ExportRecords) -> None:
        self.rows = self.bytes = 0
        self._job, self._arguments = job, arguments
        self._records = RECORDS[arguments.type]
        self._where, self._values = conditions_of(arguments.type, arguments.filter)
        self._page = _PAGE_OF_CONTENTS if arguments.type is ExportType.CONTENTS else _PAGE
        self._total = 0

    async def count(self, session: AsyncSession) -> None:
        asked = self._records.count(self._job.account_id, self._arguments.site_id, self._where)
        self._total = (await session.execute(asked, self._values)).scalar_one()

    async def content(self) -> AsyncIterator[bytes]:
        """The file, a page at a time. Raises Cancelled, Superseded."""
        after: UUID | None = None
        pages = 0
        while True:
            self._job.check_cancelled()
            if pages % _PAGES_PER_STEP == 0:
                await self._tell()
            columns, asked = self._records.page(
                self._job.account_id, self._arguments.site_id, self._where, after=after, most=self._page
            )
            async with self._job.transaction() as session:
                found = (await session.execute(asked, self._values)).all()
            piece = formats.head(self._arguments.format, columns) if pages == 0 else b""
            piece += formats.body(self._arguments.format, columns, [row[1:] for row in found])
            self.rows, self.bytes, pages = self.rows + len(found), self.bytes + len(piece), pages + 1
            if piece:
                yield piece
            if len(found) < self._page:
                return
            after = found[-1][0]

    async def _tell(self) -> None:
        percent = 10 + 85 * self.rows // max(1, self._total)
        message = f"{self.rows:,} of {self._total:,} records"
        await self._job.progress(JobPhase.SAVE, min(95, percent), message)
