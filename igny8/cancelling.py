"""Tasks that run as long as their process, and how they end."""

import asyncio


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end, however often it takes: libraries may swallow a cancellation."""
    pending = {task}
    while pending:
        task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)
