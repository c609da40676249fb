"""From the text of an operation to the text of its answer, whatever carries them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError, OperationType, execute, specified_rules, validate
from graphql.execution.values import VariableValues
from graphql.validation import NoSchemaIntrospectionCustomRule

from igny8.db import Database
from igny8.errors import BadRequest, PersistedQueryNotFound, RequestErrorCode, Unauthenticated
from igny8.gql import faults
from igny8.gql.context import Context
from igny8.gql.executor import ReadExecutor
from igny8.gql.limits import Analysis, Limits, analyse, parse_document
from igny8.gql.rate import Allowance, RateLimiter
from igny8.gql.read.plans import Lru, Operation
from igny8.gql.read.reader import Answer, Reader
from igny8.gql.streams.following import Wanted
from igny8.settings import Settings

log = structlog.get_logger()

KEPT_DOCUMENTS: Final = 1000
LARGEST_KEPT_DOCUMENT: Final = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Asked:
    """A well-formed GraphQL request. Instead of the document it may name its SHA-256, or give both."""

    query: str | None
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    digest: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer as JSON text.

    `refused` is the code when the operation was not begun (there is no `data` then), or failed as a whole.
    """

    body: bytes
    refused: RequestErrorCode | None = None
    allowance: Allowance | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    operation: Operation
    analysis: Analysis


class Engine:
    """Runs operations of one schema: limits first, then reads as one statement, the rest by the executor."""

    def __init__(self, schema: Any, settings: Settings, db: Database, rate: RateLimiter) -> None:
        self.schema = schema._schema
        self.reader = Reader(self.schema, db, largest_answer=settings.max_answer_bytes)
        self._rate = rate
        self._signed_in = Limits.of(settings, signed_in=True)
        self._anonymous = Limits.of(settings, signed_in=False)
        own = () if settings.introspection_on else (NoSchemaIntrospectionCustomRule,)
        self._rules = (*specified_rules, *own)
        self._suggests = not settings.production
        self._kept: Lru[tuple[str, str | None, bool], _Prepared] = Lru(KEPT_DOCUMENTS)
        self._persisted: Lru[str, str] = Lru(KEPT_DOCUMENTS)

    async def run(self, asked: Asked, context: Context, *, reads_only: bool = False) -> Outcome:
        """The answer to a request; faults are part of it. With `reads_only` (GET) a mutation raises WrongMethod."""
        answered = await self._run(asked, context, reads_only=reads_only, streaming=False)
        if isinstance(answered, Wanted):
            raise AssertionError("subscriptions are refused where nothing can follow")
        return answered

    async def begin(self, asked: Asked, context: Context, *, reads_only: bool = False) -> Outcome | Wanted:
        """The same where several answers can be sent: a subscription is limited and paid for, and left to begin."""
        return await self._run(asked, context, reads_only=reads_only, streaming=True)

    def refusal(self, context: Context, error: Exception) -> Outcome:
        """The answer to a request that failed before or after its operation ran."""
        return self._failure(context, error, None)

    async def _run(self, asked: Asked, context: Context, *, reads_only: bool, streaming: bool) -> Outcome | Wanted:
        allowance = None
        try:
            prepared = self._prepare(asked, signed_in=context.credentials is not None)
            operation = prepared.operation
            _refuse_kind(operation, context, reads_only=reads_only, streaming=streaming)
            variables = self.reader.planner.coerce(operation, dict(asked.variables))
            if isinstance(variables, list):
                return self._refusal(context, [faults.told(error) for error in variables])
            cost = prepared.analysis.cost(variables.coerced)
            allowance = await self._rate.spend(_payer(context), cost.points)
            if operation.kind is OperationType.SUBSCRIPTION:
                return Wanted(operation, variables)
            return await self._answer(asked, operation, variables, context, allowance)
        except GraphQLError as error:
            return self._refusal(context, [faults.told(error)])
        except WrongMethod:
            raise
        except _Invalid as invalid:
            return self._refusal(context, [faults.told(error) for error in invalid.errors])
        except Exception as error:
            return self._failure(context, error, allowance)

    def _prepare(self, asked: Asked, *, signed_in: bool) -> _Prepared:
        """A parsed, limited and validated document; those seen before are kept."""
        text = asked.query if asked.digest is None and asked.query is not None else self._persistent(asked)
        key = (text, asked.operation_name, signed_in)
        found = self._kept.get(key)
        if found is None:
            found = self._validated(text, asked.operation_name, self._signed_in if signed_in else self._anonymous)
            if len(text) <= LARGEST_KEPT_DOCUMENT:
                self._kept.put(key, found)
        if asked.digest is not None and len(text) <= LARGEST_KEPT_DOCUMENT:
            self._persisted.put(asked.digest, text)
        return found

    def _persistent(self, asked: Asked) -> str:
        """The document of a request that names its hash. Raises PersistedQueryNotFound, BadRequest."""
        digest = asked.digest or ""
        if asked.query is None:
            known = self._persisted.get(digest)
            if known is None:
                raise PersistedQueryNotFound
            return known
        if hashlib.sha256(asked.query.encode()).hexdigest() != digest:
            raise BadRequest("The sha256Hash of 'persistedQuery' is not that of the query.")
        return asked.query

    def _validated(self, text: str, operation_name: str | None, limits: Limits) -> _Prepared:
        document = parse_document(text, limits)
        analysis = analyse(document, self.schema, limits)
        errors = validate(self.schema, document, self._rules, max_errors=20, hide_suggestions=not self._suggests)
        if errors:
            raise _Invalid(errors)
        return _Prepared(self.reader.planner.operation(document, operation_name), analysis)

    async def _answer(
        self, asked: Asked, operation: Operation, variables: VariableValues, context: Context, allowance: Allowance
    ) -> Outcome:
        context.reader, context.operation = self.reader, operation
        if operation.kind is OperationType.QUERY:
            answer = await self._read(operation, variables, context)
            if operation.reads_alone and not answer.denied and not answer.errors:
                body = b'{"data":' + answer.whole() + b',"extensions":' + _extensions(context, allowance) + b"}"
                return Outcome(body, allowance=allowance)
            context.reads = {**answer.parts, **answer.denied}
            context.errors += answer.errors
        return await self._execute(asked, operation, context, allowance)

    async def _read(self, operation: Operation, variables: VariableValues, context: Context) -> Answer:
        """The compiled root fields; a bad token or an ended session is told on those that need one alone."""
        if context.credentials is not None:
            try:
                return await self.reader.read(operation, variables, context.credentials)
            except Unauthenticated as ended:
                context.credentials, context.refused = None, ended
        answer = await self.reader.read(operation, variables, None)
        if context.refused is None:
            return answer
        lacking = {key: error for key, error in answer.denied.items() if isinstance(error, Unauthenticated)}
        return replace(answer, denied={**answer.denied, **dict.fromkeys(lacking, context.refused)})

    async def _execute(self, asked: Asked, operation: Operation, context: Context, allowance: Allowance) -> Outcome:
        result = execute(
            self.schema,
            operation.document,
            context_value=context,
            variable_values=dict(asked.variables),
            operation_name=asked.operation_name,
            executor_class=ReadExecutor,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        errors = [faults.told(error) for error in (*(result.errors or ()), *context.errors)]
        parts: dict[str, Any] = {"errors": errors} if errors else {}
        parts["data"] = result.data
        parts["extensions"] = orjson.Fragment(_extensions(context, allowance))
        return Outcome(orjson.dumps(parts), None if result.data is not None else _outage(errors), allowance)

    def _failure(self, context: Context, error: Exception, allowance: Allowance | None) -> Outcome:
        expected = faults.as_request_error(error)
        if expected is None:
            log.error("request failed", exc_info=error)
            told = {"message": faults.MASKED, "extensions": {"code": RequestErrorCode.INTERNAL}}
            return self._refusal(context, [told], RequestErrorCode.INTERNAL, allowance)
        retry_after = expected.details.get("retryAfter")
        seconds = retry_after if isinstance(retry_after, int) else None
        return self._refusal(context, [faults.refused(expected)], expected.code, allowance, seconds)

    def _refusal(
        self,
        context: Context,
        errors: list[dict[str, Any]],
        code: RequestErrorCode = RequestErrorCode.BAD_REQUEST,
        allowance: Allowance | None = None,
        retry_after: int | None = None,
    ) -> Outcome:
        body = {"errors": errors, "extensions": orjson.Fragment(_extensions(context, allowance))}
        return Outcome(orjson.dumps(body), code, allowance, retry_after)


class WrongMethod(Exception):
    """A mutation was sent by GET."""


class _Invalid(Exception):
    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("the document is not valid")
        self.errors = errors


def _refuse_kind(operation: Operation, context: Context, *, reads_only: bool, streaming: bool) -> None:
    if operation.kind is OperationType.SUBSCRIPTION and not streaming:
        raise BadRequest(
            "A subscription cannot be sent this way. Open a WebSocket (graphql-transport-ws), "
            "or accept text/event-stream."
        )
    if operation.kind is OperationType.MUTATION:
        if reads_only:
            raise WrongMethod
        several = sum(node.name.value != "__typename" for node in operation.roots) > 1
        if several and context.idempotency_key is not None:
            raise BadRequest("An Idempotency-Key covers one mutation: send each in a request of its own.")


def _outage(errors: list[dict[str, Any]]) -> RequestErrorCode | None:
    """The code of an operation without data that failed for no fault of the client's."""
    codes: set[RequestErrorCode] = {error["extensions"]["code"] for error in errors}
    ours = codes <= {RequestErrorCode.UNAVAILABLE, RequestErrorCode.INTERNAL}
    return min(codes) if codes and ours else None


@lru_cache(maxsize=4096)
def _user(id: UUID) -> str:
    return f"user:{id}"


def _payer(context: Context) -> str:
    """Whose allowance a request spends: the user's, or the address of a caller without a token."""
    if context.credentials is not None:
        return _user(context.credentials.user_id)
    return f"address:{context.ip_address}"


def _extensions(context: Context, allowance: Allowance | None) -> bytes:
    made: dict[str, Any] = {"requestId": context.request_id}
    if allowance is not None:
        made["cost"] = {
            "requested": allowance.cost,
            "limit": allowance.limit,
            "remaining": allowance.remaining,
            "resetsAt": allowance.resets_at,
        }
    return orjson.dumps(made)
