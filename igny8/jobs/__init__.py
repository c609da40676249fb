"""Jobs that cannot be lost. PostgreSQL holds the truth; Redis only wakes."""

from igny8.jobs.cancelling import cancel_work_on, request_cancel
from igny8.jobs.claiming import Item
from igny8.jobs.failures import Cancelled, JobFailure, Superseded
from igny8.jobs.progress import Subject
from igny8.jobs.running import Charge, Running
from igny8.jobs.starting import enqueue, retry
from igny8.jobs.tables import JobErrorCode, JobKind, JobPhase, JobState, Queue
from igny8.jobs.tasks import Task, task

__all__ = [
    "Cancelled",
    "Charge",
    "Item",
    "JobErrorCode",
    "JobFailure",
    "JobKind",
    "JobPhase",
    "JobState",
    "Queue",
    "Running",
    "Subject",
    "Superseded",
    "Task",
    "cancel_work_on",
    "enqueue",
    "request_cancel",
    "retry",
    "task",
]
