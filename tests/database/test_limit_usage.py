"""`limit_usage` is the number of rows that an account has, whoever writes them and however they come and go."""

import random
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igny8.access import Role
from igny8.db import new_id
from tests.database.catalog import Sql
from tests.database.conftest import Walled, enter
from tests.database.furnishing import furnish
from tests.support.world import Tenant, World

SITE = "INSERT INTO site (account_id, id, name, slug, language, timezone) VALUES (%s, %s, 'Site', %s, 'en', 'UTC')"


def miscounted(sql: Sql, account_id: UUID) -> list[tuple[str, int, int]]:
    """Counted tables whose counter is not the number of rows: table, counter, rows. `sql` sees everything."""
    counted = sql.execute(
        "SELECT tgrelid::regclass::text, convert_from(trim(trailing '\\x00' FROM tgargs), 'UTF8') FROM pg_trigger"
        " WHERE tgfoid = 'count_usage'::regproc AND tgname LIKE '%%insert'"
    ).fetchall()
    assert len(counted) >= 2
    wrong = []
    for table, limit in counted:
        row = sql.execute(
            'SELECT coalesce((SELECT used FROM limit_usage WHERE account_id = %(a)s AND "limit" = %(limit)s), 0),'
            f" (SELECT count(*) FROM {table} WHERE account_id = %(a)s)",
            {"a": account_id, "limit": limit},
        ).fetchone()
        if row is None or row[0] != row[1]:
            wrong.append((table, *(row or (-1, -1))))
    return wrong


def _add_sites(sql: Sql, account_id: UUID, number: int) -> None:
    for _ in range(number):
        id_ = new_id()
        sql.execute(SITE, [account_id, id_, id_.hex])


class GivenUp(Exception):
    """A transaction or savepoint that is rolled back."""


def _carry_out(sql: Sql, account_id: UUID, acts: list[tuple[str, int]]) -> None:
    for act, number in acts:
        try:
            with sql.transaction():
                if act.startswith("add"):
                    _add_sites(sql, account_id, number)
                else:
                    sql.execute("DELETE FROM site WHERE id IN (SELECT id FROM site ORDER BY id LIMIT %s)", [number])
                if act.endswith("given up"):
                    raise GivenUp
        except GivenUp:
            pass


ACTS = st.lists(
    st.tuples(st.sampled_from(["add", "delete", "add, given up", "delete, given up"]), st.integers(0, 4)), max_size=6
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, commits=st.booleans())
def test_used_is_the_number_of_rows_after_any_acts(
    embedded: Walled, world: World, counted_tenant: Tenant, acts: list[tuple[str, int]], commits: bool
) -> None:
    with embedded.connect("app") as sql:
        enter(sql, counted_tenant[Role.OWNER])
        _carry_out(sql, counted_tenant.id, acts)
        (sql.commit if commits else sql.rollback)()
    assert miscounted(world.sql, counted_tenant.id) == []


@pytest.fixture
def counted_tenant(world: World) -> Tenant:
    return world.tenant()


def test_one_statement_may_write_rows_of_many_accounts(embedded: Walled, world: World) -> None:
    first, second = world.tenant(), world.tenant()
    with embedded.connect("system") as sql:
        sql.execute(
            "INSERT INTO site (account_id, id, name, slug, language, timezone)"
            " SELECT a, gen_random_uuid(), 'Site', 'new-' || n, 'en', 'UTC'"
            " FROM unnest(%s::uuid[]) a, generate_series(1, 3) n",
            [[first.id, second.id]],
        )
        sql.execute("DELETE FROM site WHERE slug = 'new-1' AND account_id = ANY (%s)", [[first.id, second.id]])
        sql.commit()
    assert miscounted(world.sql, first.id) == miscounted(world.sql, second.id) == []
    used = world.sql.execute(
        "SELECT used FROM limit_usage WHERE account_id = ANY (%s) AND \"limit\" = 'SITES'", [[first.id, second.id]]
    ).fetchall()
    assert used == [(4,), (4,)]


def test_concurrent_writers_lose_no_count(embedded: Walled, world: World) -> None:
    tenant = world.tenant()

    def write(seed: int) -> None:
        luck = random.Random(seed)
        for _ in range(15):
            with embedded.connect("app") as sql:
                enter(sql, tenant[Role.OWNER])
                _add_sites(sql, tenant.id, luck.randint(0, 2))
                if luck.random() < 0.3:
                    sql.execute("DELETE FROM site WHERE id = (SELECT id FROM site ORDER BY id DESC LIMIT 1)")
                (sql.rollback if luck.random() < 0.3 else sql.commit)()

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert miscounted(world.sql, tenant.id) == []


@pytest.mark.parametrize("login", ["app", "system"])
def test_rows_that_go_with_their_site_are_counted(walled: Walled, people: World, login: str) -> None:
    tenant = people.tenant()
    furnish(people.sql, tenant.id)
    with walled.connect(login) as sql:
        if login == "app":
            enter(sql, tenant[Role.OWNER])
        gone = sql.execute("DELETE FROM site WHERE account_id = %s", [tenant.id])
        sql.commit()
    assert gone.rowcount == 2
    assert miscounted(people.sql, tenant.id) == []


@pytest.fixture
def house(people: World) -> Tenant:
    return people.tenant()


@pytest.fixture
def leaves(walled: Walled, house: Tenant) -> Iterator[Sql]:
    """A superuser's transaction with a counted table of the owner's, whose rows go with their site."""
    with walled.as_superuser() as sql:
        sql.execute("SET LOCAL ROLE igny8_owner")
        sql.execute(
            "CREATE TABLE leaf (account_id uuid, site_id uuid, id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
            " FOREIGN KEY (account_id, site_id) REFERENCES site (account_id, id) ON DELETE CASCADE)"
        )
        for event, rows in (("INSERT", "NEW"), ("DELETE", "OLD")):
            sql.execute(
                f"CREATE TRIGGER leaf_counted_{event.lower()} AFTER {event} ON leaf REFERENCING {rows} TABLE"
                " AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_usage('LEAVES')"
            )
        sql.execute("ALTER TABLE leaf ENABLE ROW LEVEL SECURITY")
        sql.execute("ALTER TABLE leaf FORCE ROW LEVEL SECURITY")
        sql.execute("CREATE POLICY all_of_it ON leaf TO igny8_app, igny8_system USING (true)")
        sql.execute("GRANT ALL ON leaf TO igny8_app, igny8_system")
        yield sql
        sql.rollback()


@pytest.mark.parametrize("login", ["app", "system"])
def test_triggers_of_a_cascade_see_what_whoever_deletes_may_see(leaves: Sql, house: Tenant, login: str) -> None:
    """PostgreSQL 18 runs them as the owner of the table, whom policies bind too."""
    leaves.execute(f"SET LOCAL ROLE igny8_{login}")
    if login == "app":
        enter(leaves, house[Role.OWNER])
    leaves.execute(
        "INSERT INTO leaf (account_id, site_id) SELECT account_id, id FROM site, generate_series(1, 5)"
        " WHERE account_id = %s",
        [house.id],
    )
    leaves.execute("DELETE FROM site WHERE id = %s", [house.sites["a"]])
    used = leaves.execute(
        "SELECT used FROM limit_usage WHERE account_id = %s AND \"limit\" IN ('LEAVES', 'SITES') ORDER BY \"limit\"",
        [house.id],
    ).fetchall()
    assert used == [(5,), (1,)]


def test_nothing_is_left_of_an_account_that_goes(walled: Walled, people: World) -> None:
    tenant = people.tenant()
    furnish(people.sql, tenant.id)
    with walled.connect("system") as sql:
        sql.execute("DELETE FROM account WHERE id = %s", [tenant.id])
        sql.commit()
    left = people.sql.execute("SELECT count(*) FROM limit_usage WHERE account_id = %s", [tenant.id]).fetchone()
    assert left == (0,)
