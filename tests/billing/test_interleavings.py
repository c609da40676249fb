"""Holds, settlements, grants and adjustments in any order and at the same time: the books stay right."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck
from hypothesis import settings as drawing
from hypothesis import strategies as draw
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from igny8 import credits
from igny8.billing import books
from igny8.credits import OperationType, TransactionType
from igny8.db import POOL_SIZES, Database, LoginRole, new_id
from igny8.errors import InsufficientCredits
from igny8.settings import Settings
from tests.billing.ledgers import wallet
from tests.support.tenants import new_account

T = TypeVar("T")

#: One thing that somebody does: (what, amount, which of the jobs or keys there are).
ACTS = draw.tuples(
    draw.sampled_from(("hold", "settle", "settle twice", "release", "grant", "adjust")),
    draw.integers(0, 60),
    draw.integers(0, 7),
)


class Wallets(RuleBasedStateMachine):
    """One account; each step is up to five acts at the same time, each in a transaction of its own."""

    run: Callable[[Awaitable[Any]], Any]
    db: Database

    @initialize(amount=draw.integers(0, 200))
    def open_account(self, amount: int) -> None:
        self.account_id: UUID = self.run(new_account(self.db))
        self.jobs: list[tuple[UUID, int]] = []
        self.wanted: dict[UUID, set[int]] = {}
        self.charged: dict[UUID, int] = {}
        self.logged: set[UUID] = set()
        self.granted: set[int] = set()
        self.expected = 0
        if amount:
            self.run(self.grant(amount, 0))

    @rule(acts=draw.lists(ACTS, min_size=1, max_size=5))
    def at_the_same_time(self, acts: list[tuple[str, int, int]]) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(self.act(*act) for act in acts))

        self.run(all_at_once())

    async def act(self, what: str, amount: int, which: int) -> None:
        if what == "hold":
            await self.hold(amount)
        elif what == "grant":
            await self.grant(amount + 1, which)
        elif what == "adjust":
            await self.adjust(amount - 30)
        elif self.jobs:
            job_id, held = self.jobs[which % len(self.jobs)]
            used = 0 if what == "release" else min(amount, held)
            if what == "settle twice":
                told = await asyncio.gather(self.settle(job_id, used), self.settle(job_id, held - used))
                assert told[0] == told[1]
            else:
                await self.settle(job_id, used)

    async def hold(self, amount: int) -> None:
        job_id = new_id()
        try:
            async with self.db.session(LoginRole.SYSTEM) as session:
                await credits.hold(session, self.account_id, amount, job_id=job_id)
        except InsufficientCredits:
            return
        if amount:
            self.jobs.append((job_id, amount))

    async def settle(self, job_id: UUID, used: int) -> int:
        """Settle; and whoever learns first what was charged logs it."""
        self.wanted.setdefault(job_id, set()).add(used)
        async with self.db.session(LoginRole.SYSTEM) as session:
            told = await credits.settle(session, self.account_id, job_id, used, description="Work", user_id=None)
        assert told in self.wanted[job_id]
        assert self.charged.setdefault(job_id, told) == told
        if job_id not in self.logged:
            self.logged.add(job_id)
            self.expected -= told
            async with self.db.session(LoginRole.SYSTEM) as session:
                await self.note(session, job_id, told)
        return told

    async def note(self, session: Any, job_id: UUID, used: int) -> None:
        await credits.note_usage(
            session,
            self.account_id,
            OperationType.CLUSTERING,
            used,
            cost_usd=None,
            job_id=job_id,
            site_id=None,
            user_id=None,
        )

    async def grant(self, amount: int, key: int) -> None:
        async with self.db.session(LoginRole.SYSTEM) as session:
            made = await credits.grant(
                session,
                self.account_id,
                amount,
                key=f"grant {key}",
                transaction_type=TransactionType.SUBSCRIPTION,
                description="Credits",
            )
        assert (made is not None) == (key not in self.granted)
        if made is not None:
            self.granted.add(key)
            self.expected += amount

    async def adjust(self, amount: int) -> None:
        try:
            async with self.db.session(LoginRole.SYSTEM) as session:
                await credits.grant(
                    session,
                    self.account_id,
                    amount or 1,
                    key=str(new_id()),
                    transaction_type=TransactionType.ADJUSTMENT,
                    description="By hand",
                )
        except InsufficientCredits:
            assert amount < 0
        else:
            self.expected += amount or 1

    @invariant()
    def the_books_are_right(self) -> None:
        async def wrong() -> list[str]:
            async with self.db.session(LoginRole.SYSTEM) as session:
                return [fault.says for fault in await books.faults(session) if fault.account_id == self.account_id]

        if hasattr(self, "account_id"):
            assert self.run(wrong()) == []
            pending = sum(held for job_id, held in self.jobs if job_id not in self.charged)
            assert self.run(wallet(self.db, self.account_id)) == (self.expected, pending)


def test_the_books_are_right_whatever_happens_at_the_same_time(settings: Settings) -> None:
    with asyncio.Runner() as runner:
        db = Database(settings, sizes={**POOL_SIZES, LoginRole.SYSTEM: 10})

        class Machine(Wallets):
            run = staticmethod(runner.run)

        Machine.db = db
        runner.run(db.open())
        try:
            run_state_machine_as_test(
                Machine,
                settings=drawing(
                    max_examples=30,
                    stateful_step_count=12,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    database=None,
                    derandomize=True,
                ),
            )
        finally:
            runner.run(db.close())
