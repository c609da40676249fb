"""The server follows the GraphQL over HTTP specification, says its public audit."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from igny8 import logs
from igny8.app import create_app
from igny8.settings import Settings
from tests.support.live import serving
from tests.support.tools import not_run

pytestmark = pytest.mark.node

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "audit.mjs")


@pytest.fixture(scope="module")
def audit() -> Path:
    """The audit's script beside its packages, which are installed once for each lock file."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = HERE.parents[1] / ".igny8" / "node" / lock
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, folder)
    if not (folder / "node_modules" / ".package-lock.json").exists():
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            not_run(f"npm could not install the audit: {done.stderr.strip()[-300:]}")
    return folder / "audit.mjs"


def test_the_public_audit_finds_nothing(settings: Settings, audit: Path) -> None:
    logs.configure(settings)
    with serving(create_app(settings)) as address:
        done = subprocess.run(
            ["node", str(audit), f"{address}/graphql"], capture_output=True, text=True, timeout=60, check=True
        )
    results = json.loads(done.stdout)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
