"""A job as the function that works on it sees it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.ai.calls import Connection, Provider, Usage
from igny8.ai.engine import Engine
from igny8.ai.steps import Steps
from igny8.changes import Actor
from igny8.credits import OperationType, note_usage
from igny8.db import fetch_row, new_id
from igny8.jobs import progress
from igny8.jobs.claiming import Claimed, Item
from igny8.jobs.drafts import Drafts
from igny8.jobs.ending import Outcome
from igny8.jobs.failures import NO_ERROR, Cancelled, Error, JobFailure, Superseded
from igny8.jobs.host import Files, Host
from igny8.jobs.progress import Subject
from igny8.jobs.tables import UNFINISHED, Job, JobItem, JobPhase, JobResult, JobState

#: Items that the transaction closes; the ends of their texts are told after its commit.
_CLOSED: Final = "closed items"


_IS_MINE: Final = "account_id = %(account)s AND id = %(job)s AND fence = %(fence)s AND state = 'RUNNING'"
_HOLD: Final = f"SELECT credits_held, credits_used FROM job WHERE {_IS_MINE} FOR NO KEY UPDATE"  # noqa: S608  # ours
_PROGRESS: Final = f"""
    UPDATE job SET phase = %(phase)s, percent = %(percent)s, message = %(message)s WHERE {_IS_MINE} RETURNING id
"""  # noqa: S608  # ours


@dataclass(frozen=True, slots=True)
class Charge:
    """The credits that an item is worth, and the calls to providers that it took."""

    operation: OperationType
    credits: int
    used: Sequence[Usage] = ()


class _Credits(NamedTuple):
    credits_held: int
    credits_used: int


class Running:
    """One attempt at a job. What it writes counts only while the job is its own, and is there once.

    `items` are those that no attempt has done yet.
    """

    def __init__(self, host: Host, claimed: Claimed) -> None:
        claim = claimed.claim
        self.account_id = claim.account_id
        self.id = claim.job_id
        self.fence = claim.fence
        self.kind = claimed.kind
        self.scope_id = claimed.scope_id
        self.site_id = None if claimed.scope_id == claim.account_id else claimed.scope_id
        self.started_by_id = claimed.started_by_id
        self.attempt = claimed.attempt
        self.max_attempts = claimed.max_attempts
        self.items_total = claimed.items_total
        self.items = claimed.items
        self.claim = claim
        self.outcome: Outcome | None = None
        #: Of items that are to be tried again.
        self.passing_failures: list[JobFailure] = []
        #: Its end is wanted.
        self.stopping = False
        self._host = host
        self._drafts = Drafts(self._host.bus, claim.job_id, self._save_draft)

    @property
    def actor(self) -> Actor:
        """Who made the changes that the job makes."""
        return Actor(self.account_id, self.started_by_id, f"job_{self.id.hex}", None, self.kind)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction in the account: it commits only when the job is still this attempt's. Raises Superseded.

        It may have committed although it raised that the database went away: the next attempt finds what is done.
        """
        async with self._host.transaction(self.actor) as session:
            yield session
            await self._hold(session)
        for item in session.info.get(_CLOSED, ()):
            await self._drafts.close(item)

    @asynccontextmanager
    async def long_transaction(self) -> AsyncIterator[AsyncSession]:
        """One for work of many seconds, during which `progress` is told. It may wait for other such work."""
        async with self._host.long_ones, self.transaction() as session:
            yield session

    async def progress(self, phase: JobPhase, percent: int, message: str, *, item: Item | None = None) -> None:
        """Say how far it is; with an item, that this one is being worked on. Raises Superseded."""
        now = {"phase": phase.value, "percent": percent, "message": message}
        async with self._host.transaction(self.actor) as session:
            # It keeps the job as this attempt's, too.
            if await fetch_row(session, _PROGRESS, {**self.claim.key, **now}) is None:
                raise Superseded
            if item is not None:
                begun = update(JobItem).where(self._is(item), JobItem.state.in_(UNFINISHED))
                await session.execute(begun.values(state=JobState.RUNNING.value, message=message, **NO_ERROR))
            self._note(session, item)

    async def item_succeeded(
        self,
        session: AsyncSession,
        item: Item,
        *,
        charge: Charge | None = None,
        results: Sequence[Subject] = (),
        message: str | None = None,
        finding: dict[str, Any] | None = None,
    ) -> int:
        """Mark an item as done, in the transaction that keeps what was done; the credits that it is charged.

        They are less than asked for when the hold has no more. What was charged and used is logged. `finding` is kept
        for the report of this attempt or a later one. Call it last in the transaction: it locks the job.
        """
        job = await self._hold(session)
        charged = min(charge.credits if charge else 0, job.credits_held - job.credits_used)
        values: dict[str, Any] = {"state": JobState.SUCCEEDED.value, "credits_used": charged, "message": message}
        values |= {"finding": finding, **NO_ERROR}
        if self._drafts.of(item) is not None:
            values["draft"] = self._drafts.of(item)
        done = update(JobItem).where(self._is(item), JobItem.state.in_(UNFINISHED)).values(values)
        if (await session.execute(done.returning(JobItem.id))).first() is None:
            raise ValueError("The item is closed already.")
        await self._change(session, items_done=Job.items_done + 1, credits_used=Job.credits_used + charged)
        await self.add_results(session, results)
        if charge is not None:
            await self._log_usage(session, charge, charged)
        self._close(session, item)
        return charged

    async def _log_usage(self, session: AsyncSession, charge: Charge, charged: int) -> None:
        """A row for each model that was used, the credits in the first."""
        note = partial(
            note_usage,
            session,
            self.account_id,
            charge.operation,
            job_id=self.id,
            site_id=self.site_id,
            user_id=self.started_by_id,
        )
        if not charge.used:
            await note(charged, cost_usd=None)
        for number, used in enumerate(charge.used):
            await note(
                charged if number == 0 else 0,
                cost_usd=used.cost_usd,
                provider=used.provider.value,
                model=used.model,
                tokens_input=used.tokens_input,
                tokens_output=used.tokens_output,
            )

    async def item_failed(self, item: Item, failure: JobFailure) -> None:
        """Mark an item as failed; a retryable failure waits for the job's next attempt. Raises Superseded."""
        passing = failure.retryable and self.attempt < self.max_attempts
        state = JobState.RETRYING if passing else JobState.FAILED
        async with self.transaction() as session:
            await self._hold(session)
            values = {"state": state.value, "message": None, **Error.of(failure).columns}
            await session.execute(update(JobItem).where(self._is(item), JobItem.state.in_(UNFINISHED)).values(values))
            if not passing:
                await self._change(session, items_failed=Job.items_failed + 1)
            self._close(session, item)
        if passing:
            self.passing_failures.append(failure)

    async def divide(self, parts: Sequence[dict[str, Any]]) -> None:
        """Give the items their parts for good: later attempts, and whoever runs the job again, find the same ones."""
        divided = [replace(item, part=part) for item, part in zip(self.items, parts, strict=False)]
        async with self.transaction() as session:
            for item in divided:
                await session.execute(update(JobItem).where(self._is(item)).values(part=item.part))
        self.items = (*divided, *self.items[len(divided) :])

    async def findings(self) -> list[dict[str, Any]]:
        """What the items that are done have found, in whichever attempt."""
        kept = select(JobItem.finding).where(
            JobItem.account_id == self.account_id, JobItem.job_id == self.id, JobItem.finding.is_not(None)
        )
        async with self.transaction() as session:
            return [
                finding for finding in (await session.execute(kept.order_by(JobItem.position))).scalars() if finding
            ]

    async def add_results(self, session: AsyncSession, results: Sequence[Subject]) -> None:
        """Note what the job made or changed, in the transaction that did it; twice is once."""
        rows = [
            {
                "account_id": self.account_id,
                "job_id": self.id,
                "scope_id": self.scope_id,
                "result_kind": kind,
                "result_id": result_id,
                "position": new_id(),
            }
            for kind, result_id in results
        ]
        if rows:
            await session.execute(insert(JobResult).on_conflict_do_nothing(), rows)

    async def text(self, item: Item, offset: int, text: str) -> None:
        """Show a piece of an item's text as it is written: `text` goes where `offset` characters come before it.

        It is told at once and kept every 2 s; no event. Raises Superseded.
        """
        await self._drafts.write(item, offset, text)

    def report(self, outcome: BaseModel) -> None:
        """What the job has to say when it has ended, however it ends; a later report replaces an earlier one."""
        self.outcome = Outcome(type(outcome).__name__, outcome.model_dump(mode="json", by_alias=True))

    def check_cancelled(self) -> None:
        """Raises Cancelled once the attempt is to end; what awaits something is interrupted without asking."""
        if self.stopping:
            raise Cancelled

    @property
    def engine(self) -> Engine:
        """Calls providers; with `connection()` for the key and `steps()` for what was paid already."""
        return self._host.ai.engine

    @property
    def files(self) -> Files:
        """The store of files, and the addresses at which they are fetched."""
        return self._host.files

    async def connection(self, provider: Provider) -> Connection:
        """The key that the account's calls use. Raises NotAllowedNow when there is none."""
        async with self.transaction() as session:
            return await self._host.ai.connect(session, self.account_id, provider)

    def steps(self) -> Steps:
        """The paid steps of this job, over all its attempts."""
        return Steps(self.transaction, self.account_id, self.id, self._host.ai.spending, self.turn)

    def turn(self, provider: str) -> AbstractAsyncContextManager[None]:
        """A place among the calls that this process makes to a provider at once; accounts take turns."""
        return self._host.turns.turn(provider, self.account_id)

    async def _save_draft(self, item: Item, draft: str) -> None:
        async with self.transaction() as session:
            await session.execute(update(JobItem).where(self._is(item)).values(draft=draft))

    def _is(self, item: Item) -> ColumnElement[bool]:
        return (JobItem.account_id == self.account_id) & (JobItem.id == item.id)

    async def _hold(self, session: AsyncSession) -> _Credits:
        """Keep the job as this attempt's until the transaction ends. Raises Superseded."""
        held = await fetch_row(session, _HOLD, self.claim.key)
        if held is None:
            raise Superseded
        return _Credits(*held)

    async def _change(self, session: AsyncSession, **values: Any) -> None:
        await session.execute(update(Job).where(Job.account_id == self.account_id, Job.id == self.id).values(values))

    def _close(self, session: AsyncSession, item: Item) -> None:
        self._note(session, item)
        session.info.setdefault(_CLOSED, []).append(item)

    def _note(self, session: AsyncSession, item: Item | None) -> None:
        progress.note(session, self.id, self.scope_id, subject=item.subject if item else None)
