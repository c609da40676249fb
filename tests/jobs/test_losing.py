"""Workers die, hang and come back, Redis forgets, hints come twice: every job ends, and no effect is there twice."""

import asyncio
import signal
from pathlib import Path

import pytest
from redis.asyncio import Redis

from igny8.db import Database
from igny8.events import Bus
from igny8.jobs import Queue
from igny8.jobs.hints import NAMESPACE, Hints
from igny8.jobs.progress import Line
from igny8.jobs.sweeping import Sweep
from igny8.settings import Settings
from tests.jobs.conftest import WORKER, Jobs, Start, positions, until
from tests.jobs.tasks import Fault, Nothing, Recipe, fail, short, write

pytestmark = pytest.mark.anyio


def paused(folder: Path, items: int = 3) -> Recipe:
    """Stops before the second of the items."""
    return Recipe(credits=5, folder=folder, waits_at=min(1, items - 1))


async def test_a_killed_worker_loses_no_job_and_repeats_no_effect(
    work: Jobs, dispatcher: None, start_process: Start, tmp_path: Path
) -> None:
    first = start_process(*WORKER)
    job_id = await work.start(write, paused(tmp_path), items=3, credits=20)
    await until((tmp_path / "begun-1").exists)
    assert positions(work.items(job_id), "SUCCEEDED") == [0]
    first.send_signal(signal.SIGKILL)
    start_process(*WORKER)
    (tmp_path / "go").touch()
    job = await work.ended(job_id)
    assert (job.state, job.attempt, job.credits_used, work.wallet()) == ("SUCCEEDED", 2, 15, (985, 0))
    assert (work.effects(job_id), (tmp_path / "begun-2").exists()) == (3, True)
    told = [(event.state, event.message) for event in work.events(job_id)]
    assert ("RETRYING", "The worker was lost; another one goes on.") in told


async def test_a_stopped_worker_that_comes_back_writes_nothing(
    work: Jobs, dispatcher: None, start_process: Start, tmp_path: Path
) -> None:
    zombie = start_process(*WORKER)
    job_id = await work.start(write, paused(tmp_path), items=3, credits=20)
    await until((tmp_path / "begun-1").exists)
    zombie.send_signal(signal.SIGSTOP)
    start_process(*WORKER)
    await until((tmp_path / "begun-2").exists)
    (tmp_path / "go").touch()
    job = await work.ended(job_id)
    before = (job, work.items(job_id), work.events(job_id), work.effects(job_id), work.wallet())
    zombie.send_signal(signal.SIGCONT)
    log = tmp_path / "process-0.log"
    await until(lambda: "job lost: its lease had ended" in log.read_text(), log.read_text)
    after = (work.job(job_id), work.items(job_id), work.events(job_id), work.effects(job_id), work.wallet())
    assert after == before
    assert (job.state, job.attempt, work.effects(job_id)) == ("SUCCEEDED", 2, 3)


async def test_a_job_that_its_workers_die_of_is_given_up(work: Jobs, dispatcher: None, start_process: Start) -> None:
    job_id = await work.start(fail, Fault(fault="deadly"), items=1, credits=10)
    for attempt in (1, 2, 3):
        process = start_process(*WORKER)
        await asyncio.to_thread(process.wait, 30)
        assert process.returncode == -signal.SIGKILL
        assert work.job(job_id).attempt == attempt
        # The lease would end by itself, 10 s after the last sign of life.
        work.sql.execute("UPDATE job SET lease_until = now() WHERE id = %s", [job_id])
        await work.until(job_id, "RETRYING", "FAILED")
        work.hurry(job_id)
    job = await work.ended(job_id)
    assert (job.state, job.error_code, job.attempt) == ("FAILED", "CRASHED", 3)
    assert (work.states(job_id), work.wallet()) == (["FAILED"], (1_000, 0))


async def test_a_stopped_job_of_a_lost_worker_is_cancelled(
    work: Jobs, dispatcher: None, start_process: Start, tmp_path: Path
) -> None:
    process = start_process(*WORKER)
    job_id = await work.start(write, paused(tmp_path), items=3, credits=20)
    await until((tmp_path / "begun-1").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    await work.cancel(job_id)
    job = await work.ended(job_id)
    assert (job.state, job.items_done, job.credits_used, work.wallet()) == ("CANCELLED", 1, 5, (995, 0))


async def test_a_worker_that_is_told_to_end_ends_its_jobs_first(
    work: Jobs, dispatcher: None, start_process: Start, tmp_path: Path
) -> None:
    process = start_process(*WORKER)
    job_id = await work.start(write, paused(tmp_path), items=3, credits=20)
    await until((tmp_path / "begun-1").exists)
    process.terminate()
    log = tmp_path / "process-0.log"
    await until(lambda: "worker draining" in log.read_text(), log.read_text)
    later = await work.start(short, Nothing())
    (tmp_path / "go").touch()
    job = await work.ended(job_id)
    assert (job.state, job.attempt) == ("SUCCEEDED", 1)
    assert await asyncio.to_thread(process.wait, 30) == 0
    assert work.job(later).state == "QUEUED"


async def test_what_does_not_end_in_time_is_given_back_and_not_counted(
    work: Jobs, dispatcher: None, start_process: Start, tmp_path: Path
) -> None:
    process = start_process(*WORKER, IGNY8_DRAIN_SECONDS="0.2")
    job_id = await work.start(write, paused(tmp_path), items=3, credits=20)
    await until((tmp_path / "begun-1").exists)
    process.terminate()
    assert await asyncio.to_thread(process.wait, 30) == 0
    job = work.job(job_id)
    assert (job.state, job.attempt, job.error_code) == ("RETRYING", 0, None)
    (tmp_path / "go").touch()
    start_process(*WORKER)
    job = await work.ended(job_id)
    assert (job.state, job.attempt, work.effects(job_id), work.wallet()) == ("SUCCEEDED", 1, 3, (985, 0))


async def test_a_redis_that_forgets_everything_loses_no_job(
    work: Jobs, dispatcher: None, start_process: Start, redis_url: str
) -> None:
    started = [await work.start(short, Nothing()) for _ in range(30)]
    await until(lambda: len(work.rows("SELECT FROM job WHERE hinted_at IS NOT NULL")) == 20)
    async with Redis.from_url(redis_url) as redis:
        assert await redis.llen(f"{NAMESPACE}:work") == 20
        await redis.flushdb()
    start_process(*WORKER)
    for job_id in started:
        assert (await work.ended(job_id)).attempt == 1


async def test_a_hint_that_comes_often_runs_its_job_once(
    work: Jobs, worker: None, db: Database, redis_url: str
) -> None:
    job_id = await work.start(write, Recipe(credits=5), items=3, credits=20)
    bus = Bus(redis_url)
    hints = Hints(db, redis_url, bus)
    await hints.send([(Line(work.tenant.id, Queue.AI), job_id)] * 50)
    job = await work.ended(job_id)
    await hints.send([(Line(work.tenant.id, Queue.AI), job_id)] * 50)
    await hints.send([(Line(work.tenant.id, Queue.AI), last := await work.start(write, Recipe()))])
    await work.ended(last)
    await hints.close()
    await bus.close()
    assert (work.job(job_id), work.effects(job_id)) == (job, 3)
    assert (job.state, job.attempt, job.fence, work.wallet()) == ("SUCCEEDED", 1, 2, (985, 0))


async def test_a_hint_that_a_dead_worker_held_is_sent_again(
    work: Jobs, db: Database, settings: Settings, redis_url: str
) -> None:
    bus = Bus(redis_url)
    hints = Hints(db, redis_url, bus)
    sweep = Sweep(db, hints)
    lost = await work.start(short, Nothing())
    await sweep.once()
    async with Redis.from_url(redis_url) as redis:
        assert await redis.llen(f"{NAMESPACE}:work") == 1
        await sweep.once()
        assert await redis.llen(f"{NAMESPACE}:work") == 1
        await redis.lpop(f"{NAMESPACE}:work")
        await sweep.once()
        assert await redis.llen(f"{NAMESPACE}:work") == 0  # it may be on its way
        work.sql.execute("UPDATE job SET hinted_at = now() - interval '3 s'")
        await sweep.once()
        assert await redis.llen(f"{NAMESPACE}:work") == 1
        # With others in the queue it is missed later, by their number.
        work.sql.execute("UPDATE job SET hinted_at = now() - interval '31 s'")
        await sweep.once()
        assert await redis.llen(f"{NAMESPACE}:work") == 1
        await work.start(short, Nothing())
        await sweep.once()
        work.sql.execute("UPDATE job SET hinted_at = now() - interval '31 s' WHERE id = %s", [lost])
        await redis.lpop(f"{NAMESPACE}:work")
        await sweep.once()
        assert await redis.llen(f"{NAMESPACE}:work") == 2
    await hints.close()
    await bus.close()
