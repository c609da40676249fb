"""Compiled reads as the bare statements that go to PostgreSQL."""

from typing import Any, Final

import psycopg
from graphql import parse, validate
from graphql.execution.values import VariableValues

from igny8.access import Role
from igny8.gql.read.plans import Operation, Planner
from igny8.gql.read.statement import MOST_BYTES, Plan
from igny8.schema import make_schema
from igny8.transactions import Credentials
from tests.database.catalog import Sql
from tests.support.world import Person

QUERY: Final = """{
  account { id }
  viewer { role }
  sites(orderBy: [{field: NAME, direction: ASC}]) {
    totalCount nodes { slug sectors { nodes { name site { slug } } } }
  }
}"""

_PLANNER: Final = Planner(make_schema()._schema)


def operation_of(query: str) -> tuple[Operation, VariableValues]:
    """An operation without variables."""
    document = parse(query)
    assert validate(_PLANNER.schema, document) == []
    operation = _PLANNER.operation(document, None)
    variables = _PLANNER.coerce(operation, {})
    assert not isinstance(variables, list)
    return operation, variables


def plan_of(role: Role, query: str = QUERY) -> Plan:
    operation, variables = operation_of(query)
    return _PLANNER.plan(operation, variables, role, account_named=False).made()


def credentials_of(person: Person) -> Credentials:
    return Credentials(person.account_id, person.id, person.session_id, person.role)


def values_of(plan: Plan, person: Person) -> list[Any]:
    return plan.parameters({MOST_BYTES: 8_000_000}, credentials_of(person))


def run(sql: Sql, plan: Plan, person: Person) -> tuple[str, bool, list[Any]] | None:
    """Role, served or not, and the decoded columns; None when the session is not alive."""
    cursor = psycopg.RawCursor(sql)
    row = cursor.execute(plan.sql, values_of(plan, person), prepare=True).fetchone()
    return row and (row[0], row[1], list(row[2:]))
