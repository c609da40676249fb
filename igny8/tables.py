"""Imports every module that declares rows, so that mappers and migrations see all of them."""

from igny8 import changes, credits, limits, replays
from igny8.ai import tables as ai
from igny8.auth import tables as auth
from igny8.billing import tables as billing
from igny8.db import Base
from igny8.files import tables as files
from igny8.jobs import tables as jobs
from igny8.planner import tables as planner
from igny8.system import tables as system
from igny8.writer import tables as writer

__all__ = [
    "ai",
    "auth",
    "billing",
    "changes",
    "credits",
    "files",
    "jobs",
    "limits",
    "planner",
    "replays",
    "system",
    "writer",
]

metadata = Base.metadata
