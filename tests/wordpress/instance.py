"""A private WordPress: a MariaDB, a copy of Debian's WordPress and some PHP servers, gone when the block ends."""

import getpass
import json
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from igny8.devstack.folders import LASTING
from igny8.devstack.ports import free_port
from igny8.devstack.server import ENVIRONMENT, ServerProcess

WORDPRESS: Final = Path("/usr/share/wordpress")
#: Debian package -> a file of it that we need.
PACKAGES: Final = {
    "wordpress": WORDPRESS / "wp-load.php",
    "php8.2-cli": Path("/usr/bin/php8.2"),
    "php8.2-mysql": Path("/usr/lib/php/20220829/mysqli.so"),
    "php8.2-gd": Path("/usr/lib/php/20220829/gd.so"),
    "php8.2-xml": Path("/usr/lib/php/20220829/dom.so"),
    "php8.2-curl": Path("/usr/lib/php/20220829/curl.so"),
    "php8.2-mbstring": Path("/usr/lib/php/20220829/mbstring.so"),
    "mariadb-server": Path("/usr/sbin/mariadbd"),
}
ROLES: Final = ("administrator", "editor", "author", "contributor", "subscriber")
_PHP: Final = [
    "/usr/bin/php8.2",
    "-d",
    "opcache.enable_cli=1",
    "-d",
    "upload_max_filesize=4M",
    "-d",
    "post_max_size=8M",
]
#: A PHP server answers one request at a time, and WordPress calls itself to publish what is due.
_PHP_SERVERS: Final = 4
_HERE: Final = Path(__file__).parent


def missing_packages() -> list[str]:
    """The Debian packages that are not there."""
    return [package for package, file in PACKAGES.items() if not file.exists()]


@dataclass(frozen=True)
class Instance:
    """`origins` serve the same WordPress; each is one PHP process. `passwords` are of users named by their role."""

    folder: Path
    origins: Sequence[str]
    passwords: dict[str, str]

    def empty(self) -> None:
        """Forget all posts, files and terms."""
        _run([*_mariadb(self.folder), "wordpress"], stdin=(_HERE / "empty.sql").read_bytes())
        shutil.rmtree(self.folder / "www/wp-content/uploads", ignore_errors=True)

    def make_due(self, post_id: int) -> None:
        """Let the time of a scheduled post come; WordPress publishes it when somebody visits."""
        _run([*_PHP, _HERE / "due.php", self.folder / "www", str(post_id)])


@contextmanager
def running() -> Iterator[Instance]:
    """Start one, with a user and an application password for each role."""
    with tempfile.TemporaryDirectory(prefix="igny8-wordpress-", dir=LASTING) as made, ExitStack() as stack:
        folder = Path(made)
        stack.enter_context(_database(folder))
        www = _copied(folder)
        printed = _run([*_PHP, _HERE / "install.php", www, *ROLES])
        origins = [stack.enter_context(_php(folder, number)) for number in range(_PHP_SERVERS)]
        yield Instance(folder, origins, json.loads(printed))


@contextmanager
def _database(folder: Path) -> Iterator[None]:
    place = folder / "mariadb"
    place.mkdir()
    user = f"--user={getpass.getuser()}"
    data = f"--datadir={place / 'data'}"
    _run(["/usr/bin/mariadb-install-db", "--no-defaults", user, data, "--auth-root-authentication-method=normal"])
    options = ["--skip-networking", f"--socket={place / 'socket'}", f"--pid-file={place / 'pid'}", "--skip-log-bin"]
    careless = ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--performance-schema=0"]
    server = ServerProcess("MariaDB", place, [signal.SIGTERM])
    server.start(
        ["/usr/sbin/mariadbd", "--no-defaults", user, data, *options, *careless],
        lambda: (
            subprocess.run([*_mariadb(folder), "-e", "SELECT 1"], capture_output=True, check=False).returncode == 0
        ),
    )
    try:
        _run([*_mariadb(folder), "-e", "CREATE DATABASE wordpress CHARACTER SET utf8mb4"])
        yield
    finally:
        server.stop()


def _mariadb(folder: Path) -> list[str]:
    return ["/usr/bin/mariadb", "--no-defaults", "--user=root", f"--socket={folder / 'mariadb/socket'}"]


def _copied(folder: Path) -> Path:
    www = folder / "www"
    shutil.copytree(WORDPRESS, www, ignore=shutil.ignore_patterns(".htaccess", "wp-config.php"))
    shutil.copy(_HERE / "wp-config.php", www)
    shutil.copytree(_HERE / "theme", www / "wp-content/themes/plain")
    return www


@contextmanager
def _php(folder: Path, number: int) -> Iterator[str]:
    place = folder / f"php-{number}"
    place.mkdir()
    port = free_port()
    server = ServerProcess(f"PHP {number}", place, [signal.SIGTERM])
    server.start(
        [*_PHP, "-S", f"127.0.0.1:{port}", "-t", folder / "www", _HERE / "router.php"], lambda: _listens(port)
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _run(command: Sequence[str | Path], stdin: bytes = b"") -> bytes:
    done = subprocess.run(command, input=stdin, capture_output=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, (done.stderr or done.stdout).decode()
    return done.stdout
