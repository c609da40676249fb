"""The embedded servers keep what they are given, recover from any death, and are closed to others."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from igny8.devstack.embedded import FLEETING_POSTGRES, EmbeddedPostgres, EmbeddedRedis
from igny8.devstack.faults import StackFault
from igny8.devstack.programs import POSTGRES_PACKAGE, postgres_programs, redis_program
from tests.support.postgres15 import PROGRAMS, private_postgres15


@pytest.fixture
def postgres(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(open_folder / "postgres", settings=FLEETING_POSTGRES)
    server.start()
    yield server
    server.stop()


def _ask(server: EmbeddedPostgres, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_row_survives_a_stop_and_a_kill(open_folder: Path) -> None:
    durable = EmbeddedPostgres(open_folder / "postgres")
    durable.start()
    _ask(durable, "CREATE TABLE kept AS SELECT 'before the stop' AS said")
    durable.stop()
    durable.start()
    _ask(durable, "INSERT INTO kept VALUES ('before the kill')")
    _kill(durable.process.pid)
    durable.start()
    assert _ask(durable, "SELECT said FROM kept ORDER BY said") == [("before the kill",), ("before the stop",)]
    durable.stop()


def test_a_server_that_was_left_running_makes_room(postgres: EmbeddedPostgres) -> None:
    _ask(postgres, "CREATE TABLE kept AS SELECT 1")
    successor = EmbeddedPostgres(postgres.folder, settings=FLEETING_POSTGRES)
    successor.start()
    assert postgres.process.exit_code == 0
    assert _ask(successor, "TABLE kept") == [(1,)]
    successor.stop()


def test_a_pid_file_that_now_names_a_stranger_harms_neither(postgres: EmbeddedPostgres) -> None:
    lock = postgres.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    postgres.stop()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    postgres.start()
    assert _ask(postgres, "SELECT 1") == [(1,)]


def test_a_cluster_that_was_not_finished_is_made_again(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres", settings=FLEETING_POSTGRES)
    server.folder.mkdir(mode=0o711)
    (server.folder / "data-unfinished").mkdir()
    (server.folder / "data-unfinished" / "PG_VERSION").write_text("18\n")
    server.start()
    assert _ask(server, "SHOW server_version_num")[0][0].startswith("18")
    server.stop()


def test_postgres_listens_on_a_closed_socket_only_and_checks_passwords(postgres: EmbeddedPostgres) -> None:
    names = ("jit", "timezone", "listen_addresses", "server_encoding")
    said = {name: _ask(postgres, f"SHOW {name}")[0][0] for name in names}
    assert said == {
        "jit": "off",
        "timezone": "UTC",
        "listen_addresses": "",
        "server_encoding": "UTF8",
    }
    assert stat.S_IMODE(postgres.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700
    _ask(postgres, "CREATE ROLE someone LOGIN PASSWORD 'right/word'")
    psycopg.connect(postgres.url("someone", "right/word")).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url("someone", "wrong"))


def test_a_long_path_gets_a_short_socket(open_folder: Path) -> None:
    deep = open_folder / ("long" * 20)
    deep.mkdir()
    deep.chmod(0o711)
    server = EmbeddedPostgres(deep / "postgres", settings=FLEETING_POSTGRES)
    server.start()
    assert server.socket.parent == Path("/tmp")
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    assert _ask(server, "SELECT 1") == [(1,)]
    server.stop()
    server.remove()
    assert not server.socket.exists()
    assert not server.folder.exists()


def test_a_server_that_cannot_start_says_why(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres", settings={**FLEETING_POSTGRES, "no_such_setting": "1"})
    with pytest.raises(StackFault, match=r'(?s)PostgreSQL did not start.*parameter "no_such_setting"'):
        server.start()
    assert server.process.exit_code is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_programs_below_a_private_folder_are_copied_and_the_folder_stays_closed(open_folder: Path) -> None:
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    programs = postgres_programs()
    wheels = programs.parents[2]
    for folder in (programs.parent, wheels / f"{POSTGRES_PACKAGE}.libs"):
        shutil.copytree(folder, private / folder.relative_to(wheels), ignore=shutil.ignore_patterns("include", "*.a"))
    server = EmbeddedPostgres(
        open_folder / "postgres", settings=FLEETING_POSTGRES, programs=private / programs.relative_to(wheels)
    )
    server.start()
    assert _ask(server, "SELECT 1") == [(1,)]
    server.stop()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert len(list(server.folder.glob("programs-*/*/*/bin/postgres"))) == 1


def test_redis_keeps_its_keys_over_a_kill_and_a_server_left_running(open_folder: Path) -> None:
    first = EmbeddedRedis(open_folder / "redis")
    first.start()
    with redis.Redis.from_url(first.url) as client:
        client.set("kept", "yes")
        assert client.wait(0, 0) == 0
    second = EmbeddedRedis(open_folder / "redis")
    second.start()
    assert first.process.exit_code == 0
    _kill(second.process.pid)
    second.start()
    with redis.Redis.from_url(second.url) as client:
        assert client.get("kept") == b"yes"
    assert stat.S_IMODE(second.socket.stat().st_mode) == 0o700
    second.stop()


def test_missing_programs_are_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StackFault, match=r"set IGNY8_DATABASE_OWNER_URL, _APP_URL, .* to a server of your own"):
        postgres_programs("no_such_package")
    with pytest.raises(StackFault, match="or set IGNY8_REDIS_URL to a server of your own"):
        redis_program("no_such_package", path=str(tmp_path))


def test_redis_on_the_path_serves_where_there_is_no_wheel(tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert redis_program("no_such_package", path=str(tmp_path)) == program


@pytest.mark.skipif(not PROGRAMS.is_dir(), reason="Debian's PostgreSQL 15 is not installed")
def test_debians_postgres_starts_in_the_same_way() -> None:
    with private_postgres15() as url, psycopg.connect(url) as connection:
        assert connection.info.server_version // 10000 == 15
