"""Holds: what running work sets aside, what it is charged when it ends, and that both happen once."""

import asyncio
from collections import Counter
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from igny8 import credits, transactions
from igny8.access import Role, Viewer
from igny8.credits import CreditEntry, CreditHold, CreditUsage, OperationType, TransactionType, Wallet
from igny8.db import POOL_SIZES, Database, LoginRole, new_id
from igny8.errors import DomainError, ErrorCode, InsufficientCredits
from igny8.settings import Settings
from tests.support.tenants import new_account, new_member, new_owner, rows_of, writing

pytestmark = pytest.mark.anyio


async def funded(db: Database, amount: int) -> UUID:
    """An account with so many credits."""
    account_id = await new_account(db)
    async with db.session(LoginRole.SYSTEM) as session:
        await credits.grant(
            session,
            account_id,
            amount,
            key="first",
            transaction_type=TransactionType.PURCHASE,
            description="Bought",
        )
    return account_id


async def held(db: Database, account_id: UUID, amount: int) -> UUID:
    """A job that holds so many credits."""
    job_id = new_id()
    async with db.session(LoginRole.SYSTEM) as session:
        await credits.hold(session, account_id, amount, job_id=job_id)
    return job_id


async def settled(db: Database, account_id: UUID, job_id: UUID, used: int, *, said: str = "Work") -> int:
    async with db.session(LoginRole.SYSTEM) as session:
        return await credits.settle(session, account_id, job_id, used, description=said, user_id=None)


async def wallet(db: Database, account_id: UUID) -> tuple[int, int]:
    """Balance, and what is held of it."""
    async with db.session(LoginRole.SYSTEM) as session:
        found = await session.get_one(Wallet, account_id)
        return found.balance, found.held


async def hold_of(db: Database, account_id: UUID, job_id: UUID) -> tuple[str, int, int]:
    async with db.session(LoginRole.SYSTEM) as session:
        found = await session.get_one(CreditHold, (account_id, job_id))
        return found.state, found.amount, found.captured


async def ledger(db: Database, account_id: UUID) -> list[tuple[int, str, int, int]]:
    entries = await rows_of(db, CreditEntry, account_id)
    return sorted((entry.number, entry.transaction_type, entry.amount, entry.balance_after) for entry in entries)


async def test_work_holds_first_and_is_charged_for_what_it_used(db: Database) -> None:
    account_id = await funded(db, 100)
    job_id = await held(db, account_id, 40)
    assert await wallet(db, account_id) == (100, 40)
    assert await hold_of(db, account_id, job_id) == ("PENDING", 40, 0)
    assert await settled(db, account_id, job_id, 15) == 15
    assert await wallet(db, account_id) == (85, 0)
    assert await hold_of(db, account_id, job_id) == ("CAPTURED", 40, 15)
    assert await ledger(db, account_id) == [(1, "PURCHASE", 100, 100), (2, "DEDUCTION", -15, 85)]


async def test_an_entry_says_which_job_who_and_what_for(db: Database) -> None:
    owner = await new_owner(db)
    job_id = new_id()
    async with writing(db, owner) as session:
        await credits.grant(
            session,
            owner.account_id,
            10,
            key="first",
            transaction_type=TransactionType.PURCHASE,
            description="Bought",
            user_id=owner.user_id,
        )
    async with writing(db, owner) as session:
        await credits.hold(session, owner.account_id, 10, job_id=job_id)
        await credits.settle(
            session, owner.account_id, job_id, 4, description="Clustering 60 keywords", user_id=owner.user_id
        )
    bought, spent = sorted(await rows_of(db, CreditEntry, owner.account_id), key=lambda entry: entry.number)
    assert (bought.job_id, bought.user_id, bought.description) == (None, owner.user_id, "Bought")
    assert (spent.job_id, spent.user_id, spent.description) == (job_id, owner.user_id, "Clustering 60 keywords")


async def test_work_that_used_nothing_gives_all_back_and_leaves_no_entry(db: Database) -> None:
    account_id = await funded(db, 100)
    job_id = await held(db, account_id, 40)
    assert await settled(db, account_id, job_id, 0) == 0
    assert await wallet(db, account_id) == (100, 0)
    assert await hold_of(db, account_id, job_id) == ("RELEASED", 40, 0)
    assert await ledger(db, account_id) == [(1, "PURCHASE", 100, 100)]


async def test_no_more_is_charged_than_was_held(db: Database) -> None:
    account_id = await funded(db, 100)
    job_id = await held(db, account_id, 40)
    assert await settled(db, account_id, job_id, 41) == 40
    assert await wallet(db, account_id) == (60, 0)


async def test_a_second_settlement_changes_nothing_and_says_what_was_charged(db: Database) -> None:
    account_id = await funded(db, 100)
    job_id = await held(db, account_id, 40)
    await settled(db, account_id, job_id, 15)
    before = await ledger(db, account_id)
    for used in (0, 15, 40):
        assert await settled(db, account_id, job_id, used) == 15
    assert await wallet(db, account_id) == (85, 0)
    assert await ledger(db, account_id) == before


async def test_work_that_is_free_holds_nothing_and_is_charged_nothing(db: Database) -> None:
    account_id = await new_account(db)
    job_id = await held(db, account_id, 0)
    assert await rows_of_holds(db, account_id) == 0
    assert await settled(db, account_id, job_id, 7) == 0
    assert await wallet(db, account_id) == (0, 0)


async def rows_of_holds(db: Database, account_id: UUID) -> int:
    async with db.session(LoginRole.SYSTEM) as session:
        counted = text("SELECT count(*) FROM credit_hold WHERE account_id = :account_id")
        found: int = (await session.execute(counted, {"account_id": account_id})).scalar_one()
        return found


async def test_too_few_credits_hold_nothing_and_are_told(db: Database) -> None:
    account_id = await funded(db, 50)
    await held(db, account_id, 30)
    with pytest.raises(InsufficientCredits, match="This needs 21 credits, and 20 are available") as refused:
        await held(db, account_id, 21)
    assert isinstance(refused.value, DomainError)
    assert refused.value.code is ErrorCode.INSUFFICIENT_CREDITS
    assert refused.value.details == {"needed": 21, "available": 20}
    assert await wallet(db, account_id) == (50, 30)
    assert await rows_of_holds(db, account_id) == 1
    await held(db, account_id, 20)
    assert await wallet(db, account_id) == (50, 50)


async def test_a_job_holds_once(db: Database) -> None:
    account_id = await funded(db, 50)
    job_id = await held(db, account_id, 10)
    with pytest.raises(IntegrityError, match="pk_credit_hold"):
        async with db.session(LoginRole.SYSTEM) as session:
            await credits.hold(session, account_id, 10, job_id=job_id)
    assert await wallet(db, account_id) == (50, 10)


async def test_what_is_rolled_back_was_never_held(db: Database) -> None:
    account_id = await funded(db, 50)
    async with db.session(LoginRole.SYSTEM) as session:
        await credits.hold(session, account_id, 10, job_id=new_id())
        await session.rollback()
    assert await wallet(db, account_id) == (50, 0)
    assert await rows_of_holds(db, account_id) == 0


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.EDITOR])
async def test_everybody_who_may_start_work_may_hold_and_settle(db: Database, role: Role) -> None:
    account_id = await funded(db, 50)
    viewer = await new_member(db, account_id, role)
    job_id = new_id()
    async with writing(db, viewer) as session:
        await credits.hold(session, account_id, 20, job_id=job_id)
    async with writing(db, viewer) as session:
        with pytest.raises(InsufficientCredits):
            await credits.hold(session, account_id, 31, job_id=new_id())
    async with writing(db, viewer) as session:
        assert await credits.settle(session, account_id, job_id, 5, description="Part", user_id=viewer.user_id) == 5
        assert await credits.settle(session, account_id, job_id, 5, description="Part", user_id=viewer.user_id) == 5
    assert await wallet(db, account_id) == (45, 0)


async def test_another_accounts_credits_are_out_of_reach(db: Database) -> None:
    rich, job_id = await funded(db, 50), new_id()
    owner = await new_owner(db)
    async with writing(db, owner) as session:
        with pytest.raises(InsufficientCredits) as refused:
            await credits.hold(session, rich, 5, job_id=job_id)
        assert refused.value.details == {"needed": 5, "available": 0}
    theirs = await held(db, rich, 5)
    async with writing(db, owner) as session:
        assert await credits.settle(session, rich, theirs, 5, description="Stolen", user_id=None) == 0
    assert await wallet(db, rich) == (50, 5)


async def test_amounts_below_zero_are_bugs(db: Database) -> None:
    account_id = await funded(db, 50)
    job_id = await held(db, account_id, 5)
    with pytest.raises(ValueError, match="not negative"):
        await held(db, account_id, -1)
    with pytest.raises(ValueError, match="not negative"):
        await settled(db, account_id, job_id, -1)
    assert await wallet(db, account_id) == (50, 5)


async def test_usage_is_logged_beside_the_result(db: Database) -> None:
    owner = await new_owner(db)
    job_id, site_id = new_id(), new_id()
    async with writing(db, owner) as session:
        usage_id = await credits.note_usage(
            session,
            owner.account_id,
            OperationType.CLUSTERING,
            10,
            cost_usd=Decimal("0.001234"),
            provider="openai",
            model="gpt-5-mini",
            tokens_input=1200,
            tokens_output=340,
            job_id=job_id,
            site_id=site_id,
            user_id=owner.user_id,
        )
        await credits.note_usage(
            session,
            owner.account_id,
            OperationType.IMAGE_GENERATION,
            5,
            cost_usd=None,
            job_id=None,
            site_id=None,
            user_id=None,
        )
    first, second = await rows_of(db, CreditUsage, owner.account_id)
    assert first.id == usage_id
    assert (first.operation_type, first.credits_used, first.cost_usd) == ("CLUSTERING", 10, Decimal("0.001234"))
    assert (first.provider, first.model, first.tokens_input, first.tokens_output) == (
        "openai",
        "gpt-5-mini",
        1200,
        340,
    )
    assert (first.job_id, first.site_id, first.user_id) == (job_id, site_id, owner.user_id)
    assert (second.operation_type, second.credits_used, second.cost_usd) == ("IMAGE_GENERATION", 5, None)


@pytest.mark.parametrize("role", ["app", "member", "system"])
@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE credit_entry SET amount = 1000000",
        "DELETE FROM credit_entry",
        "UPDATE credit_usage SET credits_used = 0",
        "DELETE FROM credit_usage",
        "DELETE FROM credit_hold",
        "UPDATE credit_hold SET amount = 1",
    ],
)
def test_what_is_in_the_ledger_stays(settings: Settings, role: str, attempt: str) -> None:
    url = getattr(settings, f"database_{role}_url").get_secret_value()
    with psycopg.connect(url) as sql, pytest.raises(InsufficientPrivilege, match="permission denied"):
        sql.execute(attempt)


async def test_an_editor_adds_no_credits(db: Database) -> None:
    account_id = await funded(db, 50)
    editor = await new_member(db, account_id, Role.EDITOR)
    given = {"account_id": account_id, "id": new_id()}
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with writing(db, editor) as session:
            await session.execute(
                text(
                    "INSERT INTO credit_entry (account_id, id, number, key, transaction_type, amount, balance_after,"
                    " description) VALUES (:account_id, :id, 2, 'own', 'PURCHASE', 5, 55, 'Mine')"
                ),
                given,
            )


async def test_fifty_jobs_at_once_hold_what_there_is_and_no_more(db: Database, settings: Settings) -> None:
    account_id = await funded(db, 100)
    wide = Database(settings, sizes={**POOL_SIZES, LoginRole.APP: 50})
    await wide.open()
    gate = asyncio.Barrier(50)

    async def try_hold() -> int | None:
        """None, or what was said to be available."""
        async with transactions.acting_as(wide, account_id, new_id()) as session:
            await gate.wait()
            try:
                await credits.hold(session, account_id, 7, job_id=new_id())
            except InsufficientCredits as refused:
                return int((refused.details or {})["available"] or 0)
            return None

    said = Counter(await asyncio.gather(*(try_hold() for _ in range(50))))
    await wide.close()
    assert said == {None: 14, 2: 36}
    assert await wallet(db, account_id) == (100, 98)
    assert await rows_of_holds(db, account_id) == 14


async def test_a_settlement_that_races_a_sweeper_is_charged_once(db: Database) -> None:
    account_id = await funded(db, 10_000)
    charged = []
    for _ in range(20):
        job_id = await held(db, account_id, 40)
        late, swept = await asyncio.gather(
            settled(db, account_id, job_id, 15, said="Late"), settled(db, account_id, job_id, 0, said="Swept")
        )
        assert late == swept
        charged.append(late)
    assert set(charged) <= {0, 15}
    assert await wallet(db, account_id) == (10_000 - sum(charged), 0)
    assert len(await ledger(db, account_id)) == 1 + sum(amount > 0 for amount in charged)


async def test_whoever_waits_for_a_settlement_learns_what_it_charged(db: Database) -> None:
    account_id = await funded(db, 100)
    job_id = await held(db, account_id, 40)
    owner = await new_member(db, account_id, Role.OWNER)
    async with writing(db, owner) as session:
        await credits.settle(session, account_id, job_id, 15, description="First", user_id=None)
        second = asyncio.create_task(settled(db, account_id, job_id, 40))
        done, _ = await asyncio.wait([second], timeout=0.3)
        assert not done, "the second settlement did not wait for the first"
    assert await second == 15
    assert await wallet(db, account_id) == (85, 0)


async def test_settling_and_holding_in_any_order_never_locks_up(db: Database) -> None:
    """Two transactions that settle and hold several jobs each, crosswise."""
    account_id = await funded(db, 10_000)
    owner, editor = await new_member(db, account_id, Role.OWNER), await new_member(db, account_id, Role.EDITOR)
    jobs = [await held(db, account_id, 10) for _ in range(10)]

    async def churn(viewer: Viewer, order: list[UUID]) -> None:
        for job_id in order:
            async with writing(db, viewer) as session:
                await credits.hold(session, account_id, 1, job_id=new_id())
                await credits.settle(session, account_id, job_id, 5, description="Crossed", user_id=None)
                await credits.hold(session, account_id, 1, job_id=new_id())

    await asyncio.gather(churn(owner, jobs), churn(editor, jobs[::-1]))
    assert await wallet(db, account_id) == (10_000 - 50, 40)
