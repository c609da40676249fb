"""Periods begin with their plan's credits, and owners are told when credits run low: once each, whoever looks."""

import asyncio
from typing import Any

import pytest

from igny8.access import Role
from igny8.auth.outbox import MailSender, Outbox
from igny8.billing.grants import grant_due
from igny8.billing.low_credits import tell_due
from igny8.db import Database
from igny8.secrets import Keyring
from igny8.settings import Settings
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio


def subscription(world: World, tenant: Tenant) -> Any:
    return world.sql.execute(
        "SELECT current_period_start, current_period_end, status FROM subscription WHERE account_id = %s", [tenant.id]
    ).fetchone()


def grants(world: World, tenant: Tenant) -> list[int]:
    rows = world.sql.execute(
        "SELECT amount FROM credit_entry WHERE account_id = %s AND transaction_type = 'SUBSCRIPTION' ORDER BY number",
        [tenant.id],
    )
    return [amount for (amount,) in rows.fetchall()]


def included(world: World, tenant: Tenant) -> int:
    found = world.sql.execute(
        "SELECT p.included_credits FROM plan p JOIN subscription s ON s.plan_id = p.id WHERE s.account_id = %s",
        [tenant.id],
    ).fetchone()
    assert found
    return int(found[0])


def period_ended(world: World, tenant: Tenant, ago: str, **values: object) -> None:
    """Let the present period have ended some time ago."""
    changed = "".join(f", {name} = %({name})s" for name in values)
    world.sql.execute(
        "UPDATE subscription SET current_period_start = date_trunc('day', now()) - %(ago)s::interval - '1 month'::interval,"
        " current_period_end = date_trunc('day', now()) - %(ago)s::interval,"
        f" billing_day = extract(day FROM now() - %(ago)s::interval){changed} WHERE account_id = %(account)s",
        {"ago": ago, "account": tenant.id, **values},
    )


async def test_a_period_begins_once_whoever_looks(db: Database, world: World) -> None:
    tenant = world.tenant(plan="scale")
    period_ended(world, tenant, "2 days", status="ACTIVE")
    _, ended, _ = subscription(world, tenant)
    await asyncio.gather(*(grant_due(db) for _ in range(4)))
    started, ends, status = subscription(world, tenant)
    assert (started, status) == (ended, "ACTIVE")
    assert 27 < (ends - started).days < 32
    assert grants(world, tenant) == [included(world, tenant)]
    assert await grant_due(db) == 0


async def test_periods_that_passed_while_nothing_ran_begin_one_after_the_other(db: Database, world: World) -> None:
    tenant = world.tenant(plan="scale")
    period_ended(world, tenant, "70 days", status="ACTIVE")
    await grant_due(db)
    assert grants(world, tenant) == [included(world, tenant)] * 3


async def test_nothing_is_granted_to_those_who_left_were_suspended_or_try(db: Database, world: World) -> None:
    leaving, suspended, trying = (world.tenant(plan=one) for one in ("scale", "scale", "free-trial"))
    period_ended(world, leaving, "1 day", status="ACTIVE", cancel_at_period_end=True)
    for one in (suspended, trying):
        period_ended(world, one, "1 day", status="ACTIVE")
    world.sql.execute("UPDATE account SET status = 'SUSPENDED' WHERE id = %s", [suspended.id])
    await grant_due(db)
    assert [grants(world, one) for one in (leaving, suspended, trying)] == [[], [], []]
    assert [subscription(world, one)[2] for one in (leaving, suspended)] == ["CANCELLED", "ACTIVE"]


async def test_owners_are_told_once_a_period_that_credits_run_low(
    db: Database, world: World, settings: Settings
) -> None:
    low, enough, never_had = (world.tenant(plan="scale") for _ in range(3))
    world.fund(low, included(world, low) // 10 - 1)
    world.fund(enough, included(world, enough) // 10)
    keyring = Keyring(settings.secrets_keys)
    outbox = Outbox(keyring, settings.public_url)
    await asyncio.gather(*(tell_due(db, outbox) for _ in range(4)))

    def mails(tenant: Tenant) -> list[Any]:
        return world.sql.execute(
            "SELECT recipient, subject FROM mail WHERE account_id = %s AND subject ILIKE '%%credits%%'", [tenant.id]
        ).fetchall()

    ((recipient, _),) = mails(low)
    assert recipient == low[Role.OWNER].email
    assert [mails(enough), mails(never_had)] == [[], []]
    assert await MailSender(db, settings, keyring, asyncio.Event()).send_due() >= 1
    period_ended(world, low, "1 day", status="ACTIVE")
    world.sql.execute("UPDATE subscription SET current_period_end = now() + '1 day'::interval WHERE account_id = %s", [low.id])  # fmt: skip
    await tell_due(db, outbox)
    assert len(mails(low)) == 2
