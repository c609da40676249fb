"""How quickly 100,000 keywords are imported, first and again, how much memory it takes, and how soon it says something."""

import asyncio
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import uvloop
from sqlalchemy import text

from benchmarks.house import House, house
from benchmarks.rows import Row, at_least, at_most
from benchmarks.stack import Stack
from igny8.db import LoginRole, new_id
from igny8.files import keeping
from igny8.planner.importing.job import ImportKeywords, import_keywords
from igny8.storage import Storage

ROWS: Final = 100_000
_TITLES: Final = '"Keyword","Intent","Volume","Trend","Keyword Difficulty","CPC (USD)","SERP Features"\n'
_WORDS: Final = ("best", "cheap", "how to clean", "small", "electric", "replacement", "guide to", "professional")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one import, from its claim to its end and to its first word, and the worker's largest size in MB."""

    seconds: float
    first_word: float
    megabytes: float


def rows(running: Stack) -> Iterator[Row]:
    first, again = uvloop.run(_both(running))
    yield at_least(f"import of {ROWS:,} rows, first", ROWS / first.seconds, 12_000, "rows/s")
    yield at_least("the same, unchanged again", ROWS / again.seconds, 25_000, "rows/s")
    yield at_most("the same, memory of the worker", max(first.megabytes, again.megabytes), 150, "MB")
    yield at_most("the same, first progress", max(first.first_word, again.first_word), 1.0, "s")


async def _both(running: Stack) -> tuple[Took, Took]:
    folder = running.folder / "files"
    files = f"file://{folder}"
    async with house(running) as made:
        with (
            made.program("worker", IGNY8_FILES_URL=files) as worker,
            made.program("dispatcher", IGNY8_FILES_URL=files),
        ):
            upload_id = await _uploaded(made, files, _export())
            return (
                await _imported(made, upload_id, worker.popen.pid),
                await _imported(made, upload_id, worker.popen.pid),
            )


async def _imported(made: House, upload_id: UUID, pid: int) -> Took:
    who = made.running.reader
    row = made.sql.execute("SELECT id FROM sector WHERE site_id = %s LIMIT 1", [who.site_id]).fetchone()
    assert row is not None
    arguments = ImportKeywords(
        site_id=who.site_id,
        sector_id=row[0],
        csv=None,
        upload_id=upload_id,
        size=len(_export()),
        mapping=None,
        dry_run=False,
    )
    (job_id,), _ = await made.started(import_keywords, arguments)
    largest = 0.0
    while not made.sql.execute("SELECT 1 FROM job WHERE id = %s AND finished_at IS NOT NULL", [job_id]).fetchone():
        largest = max(largest, _resident(pid))
        await asyncio.sleep(0.05)
    told = made.sql.execute(
        "SELECT j.state, extract(epoch FROM j.finished_at - j.started_at), extract(epoch FROM min(e.at) - j.started_at)"
        " FROM job j JOIN job_event e ON e.job_id = j.id AND e.phase = 'PREP' WHERE j.id = %s GROUP BY 1, 2, j.started_at",
        [job_id],
    ).fetchone()
    assert told is not None
    assert told[0] == "SUCCEEDED", told
    return Took(float(told[1]), float(told[2]), largest)


def _resident(pid: int) -> float:
    """The size of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


async def _uploaded(made: House, files: str, data: bytes) -> UUID:
    """An upload whose file is there."""
    who, storage = made.running.reader, Storage(files)
    async with made.db.session(LoginRole.SYSTEM) as session:
        key = await keeping.announce(session, who.account_id, "csv", site_id=who.site_id)
    await storage.put(key, data)
    upload_id = new_id()
    async with made.db.session(LoginRole.SYSTEM) as session:
        await session.execute(
            text(
                "INSERT INTO upload (account_id, id, site_id, filename, mime_type, bytes, file_key, expires_at)"
                " VALUES (:account, :id, :site, 'export.csv', 'text/csv', :bytes, :key, now() + interval '1 day')"
            ),
            {"account": who.account_id, "id": upload_id, "site": who.site_id, "bytes": len(data), "key": key},
        )
    return upload_id


def _export() -> bytes:
    """About 12 MB in the format of Semrush, the same every time."""
    drawn = random.Random(3)
    out = io.StringIO(_TITLES)
    out.write(_TITLES)
    for number in range(ROWS):
        trend = ",".join(f"{drawn.random():.2f}" for _ in range(12))
        out.write(
            f'"{drawn.choice(_WORDS)} thing {number} of the many","{drawn.choice("ICTN")}","{drawn.randrange(100_000):,}",'
            f'"{trend}","{drawn.randrange(100)}","{drawn.random() * 5:.2f}","Reviews, Sitelinks"\n'
        )
    return out.getvalue().encode()
