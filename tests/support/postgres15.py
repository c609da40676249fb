"""Debian's PostgreSQL 15 as an operator's own server: it asks for passwords, and its settings are not ours."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from igny8.devstack.embedded import Home, temporary_home

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "the operator's"
#: All of them wrong for us: the login roles' own settings have to mend them.
SETTINGS = ("-ctimezone=America/New_York", "-cjit=on", "-cfsync=off", "-clisten_addresses=")


@contextmanager
def private_postgres15() -> Iterator[str]:
    """The superuser's address of a fresh server, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="igny8-test-") as folder:
        where = temporary_home(Path(folder))
        data, sockets = _initialised(where), where.owned(where.sockets)
        command = [PROGRAMS / "postgres", "-D", data, f"-cunix_socket_directories={sockets}", *SETTINGS]
        process = subprocess.Popen([str(part) for part in command], **_as_user(where))
        try:
            yield _awaited(f"postgresql://postgres:the%20operator's@/postgres?host={sockets}")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _initialised(where: Home) -> Path:
    data, password = where.data / "postgres15", where.owned(where.data) / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    command = [PROGRAMS / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}"]
    command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run([str(part) for part in command], check=True, **_as_user(where))
    return data


def _as_user(where: Home) -> dict[str, object]:
    quiet: dict[str, object] = {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:
        quiet |= {"user": where.user, "group": where.group, "extra_groups": []}
    return quiet


def _awaited(url: str) -> str:
    ends = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
        else:
            return url
