"""A run of all tests fails when there is a part of the schema that no test was ever answered with data for.

Workers send what their tests saw to the leading process, which compares at the end.
"""

from typing import Any

import pytest

from tests.schema.unseen import UNSEEN
from tests.support import coordinates

_WORKERS_KEY = "seen coordinates"
_faults: list[str] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_WORKERS_KEY] = sorted(coordinates.seen)
    elif _is_whole(session.config) and session.exitstatus == pytest.ExitCode.OK:
        _faults.extend(faults(coordinates.seen))
        if _faults:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    coordinates.seen.update(getattr(node, "workeroutput", {}).get(_WORKERS_KEY, ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _faults:
        terminalreporter.section("schema coverage", red=True)
        for fault in _faults:
            terminalreporter.line(fault)


def faults(seen: set[str]) -> list[str]:
    """What is wrong when these coordinates were seen, and all tests ran."""
    known = coordinates.coordinates()
    return [
        *(f"{part}: no test was answered with data for it" for part in sorted(known - seen - set(UNSEEN))),
        *(f"{part}: is listed as unseen, and a test sees it" for part in sorted(set(UNSEEN) & seen)),
        *(f"{part}: is listed as unseen, and is not in the schema" for part in sorted(set(UNSEEN) - known)),
    ]


def _is_whole(config: pytest.Config) -> bool:
    """Whether all tests run: no path, keyword, mark or earlier failure chooses among them."""
    chosen = ("keyword", "markexpr", "lf", "failedfirst", "deselect", "collectonly", "stepwise")
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    return whole and not any(config.getoption(name, None) for name in chosen)
