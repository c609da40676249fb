import asyncio
import time

from pydantic import BaseModel

from igny8.jobs import JobKind, Running, task


class Nothing(BaseModel):
    pass


class At(BaseModel):
    at: float


@task(JobKind.ANALYZE_CONTENT, arguments=Nothing)
async def stamp(job: Running, _: Nothing) -> None:
    job.report(At(at=time.time()))


@task(JobKind.CHECK_LINKS, arguments=Nothing)
async def nothing(job: Running, _: Nothing) -> None: ...
@task(JobKind.GENERATE_CONTENT, arguments=Nothing)
async def slow(job: Running, _: Nothing) -> None:
    await asyncio.sleep(5)


TASKS = (stamp, nothing, slow)
