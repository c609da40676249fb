"""Ties a program to the process that starts it: when that one dies, even by SIGKILL, the program is told to end.

On Linux the kernel sends the signal. It counts the *thread* that started the program as its parent, so start
from one that lives as long as the program shall. Elsewhere the next start ends what was left (see `server`).

This file is also the script that becomes the program. It runs in a bare interpreter and imports the standard library
only, and all of it first: without root's rights it may not be readable any more.
"""

import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class User(NamedTuple):
    """Numbers, because the owner of a folder need not have a name."""

    uid: int
    gid: int


def tied(
    command: Sequence[str | Path],
    *,
    end_signal: signal.Signals = signal.SIGTERM,
    alive: Path | None = None,
    user: User | None = None,
) -> list[str]:
    """The command line that runs `command` tied to this process.

    `alive` is a file that the program and all its descendants keep locked (and its pid is in it): whoever can lock
    it knows that none of them lives. `user` needs root.
    """
    owner = f"{user.uid}:{user.gid}" if user else ""
    start = [sys.executable, "-I", "-S", __file__, str(int(end_signal)), str(os.getpid()), str(alive or ""), owner]
    return [*start, *map(str, command)]


def main(end_signal: str, parent: str, alive: str, owner: str, *command: str) -> None:
    try:
        if alive:
            _keep_locked(alive)
        if owner:
            _become(*map(int, owner.split(":")))
        # After the change of user: the kernel forgets the request when the credentials change.
        _end_with_parent(int(end_signal))
        if os.getppid() != int(parent):
            sys.exit("The process that asked for this one is gone.")
        os.execv(command[0], command)  # noqa: S606 (no shell is wanted)
    except OSError as error:
        sys.exit(f"Cannot run {command[0]}: {error}")


def _keep_locked(path: str) -> None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    os.set_inheritable(lock, True)


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _end_with_parent(number: int) -> None:
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG, prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, number, 0, 0, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
