"""The command line, as an operator uses it: in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from igny8.settings import Settings
from tests.support.servers import Servers

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(database_urls: dict[str, str], settings: Settings) -> Cli:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IGNY8_")}
    environment |= {f"IGNY8_DATABASE_{role.upper()}_URL": url for role, url in database_urls.items()}

    def run(*arguments: str, without: str = "", typed: str | None = None) -> subprocess.CompletedProcess[str]:
        given = {name: value for name, value in environment.items() if name != without}
        command = [sys.executable, "-m", "igny8", *arguments]
        return subprocess.run(
            command, env=given, input=typed, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_a_developer_is_made_with_a_password_that_is_asked_for(cli: Cli, servers: Servers) -> None:
    arguments = ("user", "create", "--email", "dev@example.com", "--name", "Dev", "--role", "developer")
    done = cli(*arguments, typed="hyacinths at dusk\nhyacinths at dusk\n")
    assert done.returncode == 0, done.stderr
    assert "Made the developer dev@example.com (usr_" in done.stdout
    again = cli(*arguments, typed="hyacinths at dusk\nhyacinths at dusk\n")
    assert again.returncode == 1
    assert again.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in again.stderr


def test_plans_are_listed_added_and_changed(cli: Cli) -> None:
    assert (
        cli(
            "plan", "add", "cli-plan", "--name", "Small", "--price", "9", "--credits", "10", "--limit", "SITES=1"
        ).returncode
        == 0
    )
    assert cli("plan", "change", "cli-plan", "--price", "12.50", "--inactive").returncode == 0
    line = next(line for line in cli("plan", "list").stdout.splitlines() if line.startswith("cli-plan"))
    assert line.split() == ["cli-plan", "12.50", "USD", "10", "credits", "(not", "offered)"]
    wrong = cli("plan", "change", "cli-plan", "--limit", "SITES=many")
    assert wrong.returncode == 2
    assert "'SITES=many' is not NAME=MAX" in wrong.stderr


def test_a_missing_setting_is_one_clear_sentence(cli: Cli) -> None:
    done = cli("migrate", without="IGNY8_DATABASE_OWNER_URL")
    assert done.returncode == 1
    assert done.stderr == "Error: These settings stop the start:\n  IGNY8_DATABASE_OWNER_URL: is not set\n"


def test_migrating_twice_changes_nothing(cli: Cli) -> None:
    done = cli("migrate")
    assert done.returncode == 0, done.stderr
    assert "Migrated:" not in done.stdout
    assert "The database is at revision" in done.stdout


def test_every_command_has_a_help_text(cli: Cli) -> None:
    said = cli("--help").stdout
    for command in ("api", "demo", "dev", "migrate", "plan", "schema", "user"):
        assert f"\n  {command} " in said
