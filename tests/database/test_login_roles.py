"""The login roles as they serve: without their settings, or with rights above the policies, they serve nothing."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from igny8 import login_roles, migration
from igny8.cli import main
from igny8.db import Database, LoginRole
from igny8.errors import Unavailable
from igny8.login_roles import WrongLoginRole
from tests.conftest import KEY
from tests.database.bare import Bare, bare_database
from tests.database.conftest import Walled

RIGHT = ("igny8_app", False, "UTC", "off", "5s", "2s", "15s")


def _answer(**others: object) -> list[object]:
    names = ("name", "unbound", *login_roles.SETTINGS)
    return [others.get(name, value) for name, value in zip(names, RIGHT, strict=True)]


def test_a_role_as_we_make_it_has_no_faults() -> None:
    assert login_roles.faults(_answer()) == []


@pytest.mark.parametrize(
    "operators_own",
    [{"timezone": "Etc/UTC"}, {"statement_timeout": "1min"}, {"lock_timeout": "500ms"}],
)
def test_an_operators_own_choice_is_taken(operators_own: dict[str, str]) -> None:
    assert login_roles.faults(_answer(**operators_own)) == []


@pytest.mark.parametrize(
    ("setting", "value", "mends"),
    [
        ("timezone", "Europe/Vienna", "timezone TO 'UTC'"),
        ("jit", "on", "jit TO 'off'"),
        ("statement_timeout", "0", "statement_timeout TO '5s'"),
        ("lock_timeout", "0", "lock_timeout TO '2s'"),
        ("idle_in_transaction_session_timeout", "0", "idle_in_transaction_session_timeout TO '15s'"),
    ],
)
def test_each_wrong_setting_is_told_with_the_sql_that_mends_it(setting: str, value: str, mends: str) -> None:
    assert login_roles.faults(_answer(**{setting: value})) == [
        "igny8_app lacks settings. Run `igny8 migrate --roles`, or let a superuser run: "
        f'ALTER ROLE "igny8_app" SET {mends};'
    ]


def test_a_role_above_the_policies_is_told() -> None:
    assert login_roles.faults(_answer(unbound=True)) == [
        "igny8_app is not bound by row-level security. A superuser runs: "
        'ALTER ROLE "igny8_app" NOSUPERUSER NOBYPASSRLS;'
    ]


@pytest.fixture
def fresh(embedded: Walled) -> Iterator[Bare]:
    """A migrated database with roles of its own."""
    with bare_database(embedded.servers) as bare:
        bare.server.execute(f"ALTER DATABASE {bare.name} OWNER TO {bare.name}_owner")
        bare.server.execute(f"ALTER ROLE {bare.name}_owner CREATEROLE")
        migration.make_roles(bare.settings())
        migration.migrate(bare.settings())
        yield bare


def test_the_api_does_not_start_with_a_role_that_is_not_as_it_must_be(fresh: Bare) -> None:
    fresh.server.execute(f"ALTER ROLE {fresh.name}_app SET timezone TO 'Asia/Tokyo'")
    fresh.server.execute(f"ALTER ROLE {fresh.name}_signin BYPASSRLS")
    environment = fresh.environment() | {
        "IGNY8_ENVIRONMENT": "development",
        "IGNY8_REDIS_URL": "redis://127.0.0.1:1/0",
        "IGNY8_TOKEN_KEY": KEY,
        "IGNY8_SECRETS_KEYS": f"a:{KEY}",
    }
    started = CliRunner().invoke(main, ["api"], env=environment)
    assert started.exit_code == 1
    assert started.output.splitlines() == [
        "Error: The database's login roles must not serve like this:",
        f"  {fresh.name}_app lacks settings. Run `igny8 migrate --roles`, or let a superuser run: "
        f"ALTER ROLE \"{fresh.name}_app\" SET timezone TO 'UTC';",
        f"  {fresh.name}_signin is not bound by row-level security. A superuser runs: "
        f'ALTER ROLE "{fresh.name}_signin" NOSUPERUSER NOBYPASSRLS;',
    ]
    fresh.obey(started.output)
    login_roles.refuse_wrong(fresh.settings())


def test_a_server_that_is_away_does_not_stop_the_start(fresh: Bare) -> None:
    away = SecretStr("postgresql://u:p@127.0.0.1:1/d")
    login_roles.refuse_wrong(fresh.settings(**{f"database_{role}_url": away for role in LoginRole}))


@pytest.mark.anyio
async def test_a_role_that_changed_under_us_serves_no_new_connection(
    fresh: Bare, caplog: pytest.LogCaptureFixture
) -> None:
    fresh.server.execute(f"ALTER ROLE {fresh.name}_app SET timezone TO 'Asia/Tokyo'")
    db = Database(fresh.settings())
    await db.open()
    with pytest.raises(Unavailable):
        await db.fetch_row(LoginRole.APP, "SELECT 1", ())
    assert await db.fetch_row(LoginRole.MEMBER, "SELECT 1", ()) == (b"1",)
    await db.close()
    with pytest.raises(WrongLoginRole, match=f"{fresh.name}_app lacks settings"):
        login_roles.refuse_wrong(fresh.settings())
    assert f"{fresh.name}_app lacks settings" in caplog.text
