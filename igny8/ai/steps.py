"""Paid steps: an answer is stored by its step's key before anything is done with it, and never paid for twice.

A worker that dies between the call and the storing loses that one answer; whoever runs the job next finds the step
begun, notes it as abandoned, and calls again.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import Numeric, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.ai.calls import Connection, Provider, Raw, Usage
from igny8.ai.errors import AiError, AiErrorCode
from igny8.ai.tables import AiCall, CallState
from igny8.db import new_id

#: A transaction in the job's account; it refuses to begin for a worker that has lost its job to another.
Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]

#: Waits for a place among the calls that are made to a provider at once.
Turn = Callable[[str], AbstractAsyncContextManager[None]]

#: For how long the sum over all accounts is taken to be as it was.
_KNOWN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class DailyCaps:
    """USD a day (UTC) that calls with the server's keys may cost, for one account and for all."""

    account: Decimal
    everyone: Decimal


class Spending:
    """What calls with the server's own keys have cost today.

    The caps are looked at before every call. Calls in flight, and those that all accounts have ended in the last two
    seconds, are not in the sum yet: it can be passed by no more than what they cost.
    """

    def __init__(self, caps: DailyCaps, everyone: Callable[[], Awaitable[Decimal]]) -> None:
        """`everyone` sums the day over all accounts: `spent_by_everyone` as the system's role."""
        self._caps = caps
        self._everyone = everyone
        self._known = Decimal(0)
        self._stale_at = 0.0

    async def check(self, session: AsyncSession, account_id: UUID) -> None:
        """Raises AiError when a cap is reached."""
        mine = (await session.execute(_spent().where(AiCall.account_id == account_id))).scalar_one()
        if mine >= self._caps.account or await self._spent_by_everyone() >= self._caps.everyone:
            raise AiError(
                AiErrorCode.PROVIDER_LIMIT,
                "Today's budget for calls with the server's own key is used up. Save a key of your own with"
                " saveIntegrationSettings, or try again tomorrow (UTC).",
            )

    async def _spent_by_everyone(self) -> Decimal:
        now = time.monotonic()
        if now >= self._stale_at:
            self._stale_at = now + _KNOWN_SECONDS
            self._known = await self._everyone()
        return self._known


async def spent_by_everyone(session: AsyncSession) -> Decimal:
    """USD that calls with the server's keys have cost today, over all accounts that the session sees."""
    return (await session.execute(_spent())).scalar_one()


def _spent() -> Select[Decimal]:
    today = func.date_trunc("day", func.now(), "UTC")
    total = func.coalesce(func.sum(AiCall.cost_usd), 0)
    return select(total.cast(Numeric)).where(AiCall.key_owner == "SERVER", AiCall.begun_at >= today)


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored answer and what it used."""

    content: bytes
    usage: Usage


class Steps:
    """The paid steps of one job."""

    def __init__(self, open: Open, account_id: UUID, job_id: UUID, spending: Spending, turn: Turn) -> None:
        """`turn` is a place among the calls that are made to a provider at once."""
        self.turn = turn
        self._open = open
        self._account_id = account_id
        self._job_id = job_id
        self._spending = spending

    async def begin(self, key: str, connection: Connection, model: str, *, repairs: bool = False) -> Stored | UUID:
        """The stored answer of this step, or the id of the call that may now be made. Raises AiError (caps)."""
        mine = (AiCall.account_id == self._account_id, AiCall.job_id == self._job_id, AiCall.step_key == key)
        async with self._open() as session:
            found = await session.execute(select(AiCall).where(*mine, AiCall.state == CallState.STORED.value))
            stored = found.scalar_one_or_none()
            if stored is not None and stored.answer is not None:
                return Stored(stored.answer, _usage(stored))
            await session.execute(
                update(AiCall)
                .where(*mine, AiCall.state == CallState.STARTED.value)
                .values(state=CallState.ABANDONED.value, ended_at=func.now())
            )
            if connection.owner == "SERVER":
                await self._spending.check(session, self._account_id)
            call_id = new_id()
            await session.execute(
                insert(AiCall).values(
                    account_id=self._account_id,
                    id=call_id,
                    job_id=self._job_id,
                    step_key=key,
                    provider=connection.provider.value,
                    model=model,
                    key_owner=connection.owner,
                    repairs=repairs,
                )
            )
            return call_id

    async def store(self, call_id: UUID, raw: Raw, usage: Usage) -> None:
        """Keep the answer of a call that was made."""
        await self._end(
            call_id,
            state=CallState.STORED.value,
            answer=raw.content,
            tokens_input=usage.tokens_input,
            tokens_output=usage.tokens_output,
            images=usage.images,
            cost_usd=usage.cost_usd,
        )

    async def fail(self, call_id: UUID) -> None:
        """Note that a call gave no answer."""
        await self._end(call_id, state=CallState.FAILED.value)

    async def _end(self, call_id: UUID, **values: object) -> None:
        one = (AiCall.account_id == self._account_id, AiCall.id == call_id)
        async with self._open() as session:
            await session.execute(update(AiCall).where(*one).values(ended_at=func.now(), **values))


def _usage(row: AiCall) -> Usage:
    return Usage(Provider(row.provider), row.model, row.tokens_input, row.tokens_output, row.images, row.cost_usd)
