"""What can go wrong, in the words that clients read.

Two families. A `DomainError` is an expected failure of one mutation: it becomes an entry of the payload's
`errors`. A `RequestError` refuses the request itself: it becomes a GraphQL error with `extensions.code`.
Messages of both are full sentences, safe to show, and say what to do. Anything else that is raised is a bug.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

Details = Mapping[str, int | str | bool | None]


class ErrorCode(StrEnum):
    """Why a mutation changed nothing."""

    VALIDATION = "VALIDATION"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CONFLICT = "CONFLICT"
    STALE_VERSION = "STALE_VERSION"
    LIMIT_REACHED = "LIMIT_REACHED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    NOT_ALLOWED_NOW = "NOT_ALLOWED_NOW"
    EXTERNAL_SERVICE = "EXTERNAL_SERVICE"


class DomainError(Exception):
    """An expected failure. `field` is the path of the input value at fault, for example ("input", "email")."""

    code: ErrorCode

    def __init__(self, message: str, *, field: Sequence[str] = (), details: Details | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = tuple(field)
        self.details = dict(details) if details else None


class ValidationFailed(DomainError):
    code = ErrorCode.VALIDATION


class NotFound(DomainError):
    """Also what a foreign or ungranted id answers: nobody learns that it exists."""

    code = ErrorCode.NOT_FOUND


class AlreadyExists(DomainError):
    code = ErrorCode.ALREADY_EXISTS


class Conflict(DomainError):
    code = ErrorCode.CONFLICT


class StaleVersion(DomainError):
    """Somebody else has saved since the caller read."""

    code = ErrorCode.STALE_VERSION

    def __init__(self, *, given: int, current: int, field: Sequence[str]) -> None:
        super().__init__(
            f"This was saved by somebody else meanwhile: you have version {given}, and it is at version {current}."
            " Read it again, and put your changes into what is there now.",
            field=field,
            details={"givenVersion": given, "currentVersion": current},
        )


class LimitReached(DomainError):
    code = ErrorCode.LIMIT_REACHED


class InsufficientCredits(DomainError):
    code = ErrorCode.INSUFFICIENT_CREDITS

    def __init__(self, *, needed: int, available: int) -> None:
        super().__init__(
            f"This needs {needed} credits, and {available} are available.",
            details={"needed": needed, "available": available},
        )


class NotAllowedNow(DomainError):
    code = ErrorCode.NOT_ALLOWED_NOW


class ExternalServiceFailed(DomainError):
    """Another server did not do its part."""

    code = ErrorCode.EXTERNAL_SERVICE


class RequestErrorCode(StrEnum):
    """`extensions.code` of a GraphQL error."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    TOO_COMPLEX = "TOO_COMPLEX"
    BAD_REQUEST = "BAD_REQUEST"
    NOT_FOUND = "NOT_FOUND"
    TOO_SLOW = "TOO_SLOW"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    UNAVAILABLE = "UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    INTERNAL = "INTERNAL"


class RequestError(Exception):
    """The request is refused as a whole, or one of its root fields is."""

    code: RequestErrorCode

    def __init__(self, message: str, *, details: Details | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details) if details else {}


class Unauthenticated(RequestError):
    code = RequestErrorCode.UNAUTHENTICATED


class Forbidden(RequestError):
    code = RequestErrorCode.FORBIDDEN


class RateLimited(RequestError):
    code = RequestErrorCode.RATE_LIMITED


class TooComplex(RequestError):
    code = RequestErrorCode.TOO_COMPLEX


class BadRequest(RequestError):
    code = RequestErrorCode.BAD_REQUEST


class NothingToFollow(RequestError):
    """A subscription's row is not there any more, or never was there for this viewer."""

    code = RequestErrorCode.NOT_FOUND


class TooSlow(RequestError):
    """A subscriber does not take its events; `cursor` in the details is the last one that was sent to it."""

    code = RequestErrorCode.TOO_SLOW


class PersistedQueryNotFound(RequestError):
    """The client has to send the document along with its hash, once; clients know this message and code."""

    code = RequestErrorCode.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class Unavailable(RequestError):
    """PostgreSQL or Redis does not answer; the request may be sent again."""

    code = RequestErrorCode.UNAVAILABLE


class TimedOut(RequestError):
    code = RequestErrorCode.TIMEOUT


class Internal(RequestError):
    """A fault of ours that was logged, where there is no request to be answered."""

    code = RequestErrorCode.INTERNAL
