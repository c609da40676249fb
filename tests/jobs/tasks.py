"""Tasks that do as they are told. A worker runs them with `igny8 worker --tasks tests.jobs.tasks`."""

import asyncio
import os
import signal
from pathlib import Path

from pydantic import BaseModel

from igny8.credits import OperationType
from igny8.errors import LimitReached
from igny8.jobs import Charge, Item, JobErrorCode, JobFailure, JobKind, JobPhase, Queue, Running, Subject, task


class Recipe(BaseModel):
    """What happens to the items, by their positions."""

    credits: int = 0
    refused: list[int] = []
    shaky: list[int] = []  # fail in the first attempt, and may be tried again
    left_out: list[int] = []
    folder: Path | None = None  # says in files that it began, and goes on once there is a file `go`
    waits_at: int = 0


class Report(BaseModel):
    written: int


async def stopped_at(folder: Path, job: Running) -> None:
    """Tell the test that the job is here, and wait for it."""
    (folder / f"begun-{job.attempt}").touch()
    while not (folder / "go").exists():  # noqa: ASYNC110  # the test may be in another process
        await asyncio.sleep(0.02)


@task(JobKind.GENERATE_CONTENT, arguments=Recipe)
async def write(job: Running, recipe: Recipe) -> None:
    """Has one effect that can be counted for each item: an entry in the log of usage."""
    await job.progress(JobPhase.PREP, 10, "Preparing")
    for item in job.items:
        if recipe.folder and item.position == recipe.waits_at:
            await stopped_at(recipe.folder, job)
        if item.position in recipe.left_out:
            continue
        if item.position in recipe.refused:
            await job.item_failed(item, JobFailure(JobErrorCode.AI_REFUSED, "The model refused."))
        elif item.position in recipe.shaky and job.attempt == 1:
            busy = JobFailure(JobErrorCode.PROVIDER_LIMIT, "The provider is busy.", retryable=True, retry_after=60)
            await job.item_failed(item, busy)
        else:
            await _write(job, item, recipe.credits)
    job.report(Report(written=len(job.items)))


async def _write(job: Running, item: Item, price: int) -> None:
    await job.progress(JobPhase.AI_CALL, 20 + item.position, f"Writing {item.position + 1}", item=item)
    await job.text(item, 0, "Hello")
    await job.text(item, 5, ", world")
    async with job.transaction() as session:
        await job.item_succeeded(
            session,
            item,
            charge=Charge(OperationType.CONTENT_GENERATION, price),
            results=[Subject("content", item.subject.id)],
            message="Written",
        )


class Nothing(BaseModel):
    pass


@task(JobKind.ANALYZE_CONTENT, arguments=Nothing, queue=Queue.WORK)
async def short(job: Running, _: Nothing) -> None:
    """Does nothing."""


class Fault(BaseModel):
    """How a job goes wrong as a whole."""

    fault: str


@task(JobKind.CHECK_LINKS, arguments=Fault, queue=Queue.WORK, time_limit=0.3)
async def fail(job: Running, given: Fault) -> None:
    match given.fault:
        case "bug":
            raise ZeroDivisionError("a secret")
        case "limit":
            raise LimitReached("The plan allows 3 clusters.")
        case "away":
            raise JobFailure(
                JobErrorCode.PROVIDER_UNAVAILABLE, "The provider is away.", retryable=True, retry_after=99
            )
        case "long":
            await asyncio.sleep(60)
        case "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(_refuse())
        case "deadly":
            os.kill(os.getpid(), signal.SIGKILL)


async def _refuse() -> None:
    raise JobFailure(JobErrorCode.AI_REFUSED, "The model refused.")


@task(JobKind.DEPLOY_SITE, arguments=Nothing, queue=Queue.WORK)
async def unknown(job: Running, _: Nothing) -> None:
    """Not among TASKS: no worker of the tests knows it."""


TASKS = (write, short, fail)
