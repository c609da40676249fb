"""What the workers of a run do: `igny8 worker --tasks benchmarks.tasks`."""

import asyncio
import time
from pathlib import Path

from pydantic import BaseModel

from benchmarks.stamps import stamp
from igny8.ai.calls import Provider, TextCall
from igny8.jobs import JobKind, JobPhase, Queue, Running, task

GO_SECONDS = 0.02


class Named(BaseModel):
    """What the stamps of a job are called."""

    name: str


class Nothing(BaseModel):
    pass


class Call(BaseModel):
    model: str
    prompt: str


class Speech(BaseModel):
    """So many steps of progress with pauses between them, in seconds, begun once there is the file."""

    name: str
    steps: int
    pause: float
    go: Path


class Rush(BaseModel):
    """Progress without pauses, for so many seconds."""

    name: str
    seconds: float


class Answer(BaseModel):
    title: str
    text: str


@task(JobKind.ANALYZE_CONTENT, arguments=Named, queue=Queue.WORK)
async def enter(job: Running, given: Named) -> None:
    stamp(given.name)


@task(JobKind.CHECK_LINKS, arguments=Nothing, queue=Queue.WORK)
async def nothing(job: Running, _: Nothing) -> None:
    """Ends at once."""


@task(JobKind.DEPLOY_SITE, arguments=Named, queue=Queue.WORK)
async def stay(job: Running, given: Named) -> None:
    """Never ends in its first attempt."""
    stamp(f"{given.name}-{job.attempt}")
    if job.attempt == 1:
        await asyncio.Event().wait()


@task(JobKind.GENERATE_CONTENT, arguments=Call)
async def ask(job: Running, given: Call) -> None:
    call = TextCall(given.model, given.prompt, Answer, "answer")
    await job.engine.text(await job.connection(Provider.OPENAI), call, steps=job.steps(), key="ask")


@task(JobKind.GENERATE_IDEAS, arguments=Speech)
async def speak(job: Running, speech: Speech) -> None:
    while not speech.go.exists():  # noqa: ASYNC110  # the listeners are in another process
        await asyncio.sleep(GO_SECONDS)
    for step in range(speech.steps):
        name = f"{speech.name}-{step}"
        await job.progress(JobPhase.AI_CALL, step * 100 // speech.steps, name)
        stamp(name)
        await asyncio.sleep(speech.pause)


@task(JobKind.GENERATE_IMAGES, arguments=Rush)
async def rush(job: Running, given: Rush) -> None:
    ends, step = time.monotonic() + given.seconds, 0
    stamp(given.name)
    while time.monotonic() < ends:
        await job.progress(JobPhase.AI_CALL, 50, f"Step {step}")
        step += 1
    stamp(f"{given.name}-{step}")


TASKS = (enter, nothing, stay, ask, speak, rush)
