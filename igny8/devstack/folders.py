"""Which folders the development stack owns, and who may use them now.

`.igny8/` in the project holds the mails, and the servers' data with the secrets, except
as root: PostgreSQL then runs as another user, to whom a project below a private folder is closed, and opening that
folder is not ours to do. So root's servers live in the lasting temporary directory.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from igny8.devstack.faults import StackFault

LASTING: Final = Path("/var/tmp")  # noqa: S108 (root's own folder in it, checked)


@dataclass(frozen=True)
class Folders:
    kept: Path
    servers: Path

    @property
    def secrets(self) -> Path:
        # With the data: what is sealed there can be opened with these keys only.
        return self.servers / "secrets.json"

    @property
    def files(self) -> Path:
        return self.kept / "files"

    @property
    def mails(self) -> Path:
        return self.kept / "mail"


@contextmanager
def claimed(project: Path) -> Iterator[Folders]:
    """The folders of a project, for one stack at a time. Raises StackFault when another one has them."""
    project = project.resolve()
    try:
        kept = project / ".igny8"
        project.mkdir(parents=True, exist_ok=True)
        kept.mkdir(mode=0o700, exist_ok=True)
        servers = _shared_servers(project, kept) if os.geteuid() == 0 else _private_servers(kept)
        lock = os.open(servers / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackFault(
            f"{error.strerror}: {error.filename}. The development stack keeps its data there."
        ) from error
    try:
        _claim(lock, project)
        yield Folders(kept, servers)
    finally:
        os.close(lock)


def _claim(lock: int, project: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode() or "unknown"
        raise StackFault(f"The stack of {project} runs already (process {holder}): stop it first.") from None
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())


def _private_servers(kept: Path) -> Path:
    folder = kept / "servers"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _shared_servers(project: Path, kept: Path) -> Path:
    """Root's folder: the remembered one, so that a moved project keeps its data; a copied one gets its own."""
    note = kept / "servers-folder"
    folder = _remembered(note, project) or LASTING / f"igny8-{hashlib.sha256(os.fsencode(project)).hexdigest()[:12]}"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        folder.chmod(0o711)
    if folder.is_symlink() or folder.stat().st_uid != 0:
        raise StackFault(f"{folder} is not root's own folder: delete it.")
    (folder / "project").write_text(str(project))
    note.write_text(str(folder))
    return folder


def _remembered(note: Path, project: Path) -> Path | None:
    if not note.exists():
        return None
    folder = Path(note.read_text().strip())
    # The note came with the project, which may be a stranger's: it may name a folder of ours, nothing else.
    ours = folder.parent == LASTING and re.fullmatch(r"igny8-[0-9a-f]{12}", folder.name) and folder.is_dir()
    if not ours or not (folder / "project").is_file():
        return None
    first = Path((folder / "project").read_text())
    copied = first != project and (first / ".igny8" / note.name).exists()
    return None if copied else folder
