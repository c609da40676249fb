"""Debian's PostgreSQL 15 as an operator's own server: its settings are not ours."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from igny8.devstack.embedded import EmbeddedPostgres
from igny8.devstack.folders import LASTING

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
#: All of them wrong for us: the login roles' own settings have to mend them.
SETTINGS = {"timezone": "America/New_York", "jit": "on", "fsync": "off"}


@contextmanager
def private_postgres15() -> Iterator[str]:
    """The superuser's address of a fresh server, which is gone afterwards; all other roles need passwords."""
    with tempfile.TemporaryDirectory(prefix="igny8-test-", dir=LASTING) as made:
        folder = Path(made)
        if os.geteuid() == 0:
            folder.chmod(0o711)
        server = EmbeddedPostgres(
            folder / "postgres", settings=SETTINGS, programs=PROGRAMS, locale=["--locale=C.UTF-8"]
        )
        server.start()
        try:
            yield server.url()
        finally:
            server.stop()
            server.remove()
