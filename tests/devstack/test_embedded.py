"""The embedded servers: they start anywhere, keep what they were given, and open no folder."""

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis

from igny8.devstack import embedded
from igny8.devstack.embedded import EmbeddedFailed, EmbeddedPostgres, EmbeddedRedis, Home, temporary_home


@pytest.fixture
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="igny8-test-") as folder:
        yield temporary_home(Path(folder))


def _modes(folder: Path) -> dict[Path, int]:
    return {place: stat.S_IMODE(place.stat().st_mode) for place in (folder, *folder.parents)}


def test_rows_survive_a_stop_and_a_kill(where: Home) -> None:
    server = EmbeddedPostgres(where)
    server.start()
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (said text)")
        connection.execute("INSERT INTO kept VALUES ('before the stop')")
    server.stop()

    server.start()
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("INSERT INTO kept VALUES ('before the kill')")
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()

    server.start()
    with psycopg.connect(server.superuser_url) as connection:
        rows = connection.execute("SELECT said FROM kept ORDER BY said").fetchall()
    server.stop()
    assert rows == [("before the kill",), ("before the stop",)]


def test_a_server_that_a_killed_supervisor_left_is_taken_over(where: Home) -> None:
    orphan, successor = EmbeddedPostgres(where), EmbeddedPostgres(where)
    orphan.start()
    successor.start()
    assert orphan.process.wait(20) == 0
    with closing(psycopg.connect(successor.superuser_url)) as connection:
        assert connection.info.server_version // 10000 == 18
    successor.stop()


def test_redis_keeps_what_it_was_given_and_its_orphan_is_taken_over(where: Home) -> None:
    where.owned(where.sockets)
    orphan, successor = EmbeddedRedis(where), EmbeddedRedis(where)
    orphan.start()
    with redis.Redis.from_url(orphan.url) as client:
        client.set("kept", "yes")
    successor.start()
    assert orphan.process.wait(20) == 0
    with redis.Redis.from_url(successor.url) as client:
        assert client.get("kept") == b"yes"
    successor.stop()


def test_no_existing_folder_changes_its_mode(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    project = private / "project"
    project.mkdir(mode=0o755)
    before = _modes(project)
    server = EmbeddedPostgres(embedded.home(project / ".igny8"), durable=False)
    server.start()
    server.stop()
    assert _modes(project) == before
    embedded.forget(project / ".igny8")


def test_a_projects_home_is_the_same_at_every_start_until_it_is_forgotten(tmp_path: Path) -> None:
    first = embedded.home(tmp_path / ".igny8")
    first.data.mkdir(exist_ok=True)
    assert embedded.home(tmp_path / ".igny8") == first
    embedded.forget(tmp_path / ".igny8")
    assert not first.data.exists()


def test_a_server_that_cannot_start_says_why(where: Home) -> None:
    server = EmbeddedPostgres(where, durable=False)
    server.start()
    server.stop()
    (where.data / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedFailed, match="no_such_setting"):
        server.start()
