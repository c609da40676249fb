"""Real PostgreSQL and Redis from wheels, on unix sockets in folders that are closed to others.

Each server lives in one folder of ours: its data, its socket, its log. Whoever starts one must be the only one who
does so in that folder (`folders.claimed` sees to it): what still runs there is taken for the rest of a killed run.
"""

import hashlib
import os
import pwd
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
import redis

from igny8.devstack.faults import StackFault
from igny8.devstack.programs import postgres_programs, redis_program, usable_by
from igny8.devstack.server import ServerProcess, run
from igny8.devstack.tether import User

POSTGRES_SETTINGS: Final = {
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "",
    "max_connections": "200",
}
#: For data that nobody will miss: a power cut may spoil it.
FLEETING_POSTGRES: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

KEPT_REDIS: Final = {"appendonly": "yes"}
FLEETING_REDIS: Final = {"appendonly": "no"}

#: The same order and upper case on every machine, whatever locales it has.
BUILTIN_LOCALE: Final = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

#: The superuser needs no password on the closed socket; the roles that serve do, as in production.
ACCESS: Final = "local all postgres trust\nlocal all all scram-sha-256\n"

LONGEST_SOCKET: Final = 100


class EmbeddedPostgres:
    """A PostgreSQL cluster in `folder`. As root it runs as another user, to whom every parent must be open."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        programs: Path | None = None,
        locale: Sequence[str] = BUILTIN_LOCALE,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.socket = _socket_folder(folder, ".s.PGSQL.5432.lock")
        self._settings = {**POSTGRES_SETTINGS, **(settings or {})}
        self._programs = programs
        self._locale = locale
        # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
        self.process = ServerProcess("PostgreSQL", folder, (signal.SIGINT, signal.SIGQUIT), _unprivileged(self.data))

    def start(self) -> None:
        """Make the cluster if there is none, and return when it answers. Raises StackFault."""
        programs = self._programs or postgres_programs()
        user = self.process.user
        _make_folder(self.folder, 0o711 if user else 0o700)
        if user:
            programs = usable_by(user, programs, self.folder)
        self.process.end_leftover()
        _make_folder(self.socket, 0o700, user)
        if not self.data.exists():
            self._make_cluster(programs)
        # Nothing lives here now, so the pid in these files is by now somebody else's.
        for stale in (self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        self.process.start([programs / "postgres", *self._arguments()], self._answers)

    def stop(self) -> None:
        self.process.stop()

    def remove(self) -> None:
        """Delete the cluster and all its data."""
        _remove(self.process, self.socket)

    def url(self, role: str = "postgres", password: str = "", database: str = "postgres") -> str:
        login = f"{role}:{quote(password, safe='')}" if password else role
        return f"postgresql://{login}@/{database}?host={quote(str(self.socket))}&port=5432"

    def _make_cluster(self, programs: Path) -> None:
        unfinished = self.folder / "data-unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        _make_folder(unfinished, 0o700, self.process.user)
        options = ["--username=postgres", "--auth=reject", "--encoding=UTF8", "--no-instructions", *self._locale]
        if self._settings.get("fsync") == "off":
            options.append("--no-sync")
        if said := run([programs / "initdb", "-D", unfinished, *options], self.process.user):
            raise StackFault(f"PostgreSQL could not make its files in {self.folder}:\n{said}")
        unfinished.rename(self.data)

    def _arguments(self) -> list[str]:
        access = self.folder / "pg_hba.conf"
        access.write_text(ACCESS)
        access.chmod(0o644)
        settings = {
            **self._settings,
            "hba_file": str(access),
            "unix_socket_directories": f'"{self.socket}"',
            "unix_socket_permissions": "0700",
        }
        return ["-D", str(self.data), "-p", "5432", *(f"--{name}={value}" for name, value in settings.items())]

    def _answers(self) -> bool:
        if not (self.socket / ".s.PGSQL.5432").exists():
            return False
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class EmbeddedRedis:
    """A Redis in `folder`; by default what is written is on disk within a second."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] = KEPT_REDIS) -> None:
        self.folder = folder
        self.socket = _socket_folder(folder, "redis.sock")
        self._settings = settings
        self.process = ServerProcess("Redis", folder, (signal.SIGTERM,))

    def start(self) -> None:
        """Return when it answers. Raises StackFault."""
        program = redis_program()
        _make_folder(self.folder, 0o700)
        self.process.end_leftover()
        _make_folder(self.socket, 0o700)
        _make_folder(self.folder / "data", 0o700)
        settings = {
            **self._settings,
            "save": "",
            "port": "0",
            "dir": str(self.folder / "data"),
            "unixsocket": str(self._address),
            "unixsocketperm": "700",
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.process.start([program, *arguments], self._answers)

    def stop(self) -> None:
        self.process.stop()

    def remove(self) -> None:
        """Delete all its data."""
        _remove(self.process, self.socket)

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._address))}?db=0"

    @property
    def _address(self) -> Path:
        return self.socket / "redis.sock"

    def _answers(self) -> bool:
        with redis.Redis(unix_socket_path=str(self._address), socket_timeout=2) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def _unprivileged(data: Path) -> User | None:
    """Whom PostgreSQL runs as: ourselves, or, because it refuses root, the owner of its data."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        status = data.stat()
        return User(status.st_uid, status.st_gid)
    nobody = pwd.getpwnam("nobody")
    return User(nobody.pw_uid, nobody.pw_gid)


def _make_folder(folder: Path, mode: int, user: User | None = None) -> None:
    """A new folder gets the mode and the owner; one that is there stays as it is, and must be ours."""
    if folder.is_dir() and not folder.is_symlink():
        if folder.stat().st_uid not in (os.geteuid(), user.uid if user else os.geteuid()):
            raise StackFault(f"{folder} belongs to somebody else: delete it, or run as its owner.")
        return
    folder.mkdir(mode=0o700)
    folder.chmod(mode)
    if user:
        os.chown(folder, *user)


def _socket_folder(folder: Path, file: str) -> Path:
    """Below `folder`, or in the temporary directory when the address would be too long for a socket."""
    beside = folder / "socket"
    if len(os.fsencode(beside / file)) <= LONGEST_SOCKET:
        return beside
    return Path("/tmp") / f"igny8-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"  # noqa: S108 (0700, checked)


def _remove(process: ServerProcess, socket: Path) -> None:
    process.end_leftover()
    for folder in (socket, process.folder):
        if folder.is_dir():
            shutil.rmtree(folder)
