"""Folders that PostgreSQL's user can reach, and projects that clean up."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from igny8.devstack.environment import forget
from igny8.devstack.folders import LASTING


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A new folder that everybody may pass, as root's servers need it."""
    with tempfile.TemporaryDirectory(prefix="igny8-test-", dir=LASTING) as made:
        folder = Path(made)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project below a private folder; what its stack leaves elsewhere goes with it."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    folder = private / "project"
    folder.mkdir(mode=0o755)
    yield folder
    forget(folder)
