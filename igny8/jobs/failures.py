"""What ends an attempt before its time, in the words of whoever started the job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from igny8.errors import DomainError, ErrorCode, Unavailable
from igny8.jobs.tables import JobErrorCode

log = structlog.get_logger()

_DOMAIN: Final = {
    ErrorCode.NOT_FOUND: JobErrorCode.NOT_FOUND,
    ErrorCode.LIMIT_REACHED: JobErrorCode.LIMIT_REACHED,
    ErrorCode.EXTERNAL_SERVICE: JobErrorCode.EXTERNAL_SERVICE,
}


class JobFailure(Exception):
    """An expected failure of a job or of one item. The message is a full sentence, safe to show.

    A `retryable` one is tried again while there are attempts left, not before `retry_after` seconds.
    """

    def __init__(
        self, code: JobErrorCode, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after


class Cancelled(Exception):
    """Somebody asked for the end of the job."""


class Superseded(Exception):
    """The job is not this worker's any more: its lease had ended, and another attempt may be running."""


@dataclass(frozen=True, slots=True)
class Error:
    """A failure as it is stored."""

    code: JobErrorCode
    message: str
    retryable: bool

    @property
    def columns(self) -> dict[str, str | bool]:
        return {"error_code": self.code, "error_message": self.message, "error_retryable": self.retryable}

    @classmethod
    def of(cls, failure: JobFailure) -> "Error":
        return cls(failure.code, failure.message, failure.retryable)


#: Classes of SQLSTATE: connections, rolled back, resources, not available, operator.
_PASSING: Final = ("08", "40", "53", "55", "57")

NO_ERROR: Final[dict[str, None]] = {"error_code": None, "error_message": None, "error_retryable": None}
CRASHED: Final = Error(JobErrorCode.CRASHED, "The work was interrupted again and again, so it was given up.", True)
LEFT_OUT: Final = Error(JobErrorCode.INTERNAL, "The work ended without a result for this.", True)
CANCELLED: Final = Error(JobErrorCode.CANCELLED, "The job was cancelled.", True)


def failure_of(error: Exception) -> JobFailure:
    """What the user is told of whatever a task raised; bugs are logged and masked."""
    match error:
        case JobFailure():
            return error
        case DomainError():
            return JobFailure(_DOMAIN.get(error.code, JobErrorCode.CONFLICT), error.message)
        case TimeoutError():
            return JobFailure(JobErrorCode.TIMEOUT, "An answer took too long.", retryable=True)
        case _ if passes(error):
            return JobFailure(JobErrorCode.INTERNAL, "The database did not answer.", retryable=True)
    log.error("job failed", exc_info=error)
    return JobFailure(JobErrorCode.INTERNAL, "Something went wrong on our side. It was logged.")


def cause_of(error: Exception) -> Exception:
    """The one failure to tell of those that a group of tasks raised."""
    while isinstance(error, ExceptionGroup):
        parts: Sequence[Exception] = error.exceptions
        error = next((part for part in parts if isinstance(part, Superseded | Cancelled)), parts[0])
    return error


def passes(error: Exception) -> bool:
    """Whether the same may succeed a little later: lost connections, restarts, deadlocks and time-outs."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return state is None or state[:2] in _PASSING
    return isinstance(error, Unavailable)
