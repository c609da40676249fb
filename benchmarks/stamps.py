"""When things happened in any process of a run: lines of one file, by the clock that the processes of a machine share."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

VARIABLE: Final = "BENCH_STAMPS"
#: Between two looks into the file, in seconds: rare enough to leave the machine to those who are measured.
LOOK_SECONDS: Final = 0.01


class Stamp(NamedTuple):
    """`at` as `time.monotonic()` tells it."""

    name: str
    at: float
    pid: int


def stamp(name: str) -> None:
    """Take down that this happens now. Short lines are written whole, whoever else writes."""
    at = time.monotonic()
    os.write(_file(), f"{name} {at:.6f} {os.getpid()}\n".encode())


@cache
def _file() -> int:
    return os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@dataclass
class Stamps:
    """What was taken down so far."""

    file: Path
    found: list[Stamp] = field(default_factory=list)
    _read: int = 0

    def look(self) -> list[Stamp]:
        """All of them, the new ones too."""
        if self.file.exists():
            with self.file.open("rb") as lines:
                lines.seek(self._read)
                text = lines.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read += len(whole)
            for line in whole.decode().splitlines():
                name, at, pid = line.split()
                self.found.append(Stamp(name, float(at), int(pid)))
        return self.found

    async def one(self, wanted: Callable[[Stamp], bool], seconds: float = 60.0) -> Stamp:
        """The first such stamp, waited for. Raises RuntimeError when it does not come."""
        ends, seen = time.monotonic() + seconds, 0
        while True:
            found = self.look()
            for one in found[seen:]:
                if wanted(one):
                    return one
            seen = len(found)
            if time.monotonic() > ends:
                raise RuntimeError(f"nothing of the kind happened within {seconds:g} s")
            await asyncio.sleep(LOOK_SECONDS)

    async def named(self, name: str, seconds: float = 60.0) -> Stamp:
        return await self.one(lambda stamp: stamp.name == name, seconds)
