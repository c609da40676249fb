"""Every failure as clients see it: a message that is safe to show, a code, a place, and never an internal."""

from typing import Any, Final

import psycopg
import redis.exceptions
import structlog
from graphql import GraphQLError
from sqlalchemy.exc import DBAPIError

from igny8.errors import BadRequest, RequestError, RequestErrorCode, TimedOut, Unavailable

MASKED: Final = "Something went wrong on our side. Tell support the request id."

log = structlog.get_logger()


def told(error: GraphQLError) -> dict[str, Any]:
    """The error as it stands in `errors` of an answer; unexpected ones are logged with their stack and masked."""
    original = error.original_error
    if _is_the_callers(error):
        return _shown(error, error.message, {"code": RequestErrorCode.BAD_REQUEST, **(error.extensions or {})})
    expected = as_request_error(original) if original is not None else None
    if expected is None:
        log.error("request failed", path=error.path, exc_info=original or error)
        return _shown(error, MASKED, {"code": RequestErrorCode.INTERNAL})
    return _shown(error, expected.message, {"code": expected.code, **expected.details})


def refused(error: RequestError) -> dict[str, Any]:
    """A refusal of the whole request."""
    return {"message": error.message, "extensions": {"code": error.code, **error.details}}


def as_request_error(error: BaseException) -> RequestError | None:
    """The refusal that a failure of PostgreSQL or Redis amounts to; None for what nobody expected."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, RequestError):
        return cause
    if isinstance(cause, psycopg.DataError):
        return BadRequest("A value is out of range or holds a character that cannot be stored.")
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return TimedOut("The request took too long. Ask for less at once.")
    if isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
        return Unavailable("Another change of the same data is under way. Try again in a moment.")
    if isinstance(cause, psycopg.OperationalError):
        log.warning("database unavailable", reason=type(cause).__name__)
        return Unavailable("The database does not answer at the moment. Try again in a few seconds.")
    if isinstance(cause, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError):
        log.warning("redis unavailable", reason=type(cause).__name__)
        return Unavailable("The service is not complete at the moment. Try again in a few seconds.")
    return None


def _is_the_callers(error: GraphQLError) -> bool:
    """Whether a document, variable or argument is at fault: graphql-core's own sentences name the place then.

    Before the execution it is always one of them. In it, what is wrong with an argument points into the document,
    and a value that a scalar cannot show does not.
    """
    original = error.original_error
    return error.path is None or (isinstance(original, GraphQLError) and bool(original.nodes))


def _shown(error: GraphQLError, message: str, extensions: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"message": message}
    if error.locations:
        made["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        made["path"] = error.path
    made["extensions"] = extensions
    return made
