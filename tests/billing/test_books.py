"""The doctor finds whatever is wrong with an account's books, and nothing where nothing is."""

import asyncio
import re
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result

from igny8.billing import books
from igny8.cli import main
from igny8.credits import OperationType
from igny8.db import Database, LoginRole, new_id
from igny8.settings import Settings
from tests.billing.ledgers import funded, held, noted, settled

pytestmark = pytest.mark.anyio

Sql = psycopg.Connection[Any]


async def with_history(db: Database) -> tuple[UUID, UUID]:
    """An account with a captured, a released and a pending hold; and the job that was charged."""
    account_id = await funded(db, 100)
    job_id = await held(db, account_id, 40)
    await noted(db, account_id, OperationType.CLUSTERING, 10, job_id=job_id)
    await noted(db, account_id, OperationType.CLUSTERING, 5, job_id=job_id)
    await settled(db, account_id, job_id, 15)
    await settled(db, account_id, await held(db, account_id, 20), 0)
    running = await held(db, account_id, 30)
    await noted(db, account_id, OperationType.IMAGE_GENERATION, 5, job_id=running)
    await noted(db, account_id, OperationType.CLUSTERING, 0)
    return account_id, job_id


async def said_of(db: Database, account_id: UUID) -> list[str]:
    async with db.session(LoginRole.SYSTEM) as session:
        return [fault.says for fault in await books.faults(session) if fault.account_id == account_id]


async def test_nothing_is_wrong_with_right_books(db: Database) -> None:
    account_id, _ = await with_history(db)
    assert await said_of(db, account_id) == []


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            "UPDATE wallet SET balance = 99 WHERE account_id = %(account)s",
            ["The 2 entries of the ledger sum to 85 credits, and the balance is 99."],
        ),
        (
            "UPDATE wallet SET held = 31 WHERE account_id = %(account)s",
            ["The pending holds sum to 30 credits, and the wallet says 31 are held."],
        ),
        (
            "UPDATE credit_entry SET balance_after = 86 WHERE account_id = %(account)s AND number = 2",
            ["Entry 2 says a balance of 86, and the entries up to it sum to 85."],
        ),
        (
            "UPDATE credit_entry SET number = 4 WHERE account_id = %(account)s AND number = 2",
            ["The ledger has 2 entries numbered up to 4, and the wallet has counted 2."],
        ),
        (
            "UPDATE credit_hold SET captured = 14 WHERE account_id = %(account)s AND job_id = %(job)s",
            [
                "Job %(job)s was charged 14 credits, and its usage log says 15.",
                "The hold of job %(job)s was settled for 14 credits, and its 1 entries take 15.",
            ],
        ),
        (
            "UPDATE credit_entry SET key = 'lost' WHERE account_id = %(account)s AND number = 2",
            [
                "Entry 2 takes 15 credits for job %(job)s, which has no hold of its own for them.",
                "The hold of job %(job)s was settled for 15 credits, and its 0 entries take 0.",
            ],
        ),
        (
            "UPDATE credit_usage SET credits_used = 11 WHERE account_id = %(account)s AND credits_used = 10",
            ["Job %(job)s was charged 15 credits, and its usage log says 16."],
        ),
        (
            "UPDATE credit_usage SET credits_used = 3 WHERE account_id = %(account)s AND job_id IS NULL",
            ["The usage log says 3 credits for work without a job, for which nothing was ever held."],
        ),
        (
            "UPDATE credit_usage SET job_id = %(other)s WHERE account_id = %(account)s AND credits_used = 10",
            [
                "Job %(job)s was charged 15 credits, and its usage log says 5.",
                "The usage log says 10 credits for job %(other)s, for which nothing was ever held.",
            ],
        ),
        (
            "DELETE FROM wallet WHERE account_id = %(account)s",
            ["The account has no wallet."],
        ),
    ],
)
async def test_each_fault_is_told(db: Database, superuser: Sql, spoil: str, says: list[str]) -> None:
    account_id, job_id = await with_history(db)
    values = {"account": account_id, "job": job_id, "other": new_id()}
    superuser.execute(spoil, values)
    try:
        assert sorted(await said_of(db, account_id)) == sorted(line % values for line in says)
    finally:
        superuser.execute("DELETE FROM account WHERE id = %s", [account_id])


async def test_more_held_than_there_is_is_told_even_where_no_constraint_stands(db: Database, superuser: Sql) -> None:
    account_id, _ = await with_history(db)
    superuser.execute("ALTER TABLE wallet DROP CONSTRAINT ck_wallet_held")
    try:
        superuser.execute("UPDATE wallet SET held = 90 WHERE account_id = %s", [account_id])
        assert "90 credits are held of a balance of 85." in await said_of(db, account_id)
    finally:
        superuser.execute("DELETE FROM account WHERE id = %s", [account_id])
        superuser.execute("ALTER TABLE wallet ADD CONSTRAINT ck_wallet_held CHECK (0 <= held AND held <= balance)")


def run_doctor(settings: Settings) -> Result:
    environment = {"IGNY8_SECRETS_KEYS": settings.secrets_keys.get_secret_value()} | {
        f"IGNY8_DATABASE_{role.upper()}_URL": getattr(settings, f"database_{role}_url").get_secret_value()
        for role in ("app", "member", "signin", "system")
    }
    return CliRunner().invoke(main, ["doctor"], env=environment)


async def test_the_command_fails_when_anything_is_wrong(db: Database, superuser: Sql, settings: Settings) -> None:
    account_id, _ = await with_history(db)
    before = await asyncio.to_thread(run_doctor, settings)
    superuser.execute("UPDATE wallet SET balance = 99 WHERE account_id = %s", [account_id])
    try:
        sick = await asyncio.to_thread(run_doctor, settings)
    finally:
        superuser.execute("DELETE FROM account WHERE id = %s", [account_id])
    assert sick.exit_code == 1
    assert (
        f"acc_{account_id.hex}: The 2 entries of the ledger sum to 85 credits, and the balance is 99." in sick.output
    )
    assert len(sick.output.splitlines()) == len(before.output.splitlines()) + 1


async def test_the_command_is_content_with_right_books(db: Database, superuser: Sql, settings: Settings) -> None:
    superuser.execute("TRUNCATE account CASCADE")  # those that other tests made by hand are not all right
    await funded(db, 100)
    well = await asyncio.to_thread(run_doctor, settings)
    assert well.exit_code == 0
    assert re.fullmatch(r"All is right with 1 accounts: books, jobs and secrets\.\n", well.output)
