"""Jobs that work on their items one by one, several at once: what fails, fails alone."""

import asyncio
from collections.abc import Awaitable, Callable

from igny8.jobs import Cancelled, Item, JobPhase, Running, Superseded
from igny8.jobs.failures import failure_of

Act = Callable[[Item], Awaitable[None]]


async def each(job: Running, act: Act, *, at_once: int) -> None:
    """Do all items that are not done. Raises Cancelled, Superseded; other failures are the item's own."""
    places = asyncio.Semaphore(at_once)

    async def one(item: Item) -> None:
        async with places:
            job.check_cancelled()
            try:
                await act(item)
            except (Cancelled, Superseded):
                raise
            except Exception as error:
                await job.item_failed(item, failure_of(error))

    async with asyncio.TaskGroup() as group:
        for item in job.items:
            group.create_task(one(item))


async def begin(job: Running, item: Item, doing: str, about: str) -> None:
    """Say which item is being worked on: "Drawing 3 of 12: A puppy at its bowl"."""
    number = item.position + 1
    percent = 20 + 60 * item.position // max(1, job.items_total)
    message = f"{doing} {number} of {job.items_total}: {about[:80]}"
    await job.progress(JobPhase.AI_CALL, percent, message, item=item)
