"""Fifty articles that one worker writes: undisturbed, with the worker killed twice, and what they cost beside the estimate."""

import asyncio
import json
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import uvloop

from benchmarks.house import House, house
from benchmarks.load import Client
from benchmarks.rows import Row, at_most
from benchmarks.stack import Stack, api, served
from igny8.credits import TransactionType, grant
from igny8.db import LoginRole
from igny8.devstack.providers import SANDBOX_KEY
from igny8.gql import ids

ARTICLES: Final = 50
_WORDS: Final = 900
_CREDITS: Final = 1_000_000
#: When the worker is killed, in articles that are done.
_KILLS: Final = (10, 30)
_LONGEST: Final = 180.0

_TASK: Final = (
    """mutation($input: CreateTaskInput!) { createTask(input: $input) { errors { message } task { id } } }"""
)
_ESTIMATE: Final = (
    """query($ids: [ID!]!) { estimateCredits(input: {kind: GENERATE_CONTENT, ids: $ids}) { credits } }"""
)
_WRITE: Final = """mutation($ids: [ID!]!) { generateContent(input: {taskIds: $ids}) {
  errors { message } job { id creditsHeld } } }"""
_JOB: Final = """query($id: ID!) { job(id: $id) { state itemsDone creditsUsed error { message }
  items(first: 100) { nodes { state creditsUsed subject { ... on Task { content { wordCount } } } } } } }"""


@dataclass(frozen=True, slots=True)
class Written:
    """Seconds from the mutation to the job's end, and the estimates of its articles beside their charges."""

    seconds: float
    estimated: tuple[int, ...]
    charged: tuple[int, ...]

    @property
    def too_much(self) -> float:
        """How far the estimates were above the charges, in per cent of the estimate: the median."""
        both = zip(self.estimated, self.charged, strict=True)
        return statistics.median(100 * (said - paid) / said for said, paid in both)


def rows(running: Stack) -> Iterator[Row]:
    words = [sys.executable, "-m", "igny8.devstack.sandbox", "openai", "--port", "{port}"]
    with served("sandbox", words, running.environment, running.folder) as sandbox:
        provider = {
            "IGNY8_OPENAI_API_KEY": SANDBOX_KEY,
            "IGNY8_OPENAI_BASE_URL": f"http://127.0.0.1:{sandbox.port}/v1",
            "IGNY8_OUTGOING_PRIVATE": "true",
        }
        calm, killed = uvloop.run(_both(running, provider))
    beyond = sum(paid > said for said, paid in zip(calm.estimated, calm.charged, strict=True))
    yield at_most(f"{ARTICLES} articles, one worker", calm.seconds, 30, "s")
    yield at_most("the same, worker killed twice", killed.seconds, 90, "s", "nothing lost, credits exact")
    yield at_most("estimates above the charge, median", calm.too_much, 20, "%", f"{beyond} were below it")
    yield at_most("estimates below the charge", beyond, 0, "", f"of {ARTICLES}")


async def _both(running: Stack, provider: dict[str, str]) -> tuple[Written, Written]:
    async with house(running) as made:
        await _fund(made)
        environment = {**running.environment, **provider}
        with served("api-writing", api(running), environment, running.folder) as server, made.program("dispatcher"):
            headers = {"Authorization": f"Bearer {running.token_of(running.reader)}"}
            client = Client(server, headers)
            return await _written(made, client, provider, kills=()), await _written(
                made, client, provider, kills=_KILLS
            )


async def _written(made: House, client: Client, provider: dict[str, str], *, kills: tuple[int, ...]) -> Written:
    before = _balance(made)
    task_ids = [_task(made, client, number) for number in range(ARTICLES)]
    estimated = tuple(_asked(client, _ESTIMATE, ids=[id_])["estimateCredits"]["credits"] for id_ in task_ids)
    with ExitStack() as programs:
        worker = programs.enter_context(made.program("worker", **provider))
        begun = time.monotonic()
        job_id = _begun(client, task_ids)
        for done in kills:
            await _until(client, job_id, done)
            worker.popen.send_signal(signal.SIGKILL)
            worker.popen.wait()
            worker = programs.enter_context(made.program("worker", **provider))
        job = await _until(client, job_id, ARTICLES)
        seconds = time.monotonic() - begun
    items = job["items"]["nodes"]
    charged = tuple(item["creditsUsed"] for item in items)
    expected = tuple(-(-item["subject"]["content"]["wordCount"] // 100) for item in items)
    if (job["state"], charged, sum(charged)) != ("SUCCEEDED", expected, before - _balance(made)):
        raise RuntimeError(f"the books are wrong: {job['state']}, {charged}, {expected}")
    return Written(seconds, estimated, charged)


def _task(made: House, client: Client, number: int) -> str:
    row = made.sql.execute(
        "SELECT id FROM sector WHERE site_id = %s ORDER BY id LIMIT 1", [made.running.reader.site_id]
    ).fetchone()
    assert row is not None
    title = f"How to look after a garden of kind {number}"
    input = {"sectorId": ids.show("sec", row[0]), "title": title, "wordCountTarget": _WORDS}
    id_: str = _answered(client, _TASK, "createTask", input=input)["task"]["id"]
    return id_


def _begun(client: Client, task_ids: list[str]) -> str:
    id_: str = _answered(client, _WRITE, "generateContent", ids=task_ids)["job"]["id"]
    return id_


async def _until(client: Client, job_id: str, done: int) -> dict[str, Any]:
    """The job, once so many articles are there, or all that will be. Raises RuntimeError when it takes too long."""
    ends = time.monotonic() + _LONGEST
    while time.monotonic() < ends:
        job: dict[str, Any] = _asked(client, _JOB, id=job_id)["job"]
        if job["state"] not in ("QUEUED", "RUNNING", "RETRYING") or (done < ARTICLES and job["itemsDone"] >= done):
            return job
        await asyncio.sleep(0.2)
    raise RuntimeError(f"{job['itemsDone']} of {ARTICLES} articles after {_LONGEST:g} s")


def _answered(client: Client, text: str, field: str, **variables: object) -> dict[str, Any]:
    payload: dict[str, Any] = _asked(client, text, **variables)[field]
    if payload["errors"]:
        raise RuntimeError(f"{field}: {payload['errors']}")
    return payload


def _asked(client: Client, text: str, **variables: object) -> dict[str, Any]:
    client.reconnect()  # there were pauses
    answer = json.loads(client.ask(text, variables))
    if "errors" in answer:
        raise RuntimeError(str(answer["errors"]))
    data: dict[str, Any] = answer["data"]
    return data


async def _fund(made: House) -> None:
    async with made.db.session(LoginRole.SYSTEM) as session:
        await grant(
            session,
            made.running.reader.account_id,
            _CREDITS,
            key="articles",
            transaction_type=TransactionType.ADJUSTMENT,
            description="Enough to write with",
        )


def _balance(made: House) -> int:
    """Credits of the account. Raises RuntimeError when some are held."""
    row = made.sql.execute(
        "SELECT balance, held FROM wallet WHERE account_id = %s", [made.running.reader.account_id]
    ).fetchone()
    if row is None or row[1]:
        raise RuntimeError(f"something is held: {row}")
    return int(row[0])
