"""Programs of a run: tied to it, so that none outlives it however it ends."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from igny8.devstack.tether import tied

END_SECONDS = 15


@dataclass(frozen=True)
class Process:
    """A program that runs, and its log."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self, *, highest: bool = False) -> float:
        """Now, or the most that it ever was."""
        wanted = "VmHWM:" if highest else "VmRSS:"
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(wanted):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"{self.name} has ended: {self.last_words()}")

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-800:]


@contextmanager
def started(name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[Process]:
    """Run a program until the block ends. Its first word must be a whole path."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        popen = subprocess.Popen(tied(command), env=environment, stdout=output, stderr=output)
    try:
        yield Process(name, popen, log)
    finally:
        popen.terminate()
        try:
            popen.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()
