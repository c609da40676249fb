"""A compiled read is one statement: PostgreSQL must pass the gate in it before it reads anything of it."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from igny8.access import Role
from igny8.db import new_id
from tests.database.catalog import Sql
from tests.database.conftest import Walled
from tests.database.reading import plan_of, run, values_of
from tests.support.world import Person, Tenant, World

ROLES = {Role.OWNER: "app", Role.EDITOR: "member"}
PLANNING = {
    "as PostgreSQL likes": "SET plan_cache_mode = auto",
    "one plan for all values": "SET plan_cache_mode = force_generic_plan",
    "a plan for each": "SET plan_cache_mode = force_custom_plan",
}
#: Makes PostgreSQL run in parallel whatever it may, by the name of the server's version.
PARALLEL = {15: "SET force_parallel_mode = on", 18: "SET debug_parallel_query = on"}


@pytest.fixture
def tenants(people: World) -> list[Tenant]:
    return [people.tenant(), people.tenant()]


def _expected(tenant: Tenant, person: Person) -> tuple[str, bool, list[object]]:
    granted = ["a", "b"] if person.role is Role.OWNER else ["a"]
    nodes = [{"slug": s, "sectors": {"nodes": [{"name": f"Sector {s}", "site": {"slug": s}}]}} for s in granted]
    return (
        person.role.value,
        True,
        [{"id": tenant.public_id}, {"role": person.role.value}, {"totalCount": len(granted), "nodes": nodes}],
    )


def _settle(sql: Sql, planning: str) -> None:
    sql.autocommit = True
    sql.execute(PLANNING[planning])
    sql.execute(PARALLEL[sql.info.server_version // 10000])
    sql.execute("SET parallel_setup_cost = 0")
    sql.execute("SET parallel_tuple_cost = 0")


@pytest.mark.parametrize("planning", PLANNING)
@pytest.mark.parametrize("role", ROLES)
def test_each_sees_their_own_however_often_and_however_planned(
    walled: Walled, tenants: list[Tenant], role: Role, planning: str
) -> None:
    plan = plan_of(role)
    with walled.connect(ROLES[role]) as sql:
        _settle(sql, planning)
        for _ in range(8):
            for tenant in tenants:
                assert run(sql, plan, tenant[role]) == _expected(tenant, tenant[role])
                assert run(sql, plan, replace(tenant[role], session_id=new_id())) is None


@pytest.mark.parametrize("planning", PLANNING)
def test_who_has_another_role_by_now_is_answered_nothing(
    walled: Walled, tenants: list[Tenant], people: World, planning: str
) -> None:
    owner, admin = tenants[0][Role.OWNER], tenants[0][Role.ADMIN]
    people.sql.execute("UPDATE app_user SET role = 'VIEWER' WHERE id = %s", [owner.id])
    plan = plan_of(Role.OWNER)
    with walled.connect("app") as sql:
        _settle(sql, planning)
        for _ in range(8):
            assert run(sql, plan, owner) == ("VIEWER", False, [None, None, None])
            assert run(sql, plan, admin) == ("ADMIN", True, [None, None, None])


@pytest.fixture
def explained(walled: Walled, tenants: list[Tenant]) -> Iterator["Explained"]:
    with walled.connect("app") as sql:
        sql.autocommit = True
        sql.execute("SET plan_cache_mode = force_generic_plan")
        yield Explained(sql)


class Explained:
    """How PostgreSQL runs the read of an owner, with one plan for all values."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._plan = plan_of(Role.OWNER)
        sql.execute(f"PREPARE read AS {self._plan.sql}")

    def __call__(self, person: Person) -> list[str]:
        values = ", ".join(psycopg.sql.Literal(value).as_string(self._sql) for value in values_of(self._plan, person))
        found = self._sql.execute(
            f"EXPLAIN (ANALYZE, BUFFERS off, COSTS off, TIMING off, SUMMARY off) EXECUTE read ({values})"
        )
        return [line for (line,) in found.fetchall()]


def test_the_gate_is_the_only_source_and_all_else_hangs_below_it(explained: Explained, tenants: list[Tenant]) -> None:
    said = explained(tenants[0][Role.OWNER])
    assert said[0].startswith("Function Scan on app_enter e (actual rows=1")
    assert not any(line.startswith("  ->") for line in said)  # sub-plans alone, nothing that it is joined with
    assert not any("Gather" in line or "Parallel" in line for line in said)
    assert any("Scan" in line and "on site" in line and "never executed" not in line for line in said)


def test_behind_a_closed_gate_no_table_is_looked_at(explained: Explained, tenants: list[Tenant]) -> None:
    said = explained(replace(tenants[0][Role.OWNER], session_id=new_id()))
    assert said[0].startswith("Function Scan on app_enter e (actual rows=0")
    touched = [line for line in said[1:] if "actual rows" in line or "never executed" in line]
    assert len(touched) > 5
    assert [line for line in touched if "never executed" not in line] == []
