"""The development environment: made once, remembered, closed to others, and the developer's word wins."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from igny8.devstack.environment import Stack, forget, private_stack, stack, temporary_stack
from igny8.devstack.faults import StackFault
from igny8.devstack.folders import claimed
from igny8.settings import Settings
from tests.support.processes import lives

OWN_DATABASE = {
    f"IGNY8_DATABASE_{role}_URL": f"postgresql://{role.lower()}:x@db.example/igny8"
    for role in ("OWNER", "APP", "MEMBER", "SIGNIN", "SYSTEM")
}
OWN_SERVERS = {**OWN_DATABASE, "IGNY8_REDIS_URL": "redis://redis.example/0"}


def _modes(folder: Path) -> dict[Path, int]:
    places = {folder, *folder.parents, Path("/tmp"), Path("/var/tmp"), *Path(sys.prefix).rglob("pginstall18/*")}
    places |= set(Path(sys.prefix).parents)
    return {place: stat.S_IMODE(place.stat().st_mode) for place in places}


def _owner(running: Stack) -> psycopg.Connection[Any]:
    return psycopg.connect(running.environment["IGNY8_DATABASE_OWNER_URL"])


def test_a_stack_keeps_rows_keys_and_secrets_and_changes_no_folders_mode(project: Path) -> None:
    before = _modes(project)
    with stack(project, port=0, given={}) as first:
        with _owner(first) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1")
        with redis.Redis.from_url(first.environment["IGNY8_REDIS_URL"]) as client:
            client.set("kept", "yes")
    with stack(project, port=first.port, given={}) as second:
        with _owner(second) as connection:
            assert connection.execute("TABLE kept").fetchall() == [(1,)]
            rights = connection.execute("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user")
            assert rights.fetchall() == [(False, True)]
            assert connection.execute("SHOW fsync").fetchall() == [("on",)]
        with redis.Redis.from_url(second.environment["IGNY8_REDIS_URL"]) as client:
            assert client.get("kept") == b"yes"
    for environment in (first.environment, second.environment):
        for provider in ("OPENAI", "RUNWARE"):  # sandboxes keep nothing, their addresses neither
            assert environment.pop(f"IGNY8_{provider}_BASE_URL").startswith("http://127.0.0.1:")
    assert second.environment == first.environment
    assert _modes(project) == before
    with claimed(project) as folders:
        assert stat.S_IMODE(folders.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE((project / ".igny8").stat().st_mode) == 0o700


def test_reset_deletes_data_and_secrets(project: Path) -> None:
    with stack(project, port=0, given={}) as first, _owner(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
    with stack(project, port=0, reset=True, given={}) as second, _owner(second) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchall() == [(None,)]
    assert second.environment["IGNY8_TOKEN_KEY"] != first.environment["IGNY8_TOKEN_KEY"]


def test_own_servers_win_and_nothing_is_started(project: Path) -> None:
    given = {**OWN_SERVERS, "IGNY8_SIGN_UP_PLAN": "free", "IGNY8_TOKEN_KEY": "", "HOME": "/nowhere"}
    with stack(project, port=0, given=given) as running:
        found = running.environment
    assert running.servers == []
    assert {name: found[name] for name in OWN_SERVERS} == OWN_SERVERS
    assert found["IGNY8_SIGN_UP_PLAN"] == "free"
    assert found["IGNY8_TOKEN_KEY"] != ""
    assert "HOME" not in found
    settings = Settings.model_validate({name.removeprefix("IGNY8_").lower(): value for name, value in found.items()})
    assert settings.environment == "development"
    assert settings.port == running.port
    assert settings.mail_folder == project / ".igny8" / "mail"


def test_half_an_own_database_is_refused(project: Path) -> None:
    given = {name: url for name, url in OWN_DATABASE.items() if "OWNER" not in name}
    with (
        pytest.raises(StackFault, match="are set, but not IGNY8_DATABASE_OWNER_URL: set these too, or none"),
        stack(project, port=0, given=given),
    ):
        pass


def test_production_gets_no_embedded_servers(project: Path) -> None:
    with (
        pytest.raises(StackFault, match="IGNY8_ENVIRONMENT is production"),
        stack(project, port=0, given={"IGNY8_ENVIRONMENT": "production"}),
    ):
        pass


def test_a_second_stack_of_the_project_is_refused(project: Path) -> None:
    runs = rf"The stack of .* runs already \(process {os.getpid()}\): stop it first"
    with (
        stack(project, port=0, given=OWN_SERVERS),
        pytest.raises(StackFault, match=runs),
        stack(project, port=0, reset=True, given=OWN_SERVERS),
    ):
        pass


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        in_use = f"Port {port} is in use: choose another one with `--port {port + 1}`"
        with (
            pytest.raises(StackFault, match=in_use),
            stack(tmp_path / "project", given={"IGNY8_PORT": str(port)}),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


def test_secrets_that_cannot_be_read_are_told(project: Path) -> None:
    with claimed(project) as folders:
        folders.secrets.write_text("{")
    with (
        pytest.raises(StackFault, match=r"secrets\.json cannot be read: `igny8 dev --reset` starts afresh"),
        stack(project, port=0, given=OWN_SERVERS),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers live outside of the project")
def test_a_moved_project_keeps_its_servers_and_a_copied_one_gets_its_own(project: Path) -> None:
    with claimed(project) as first:
        pass
    copy = shutil.copytree(project, project.with_name("copy"))
    with claimed(copy) as copied:
        assert copied.servers != first.servers
    forget(copy)
    moved = project.rename(project.with_name("moved"))
    with claimed(moved) as after:
        assert after.servers == first.servers


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers live outside of the project")
def test_a_strangers_note_about_the_servers_folder_is_not_believed(project: Path, tmp_path: Path) -> None:
    (project / ".igny8").mkdir()
    (project / ".igny8" / "servers-folder").write_text(str(tmp_path))
    with claimed(project) as folders:
        assert folders.servers.parent == Path("/var/tmp")


def test_a_private_and_a_temporary_stack_leave_nothing() -> None:
    with private_stack() as running:
        mails = Path(running.environment["IGNY8_MAIL_FOLDER"])
        servers = [server.folder for server in running.servers]
        assert [server.exit_code for server in running.servers] == [None, None]
    with temporary_stack() as made:
        with psycopg.connect(made.owner_url) as connection:
            assert connection.execute("SELECT current_user::text").fetchall() == [("igny8_owner",)]
        with redis.Redis.from_url(made.redis_url) as client:
            assert client.ping()
    assert [folder.exists() for folder in [mails.parent, *servers]] == [False, False, False]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends them")
def test_a_killed_supervisor_takes_the_servers_with_it(project: Path) -> None:
    code = (
        "import json, sys, time; from pathlib import Path; from igny8.devstack.environment import stack\n"
        "with stack(Path(sys.argv[1]), port=0, given={}) as running:\n"
        "    print(json.dumps([server.pid for server in running.servers]), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, project], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pids = json.loads(supervisor.stdout.readline())
        assert [lives(pid) for pid in pids] == [True, True]
        supervisor.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [lives(pid) for pid in pids] == [False, False]
