"""Tests that need a tool which is not everywhere: skipped and named aloud at the end, or failed where it must be."""

import os
import shutil
from collections import Counter
from typing import Final, NoReturn

import pytest

#: Marker -> the commands that its tests need.
COMMANDS: Final = {"node": ("node", "npm"), "postgres15": ("/usr/lib/postgresql/15/bin/postgres",)}
REQUIRED: Final = "IGNY8_TEST_REQUIRE_TOOLS"


def not_run(reason: str) -> NoReturn:
    """Skip the running test for want of a tool, or fail it where all tools must be there."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason}, and {REQUIRED} is set")
    pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, commands in COMMANDS.items():
        missing = [command for command in commands if shutil.which(command) is None]
        if missing and item.get_closest_marker(marker) is not None:
            not_run(f"{' and '.join(missing)} not found")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if COMMANDS.keys() & report.keywords.keys()
    ]
    reasons = Counter(
        (report.nodeid.partition("::")[0], report.longrepr[2].removeprefix("Skipped: ")) for report in skipped
    )
    for (place, reason), number in reasons.items():
        terminalreporter.write_line(f"NOT RUN: {number} of {place}: {reason}", red=True, bold=True)
