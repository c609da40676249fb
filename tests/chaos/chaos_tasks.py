"""Tasks whose effects can be counted. A worker runs them with `igny8 worker --tasks tests.chaos.chaos_tasks`."""

import asyncio
import os
from typing import Final

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.ai.calls import Provider, TextCall
from igny8.credits import OperationType
from igny8.jobs import Charge, Item, JobErrorCode, JobFailure, JobKind, JobPhase, Queue, Running, task

#: What an attempt says first: by the process' id it is known later which death interrupted it.
BEGUN: Final = "Begun by"

#: One row each time an item is done. Nothing but the jobs' own guarantees keeps a second one away.
EFFECTS: Final = """
    CREATE TABLE chaos_effect (job_id uuid NOT NULL, item_id uuid NOT NULL, subject_id uuid NOT NULL);
    GRANT SELECT, INSERT ON chaos_effect TO igny8_app;
"""
_EFFECT: Final = text("INSERT INTO chaos_effect (job_id, item_id, subject_id) VALUES (:job, :item, :subject)")


class Recipe(BaseModel):
    """What happens to the items, by their positions; `model` makes each of them ask a question that is paid for."""

    price: int
    seconds: float = 0.0
    refused: list[int] = []
    shaky: list[int] = []  # fail in the first attempt, and may be tried again
    model: str = ""


class Sentence(BaseModel):
    text: str


@task(JobKind.ANALYZE_CONTENT, arguments=Recipe, queue=Queue.WORK, time_limit=60)
async def work(job: Running, recipe: Recipe) -> None:
    """Does its items one after the other."""
    await _begin(job)
    for item in job.items:
        if not await _failed(job, item, recipe):
            await asyncio.sleep(recipe.seconds)
            async with job.transaction() as session:
                await _done(session, job, item, recipe.price)


@task(JobKind.GENERATE_CONTENT, arguments=Recipe, time_limit=60)
async def ask(job: Running, recipe: Recipe) -> None:
    """Asks the provider for each item, then writes: a death between the two must not make it pay again."""
    await _begin(job)
    connection = await job.connection(Provider.OPENAI)
    for item in job.items:
        if await _failed(job, item, recipe):
            continue
        await job.progress(JobPhase.AI_CALL, 20, f"Asking for {item.position + 1}", item=item)
        call = TextCall(recipe.model, f"Write about {item.id.hex}.", Sentence, "sentence")
        await job.engine.text(connection, call, steps=job.steps(), key=f"text:{item.id.hex}")
        await asyncio.sleep(recipe.seconds)
        async with job.transaction() as session:
            await _done(session, job, item, recipe.price)


@task(JobKind.CHECK_LINKS, arguments=Recipe, queue=Queue.WORK, time_limit=60)
async def glance(job: Running, recipe: Recipe) -> None:
    """Has no items and costs nothing: many such jobs are claimed and ended together."""
    await asyncio.sleep(recipe.seconds)
    job.report(Sentence(text=f"Seen after {recipe.seconds:g} s."))


TASKS = (work, ask, glance)


async def _begin(job: Running) -> None:
    await job.progress(JobPhase.PREP, 10, f"{BEGUN} {os.getpid()}")


async def _failed(job: Running, item: Item, recipe: Recipe) -> bool:
    if item.position in recipe.refused:
        await job.item_failed(item, JobFailure(JobErrorCode.AI_REFUSED, "The model refused."))
    elif item.position in recipe.shaky and job.attempt == 1:
        busy = JobFailure(JobErrorCode.PROVIDER_LIMIT, "The provider is busy.", retryable=True)
        await job.item_failed(item, busy)
    else:
        return False
    return True


async def _done(session: AsyncSession, job: Running, item: Item, price: int) -> None:
    await session.execute(_EFFECT, {"job": job.id, "item": item.id, "subject": item.subject.id})
    charge = Charge(OperationType.CONTENT_GENERATION, price)
    await job.item_succeeded(session, item, charge=charge, message="Done")
