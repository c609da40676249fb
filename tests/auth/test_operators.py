"""Developers and bots, made on the command line."""

import asyncio

import pytest

from igny8.access import Role
from igny8.auth import operators
from igny8.auth.sign_in import sign_in
from igny8.errors import AlreadyExists, ValidationFailed
from igny8.transactions import Credentials, entered
from tests.auth.people import PASSWORD, House

pytestmark = pytest.mark.anyio


async def test_the_first_operator_makes_the_system_account(house: House) -> None:
    await asyncio.gather(
        operators.create(house.desk.db, email="dev@example.com", name="Dev", password=PASSWORD, role=Role.DEVELOPER),
        operators.create(house.desk.db, email="bot@example.com", name="Bot", password=PASSWORD, role=Role.SYSTEM_BOT),
    )
    account = house.row("SELECT name, is_system, status FROM account")
    assert account == {"name": "IGNY8 system", "is_system": True, "status": "ACTIVE"}
    users = house.rows("SELECT email, role, status, email_verified FROM app_user ORDER BY email")
    assert users == [
        {"email": "bot@example.com", "role": "SYSTEM_BOT", "status": "ACTIVE", "email_verified": True},
        {"email": "dev@example.com", "role": "DEVELOPER", "status": "ACTIVE", "email_verified": True},
    ]
    assert house.row("SELECT count(*) AS n FROM subscription") == {"n": 1}


async def test_a_customer_whose_account_is_called_like_the_system_gets_no_operators(house: House) -> None:
    customer = await house.sign_up(account="IGNY8 system")
    await operators.create(house.desk.db, email="dev@example.com", name="Dev", password=PASSWORD, role=Role.DEVELOPER)
    operator = house.row("SELECT account_id FROM app_user WHERE role = 'DEVELOPER'")
    assert operator["account_id"] != customer.member.account_id


async def test_a_developer_signs_in_and_acts_on_an_account(house: House) -> None:
    customer = await house.sign_up()
    await operators.create(house.desk.db, email="dev@example.com", name="Dev", password=PASSWORD, role=Role.DEVELOPER)
    dev = (await sign_in(house.desk, house.origin, email="dev@example.com", password=PASSWORD)).member
    acting = Credentials(dev.account_id, dev.user_id, dev.session_id, dev.role, customer.member.account_id)
    async with entered(house.desk.db, acting) as (_, who):
        assert who.viewer.account_id == customer.member.account_id
        assert who.viewer.acts_abroad


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"role": Role.OWNER}, ("role",)),
        ({"email": "dev"}, ("email",)),
        ({"name": ""}, ("name",)),
        ({"password": "short"}, ("password",)),
    ],
)
async def test_bad_input_makes_nobody(house: House, given: dict[str, object], field: tuple[str, ...]) -> None:
    wanted = {"email": "dev@example.com", "name": "Dev", "password": PASSWORD, "role": Role.DEVELOPER} | given
    with pytest.raises(ValidationFailed) as refused:
        await operators.create(house.desk.db, **wanted)  # type: ignore[arg-type]  # one of them is wrong on purpose
    assert refused.value.field == field
    assert house.rows("SELECT * FROM account") == []


async def test_an_address_is_one_operator(house: House) -> None:
    wanted = {"name": "Dev", "password": PASSWORD, "role": Role.DEVELOPER}
    await operators.create(house.desk.db, email="dev@example.com", **wanted)  # type: ignore[arg-type]  # see above
    with pytest.raises(AlreadyExists):
        await operators.create(house.desk.db, email="DEV@example.com", **wanted)  # type: ignore[arg-type]  # see above
