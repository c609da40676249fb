"""Runs compiled reads: one statement, one round trip, and the text goes into the answer as it is."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import structlog
from graphql import FieldNode, GraphQLError, GraphQLOutputType, GraphQLSchema
from graphql.execution.values import VariableValues

from igny8.access import Role
from igny8.db import Database, LoginRole
from igny8.errors import BadRequest, RequestError, TimedOut, TooComplex, Unauthenticated
from igny8.gql.read.completion import Completion
from igny8.gql.read.declare import rows_type
from igny8.gql.read.events import EventPage, EventRoot, decoded, positions
from igny8.gql.read.plans import Operation, Planner, Planning
from igny8.gql.read.statement import MOST_BYTES, Plan
from igny8.transactions import SIGNED_OUT, Credentials

log = structlog.get_logger()

#: What the functions of the first migration raise.
NULL_FOUND: Final = "GQ001"
TOO_LARGE: Final = "GQ002"


class BrokenPromise(Exception):
    """A value that the schema calls non-null was null: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON text of each root key, the root keys that were refused or became null, and the errors below others."""

    parts: Mapping[str, bytes]
    denied: Mapping[str, RequestError | GraphQLError]
    errors: Sequence[GraphQLError] = ()

    def whole(self) -> bytes:
        """`{"key":value,...}` in the order of the selection."""
        return b"{" + b",".join(b'"' + key.encode() + b'":' + text for key, text in self.parts.items()) + b"}"


class Reader:
    """Reads for one schema from one database."""

    def __init__(self, schema: GraphQLSchema, db: Database, *, largest_answer: int) -> None:
        """`largest_answer` is in bytes of JSON, for each root field."""
        self.planner = Planner(schema)
        self._db = db
        self._largest_answer = largest_answer
        self._compiling = ThreadPoolExecutor(1, thread_name_prefix="compile")

    async def read(self, operation: Operation, variables: VariableValues, credentials: Credentials | None) -> Answer:
        """All compiled root fields of a query. Raises Unauthenticated when the session is not alive."""
        if operation.public:
            credentials = None
        named = credentials is not None and credentials.acting_on is not None

        def plan(role: Role | None, completing: bool) -> Planning:
            return self.planner.plan(operation, variables, role, account_named=named, completing=completing)

        made, row = await self._run(plan, variables.coerced, credentials)
        if made.completion is None:
            return Answer({key: text or b"null" for key, text in zip(made.keys, row, strict=True)}, made.denied)
        return _completed(made, row, made.completion, variables)

    async def rows(
        self,
        operation: Operation,
        variables: VariableValues,
        credentials: Credentials | None,
        ids: UUID | list[UUID],
        *,
        nodes: list[FieldNode],
        output: GraphQLOutputType,
        path: list[str | int],
    ) -> tuple[bytes | GraphQLError | None, Sequence[GraphQLError]]:
        """What a payload or an event points to, as JSON, and the errors in it. None: the viewer sees none of it."""
        where = ".".join(str(part) for part in path)

        def plan(role: Role | None, completing: bool) -> Planning:
            return self.planner.payload_plan(
                operation, variables, role, nodes=nodes, output=output, path=where, completing=completing
            )

        made, row = await self._run(plan, {**variables.coerced, "@ids": ids}, credentials)
        if made.completion is None or row[0] is None:
            return row[0], ()
        return made.completion.of("value", row[0], variables, path)

    async def event_plan(self, operation: Operation, variables: VariableValues, role: Role, root: EventRoot) -> Plan:
        """The plan that reads events for viewers of this role. Raises RequestError for what they may not read."""
        planning = self.planner.event_plan(operation, variables, role, root)
        return planning.kept() or await self._compiled(planning)

    async def events(
        self,
        operation: Operation,
        variables: VariableValues,
        credentials: Credentials,
        root: EventRoot,
        subject_id: UUID,
        *,
        after: int,
        most: int,
    ) -> EventPage | None:
        """The events after a cursor, `most` at most. None: there is no such row, or none that the viewer may see.

        Raises Unauthenticated also when the session's role is no longer the credentials' one.
        """
        role = credentials.role

        def plan(actual: Role | None, completing: bool) -> Planning:
            if actual is not role:
                raise Unauthenticated(SIGNED_OUT)
            return self.planner.event_plan(operation, variables, role, root, completing=completing)

        bound = {**variables.coerced, "@subject": subject_id, "@after": after, "@most": most}
        made, row = await self._run(plan, bound, credentials)
        return None if row[0] is None else decoded(made, row[0], variables, root.key)

    async def positions(self, root: EventRoot, rows: Sequence[tuple[UUID, UUID]]) -> dict[UUID, int]:
        """The last cursors of rows, given as (account, id); those that are gone are left out."""
        plan = positions(root.declared, self.planner.sources[rows_type(root.field).name].table)
        given = {"@accounts": [row[0] for row in rows], "@ids": [row[1] for row in rows]}
        values = plan.parameters({**given, MOST_BYTES: self._largest_answer}, None)
        found = await self._fetch(LoginRole.SYSTEM, plan, values)
        return {UUID(id_): cursor for id_, cursor in orjson.loads(found[0] or b"[]")} if found else {}

    async def _run(
        self,
        plan_for: Callable[[Role | None, bool], Planning],
        variables: Mapping[str, Any],
        credentials: Credentials | None,
    ) -> tuple[Plan, tuple[Any, ...]]:
        """The plan that served and its columns. The token's role is a guess that the session row may correct."""
        role = credentials.role if credentials else None
        variables = {**variables, MOST_BYTES: self._largest_answer}
        completing = False
        for _ in range(4):
            planning = plan_for(role, completing)
            plan = planning.kept() or await self._compiled(planning)
            if not plan.keys:
                return plan, ()
            login = credentials.login_role(role) if credentials and role else LoginRole.APP
            try:
                row = await self._fetch(login, plan, plan.parameters(variables, credentials))
            except BrokenPromise:
                completing = True
                continue
            if credentials is None:
                return plan, row or ()
            if row is None:
                raise Unauthenticated(SIGNED_OUT)
            actual, served, *values = row
            if served == b"t" and actual == str(role).encode():
                return plan, tuple(values)
            role = Role((actual or b"").decode())
        raise Unauthenticated(SIGNED_OUT)

    async def _compiled(self, planning: Planning) -> Plan:
        """Compile in the one thread that is there for it, so that other requests go on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._compiling, planning.made)

    async def _fetch(self, login: LoginRole, plan: Plan, values: list[Any]) -> tuple[Any, ...] | None:
        try:
            return await self._db.fetch_row(login, plan.sql, values, prepared=plan.prepared)
        except psycopg.errors.QueryCanceled:
            raise TimedOut("The query took too long. Ask for fewer rows or fields.") from None
        except psycopg.errors.StatementTooComplex:
            raise TooComplex("The query is too complex. Ask for fewer fields at once.") from None
        except psycopg.errors.DataError as error:
            # A filter value that PostgreSQL cannot take, such as a number or date out of range.
            log.info("read refused", sqlstate=error.sqlstate)
            raise BadRequest("A value in a filter or cursor is out of range for what it is compared with.") from None
        except psycopg.Error as error:
            if error.sqlstate == TOO_LARGE:
                raise TooComplex(
                    f"The answer is larger than {self._largest_answer} bytes. Ask for fewer rows or fields at once."
                ) from None
            if error.sqlstate == NULL_FOUND:
                raise BrokenPromise(str(error.diag.message_primary)) from error
            raise


def _completed(plan: Plan, row: Sequence[bytes | None], completion: Completion, variables: VariableValues) -> Answer:
    parts: dict[str, bytes] = {}
    denied: dict[str, RequestError | GraphQLError] = dict(plan.denied)
    errors: list[GraphQLError] = []
    for key, text in zip(plan.keys, row, strict=True):
        made, found = completion.of(key, text, variables, [key])
        errors += found
        if isinstance(made, GraphQLError):
            denied[key] = made
        else:
            parts[key] = made or b"null"
    return Answer(parts, denied, errors)
