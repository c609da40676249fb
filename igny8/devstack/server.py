"""One server process of the development stack: started, ended, and recovered from whatever the last run left."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from igny8.devstack.faults import StackFault
from igny8.devstack.tether import User, tied

#: Nothing of the developer's own environment may change what the servers do (PGPORT would).
ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
START_SECONDS: Final = 60.0
END_SECONDS: Final = 10.0


@dataclass
class ServerProcess:
    """A program that writes `log`, keeps `alive` locked, and ends by one of `endings`, the gentlest first."""

    name: str
    folder: Path
    endings: Sequence[signal.Signals]
    user: User | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def alive(self) -> Path:
        return self.folder / "alive"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """As of now: None while it runs, negative when a signal ended it."""
        return self._process.poll() if self._process else None

    def start(self, command: Sequence[str | Path], answers: Callable[[], bool]) -> None:
        """Return when the server answers. Raises StackFault with the end of its log when it does not."""
        self.stop()
        self.log.touch(mode=0o600)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                tied(command, end_signal=self.endings[0], alive=self.alive, user=self.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=ENVIRONMENT,
                umask=0o077,
                start_new_session=True,
            )
        try:
            self._wait_for(answers)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it, and return when it is gone. Nothing happens when it does not run."""
        if self._process is None:
            return
        for ending in [*self.endings, signal.SIGKILL]:
            if self._process.poll() is None:
                self._process.send_signal(ending)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
                break
        self._process = None

    def end_leftover(self) -> None:
        """End what a killed run left behind. Raises StackFault when it does not go away."""
        for ending in [*self.endings, signal.SIGKILL]:
            if self._gone(0):
                return
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(self.alive.read_text()), ending)
            if self._gone(END_SECONDS):
                return
        raise StackFault(f"An earlier {self.name} still uses {self.folder} and does not end: end it by hand.")

    def _wait_for(self, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if self.exit_code is not None:
                raise StackFault(f"{self.name} did not start. The end of its log, {self.log}:\n{self._last_lines()}")
            if time.monotonic() > deadline:
                raise StackFault(f"{self.name} did not answer within {START_SECONDS:.0f} s; its log is {self.log}.")
            time.sleep(0.02)

    def _last_lines(self) -> str:
        return "\n".join(f"  {line}" for line in self.log.read_text(errors="replace").splitlines()[-8:])

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not _free(self.alive):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True


def run(
    command: Sequence[str | Path], user: User | None, *, environment: Mapping[str, str] = ENVIRONMENT
) -> str | None:
    """Run a program of a server to its end; what it said when it failed, else None."""
    done = subprocess.run(  # noqa: S603 (our own command)
        tied(command, user=user), stdin=subprocess.DEVNULL, capture_output=True, cwd="/", env=environment, check=False
    )
    return (done.stderr or done.stdout).decode(errors="replace").strip() or "no word" if done.returncode else None


def _free(alive: Path) -> bool:
    if not alive.exists():
        return True
    with alive.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
