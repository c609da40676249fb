"""What the application logs, line by line."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import Any

from igny8 import logs
from igny8.settings import Settings

Lines = Callable[[], list[dict[str, Any]]]


def log_to_memory(settings: Settings) -> Lines:
    """Log into memory from now on, until somebody else sets up the log. The result reads what came so far."""
    written = io.StringIO()
    with redirect_stderr(written):
        logs.configure(settings)
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]
