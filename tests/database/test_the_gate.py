"""`app_enter`, the gate of every transaction: only a living session opens anything, and no longer than that."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from tests.database.catalog import Sql
from tests.database.conftest import Walled, enter
from tests.support.api import Api
from tests.support.world import Person, Tenant, World


@pytest.fixture
def house(people: World) -> Tenant:
    return people.tenant()


def _visible(sql: Sql) -> int:
    """How many rows of accounts, users and sites this transaction sees."""
    found = sql.execute(
        "SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM app_user) + (SELECT count(*) FROM site)"
    ).fetchone()
    return int(found[0]) if found else 0


def _settings(sql: Sql) -> tuple[str | None, ...]:
    names = ("account_id", "user_id", "session_id", "role", "site_ids")
    found = sql.execute("SELECT " + ", ".join(f"current_setting('app.{name}', true)" for name in names)).fetchone()
    return tuple(found or ())


ROLES_SERVED = {
    Role.OWNER: "app",
    Role.ADMIN: "app",
    Role.EDITOR: "member",
    Role.VIEWER: "member",
}


@pytest.mark.parametrize("role", ROLES_SERVED)
@pytest.mark.parametrize("login", ["app", "member", "signin", "system"])
def test_a_user_is_served_by_one_login_role_alone(walled: Walled, house: Tenant, role: Role, login: str) -> None:
    with walled.connect(login) as sql:
        served = ROLES_SERVED[role] == login
        assert enter(sql, house[role]) == [(role.value, "ACTIVE", served)]
        if login in ("app", "member"):
            assert (_visible(sql) > 0) is served
        if not served:
            assert _settings(sql) == ("", "", "", "", "")


def _revoked(sql: Sql, person: Person) -> Person:
    sql.execute("UPDATE session SET revoked_at = now() WHERE id = %s", [person.session_id])
    return person


def _expired(sql: Sql, person: Person) -> Person:
    sql.execute("UPDATE session SET expires_at = now() WHERE id = %s", [person.session_id])
    return person


def _disabled(sql: Sql, person: Person) -> Person:
    sql.execute("UPDATE app_user SET status = 'DISABLED' WHERE id = %s", [person.id])
    return person


def _invited(sql: Sql, person: Person) -> Person:
    sql.execute("UPDATE app_user SET status = 'INVITED' WHERE id = %s", [person.id])
    return person


def _deleted(sql: Sql, person: Person) -> Person:
    sql.execute("DELETE FROM session WHERE id = %s", [person.session_id])
    return person


def _with_a_session_of_nobody(_: Sql, person: Person) -> Person:
    return replace(person, session_id=new_id())


@pytest.mark.parametrize("role", ROLES_SERVED)
@pytest.mark.parametrize("ends", [_revoked, _expired, _disabled, _invited, _deleted, _with_a_session_of_nobody])
def test_a_session_that_is_not_alive_opens_nothing(
    embedded: Walled, world: World, role: Role, ends: Callable[[Sql, Person], Person]
) -> None:
    person = ends(world.sql, world.tenant()[role])
    with embedded.connect(ROLES_SERVED[role]) as sql:
        assert enter(sql, person) == []
        assert (_visible(sql), _settings(sql)) == (0, ("", "", "", "", ""))


def test_ids_that_do_not_belong_together_open_nothing(embedded: Walled, world: World) -> None:
    own, other = world.tenant(), world.tenant()
    mine, theirs = own[Role.OWNER], other[Role.OWNER]
    mixtures = [
        replace(mine, account_id=theirs.account_id),
        replace(mine, id=theirs.id),
        replace(mine, session_id=theirs.session_id),
        replace(theirs, session_id=mine.session_id),
        replace(mine, id=own[Role.ADMIN].id),
    ]
    with embedded.connect("app") as sql:
        for person in mixtures:
            assert (enter(sql, person), _visible(sql)) == ([], 0)


def test_nothing_given_opens_nothing(embedded: Walled) -> None:
    with embedded.connect("app") as sql:
        assert sql.execute("SELECT * FROM app_enter(NULL, NULL, NULL, NULL)").fetchall() == []
        assert _visible(sql) == 0


def test_a_role_that_was_taken_away_counts_at_once(embedded: Walled, world: World) -> None:
    tenant = world.tenant()
    world.sql.execute("UPDATE app_user SET role = 'VIEWER' WHERE id = %s", [tenant[Role.OWNER].id])
    with embedded.connect("app") as sql:
        assert enter(sql, tenant[Role.OWNER]) == [("VIEWER", "ACTIVE", False)]
        assert _visible(sql) == 0


def test_the_standing_of_the_account_is_told(embedded: Walled, world: World) -> None:
    suspended = world.tenant(status="SUSPENDED")
    with embedded.connect("app") as sql:
        assert enter(sql, suspended[Role.OWNER]) == [("OWNER", "SUSPENDED", True)]


@pytest.mark.parametrize("login", ["app", "member"])
def test_what_was_opened_ends_with_the_transaction(walled: Walled, house: Tenant, login: str) -> None:
    person = house[Role.OWNER if login == "app" else Role.EDITOR]
    with walled.connect(login) as sql:
        assert _settings(sql) == (None, None, None, None, None)
        for end in (sql.commit, sql.rollback):
            enter(sql, person)
            assert _visible(sql) > 0
            end()
            assert (_settings(sql), _visible(sql)) == (("", "", "", "", ""), 0)


def test_who_enters_second_sees_nothing_of_the_first(embedded: Walled, world: World) -> None:
    first, second = world.tenant(), world.tenant()
    with embedded.connect("app") as sql:
        for tenant in (first, second, first):
            enter(sql, tenant[Role.OWNER])
            assert sql.execute("SELECT id FROM account").fetchall() == [(tenant.id,)]


@pytest.fixture
def developer(people: World) -> Person:
    return people.operators()[Role.DEVELOPER]


def test_a_developer_looks_across_all_accounts_as_the_system_role_alone(
    walled: Walled, house: Tenant, developer: Person
) -> None:
    with walled.connect("system") as sql:
        assert enter(sql, developer) == [("DEVELOPER", "ACTIVE", True)]
        assert sql.execute("SELECT count(*) FROM account WHERE id = %s", [house.id]).fetchone() == (1,)
    with walled.connect("app") as sql:
        assert enter(sql, developer) == [("DEVELOPER", "ACTIVE", False)]
        assert _visible(sql) == 0


def test_a_developer_abroad_sees_that_account_alone(walled: Walled, house: Tenant, developer: Person) -> None:
    with walled.connect("app") as sql:
        assert enter(sql, developer, acting_on=house.id) == [("DEVELOPER", "ACTIVE", True)]
        assert sql.execute("SELECT id FROM account").fetchall() == [(house.id,)]
        assert sql.execute("SELECT count(*) FROM app_user").fetchone() == (4,)
    with walled.connect("system") as sql:
        assert enter(sql, developer, acting_on=house.id) == [("DEVELOPER", "ACTIVE", False)]


def test_the_account_abroad_tells_its_own_standing(embedded: Walled, world: World) -> None:
    suspended, developer = world.tenant(status="SUSPENDED"), world.operators()[Role.DEVELOPER]
    with embedded.connect("app") as sql:
        assert enter(sql, developer, acting_on=suspended.id) == [("DEVELOPER", "SUSPENDED", True)]


@pytest.mark.anyio
async def test_an_account_abroad_that_is_not_there_is_told(embedded: Walled, world: World, api: Api) -> None:
    developer, nowhere = world.operators()[Role.DEVELOPER], new_id()
    with embedded.connect("app") as sql:
        assert enter(sql, developer, acting_on=nowhere) == [("DEVELOPER", None, True)]
        assert _visible(sql) == 0
    answer = await api.post(
        {"query": 'mutation { createSite(input: {name: "Nowhere"}) { site { id } } }'},
        as_=developer,
        headers={"X-Igny8-Account": ids.show("acc", nowhere)},
    )
    (error,) = answer.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "X-Igny8-Account: there is no account with this id.",
        "BAD_REQUEST",
    )


@pytest.mark.parametrize("role", ROLES_SERVED)
def test_nobody_else_acts_abroad(walled: Walled, house: Tenant, people: World, role: Role) -> None:
    target: UUID = people.tenant().id
    for login in ("app", "member", "system"):
        with walled.connect(login) as sql:
            assert enter(sql, house[role], acting_on=target) == []


def test_a_developer_outside_the_system_account_is_nobody(
    embedded: Walled, world: World, superuser: psycopg.Connection[Any]
) -> None:
    tenant, target = world.tenant(), world.tenant()
    impostor = world.person(tenant, Role.DEVELOPER)
    for login, acting_on in (("system", None), ("app", target.id), ("app", None)):
        with embedded.connect(login) as sql:
            assert enter(sql, impostor, acting_on=acting_on) == []
