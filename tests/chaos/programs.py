"""The processes of the product, which are started again when they die, and the servers they stand on."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from igny8.devstack.embedded import EmbeddedPostgres, EmbeddedRedis
from igny8.devstack.tether import tied
from tests.chaos.chaos_tasks import EFFECTS
from tests.support.servers import TEMPLATE, Servers, make_template

#: Processes die here, and never the machine: what was written to the kernel is kept, synced or not.
_UNSYNCED: Final = {"fsync": "off"}


@dataclass
class Program:
    """One process of the product, and its lives so far."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    #: When which of its processes was killed, in seconds since 1970.
    killed: dict[int, float] = field(default_factory=dict)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                tied([sys.executable, "-m", *self.command]),
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.lives:
            if number is signal.SIGKILL:
                self.killed[self.process.pid] = time.time()
            self.process.send_signal(number)

    def end(self) -> None:
        """At once, frozen or not."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Stores:
    """PostgreSQL and Redis; they are started from one thread, which outlives them, because they are tied to it."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)  # as root, PostgreSQL runs as another user, who has to get through
        self.postgres = EmbeddedPostgres(folder / "postgres", settings=_UNSYNCED)
        self.redis = EmbeddedRedis(folder / "redis")
        self._thread = ThreadPoolExecutor(1)

    def start(self) -> Servers:
        """Start both, with a migrated database that has the table of effects."""
        self._thread.submit(self.postgres.start).result()
        self._thread.submit(self.redis.start).result()
        servers = Servers(self.postgres.url(), self.redis.url)
        make_template(servers)
        with psycopg.connect(servers.superuser_url_of(TEMPLATE), autocommit=True) as superuser:
            superuser.execute(EFFECTS)
        return servers

    def stop(self) -> None:
        self._thread.submit(self.redis.stop).result()
        self._thread.submit(self.postgres.stop).result()
        self._thread.shutdown()

    async def crash_postgres(self) -> None:
        """What `pg_ctl stop -m immediate` does, and a start, which recovers."""
        await self._crash(self.postgres, signal.SIGQUIT)

    async def crash_redis(self) -> None:
        await self._crash(self.redis, signal.SIGKILL)

    async def _crash(self, server: EmbeddedPostgres | EmbeddedRedis, number: signal.Signals) -> None:
        assert server.process.pid is not None
        os.kill(server.process.pid, number)
        await asyncio.get_running_loop().run_in_executor(self._thread, _restart, server)


def _restart(server: EmbeddedPostgres | EmbeddedRedis) -> None:
    server.stop()  # it is on its way out already
    server.start()
