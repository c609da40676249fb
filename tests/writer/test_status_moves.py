"""Statuses: users move contents along the allowed ways alone, and tasks always follow their jobs and contents."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from igny8.db import new_id
from igny8.gql import ids
from igny8.settings import Settings
from igny8.writer.contents import MOVES
from igny8.writer.tables import ContentStatus
from tests.support.graph import Graph
from tests.support.workshop import Providers, Workshop, workshop
from tests.support.world import World
from tests.writer.bench import act, content, status_of

pytestmark = pytest.mark.anyio

DRAFT, REVIEW, PUBLISHED, ARCHIVED = ContentStatus


@pytest.fixture
async def idle(settings: Settings, world: World, providers: Providers) -> Any:
    """A workshop without workers."""
    async with workshop(settings, world, providers, workers=0) as made:
        yield made


@pytest.mark.parametrize("seed", range(3))
async def test_contents_go_where_they_may_and_nowhere_else(idle: Workshop, seed: int) -> None:
    random = Random(seed)
    made = [await content(idle, f"Content {number}") for number in range(4)]
    expected = dict.fromkeys(made, DRAFT)
    for _ in range(40):
        chosen, wanted = random.sample(made, random.randint(1, 3)), random.choice(list(ContentStatus))
        answer = await act(idle, "setContentStatus", "contents { id status }", ids=chosen, status=wanted.value)
        barred = [id_ for id_ in chosen if expected[id_] is not wanted and wanted not in MOVES[expected[id_]]]
        if barred:
            (error,) = answer["errors"]
            assert (error["code"], error["field"]) == ("NOT_ALLOWED_NOW", ["ids", str(chosen.index(barred[0]))])
            assert all(status in error["message"] for status in MOVES[expected[barred[0]]] if wanted is not PUBLISHED)
        else:
            expected |= dict.fromkeys(chosen, wanted)
            assert answer["contents"] == [{"id": id_, "status": wanted.value} for id_ in chosen]
        if random.random() < 0.1:
            published = random.choice(made)
            idle.world.sql.execute(
                "UPDATE content SET status = 'PUBLISHED' WHERE id = %s", [ids.parse("con", published)]
            )
            expected[published] = PUBLISHED
        shown = await idle.api.data("{ contents(first: 9) { nodes { id status version } } }", as_=idle.editor)
        assert {one["id"]: one["status"] for one in shown["contents"]["nodes"]} == expected
        assert {one["version"] for one in shown["contents"]["nodes"]} == {1}


class Line:
    """Tasks, and jobs that write them, moved by statements such as workers and sweepers make."""

    def __init__(self, shop: Workshop, random: Random) -> None:
        self.shop, self.random, self.graph = shop, random, Graph(shop.world, shop.tenant)
        self.tasks = [self.graph.task(f"Task {number}") for number in range(4)]
        self.expected = dict.fromkeys(self.tasks, "QUEUED")
        self.contents: dict[UUID, UUID] = {}
        self.jobs: list[UUID] = []

    def start(self) -> None:
        """A job for some tasks; nothing moves before it is claimed."""
        job_id, scope = new_id(), self.shop.tenant.sites["a"]
        self.run(
            "INSERT INTO job (account_id, id, scope_id, kind, queue, items_total, max_attempts)"
            " VALUES (%s, %s, %s, 'GENERATE_CONTENT', 'ai', 2, 3)", self.shop.tenant.id, job_id, scope,
        )  # fmt: skip
        for position, task_id in enumerate(self.random.sample(self.tasks, 2)):
            self.run(
                "INSERT INTO job_item (account_id, id, job_id, scope_id, position, subject_kind, subject_id)"
                " VALUES (%s, %s, %s, %s, %s, 'task', %s)",
                self.shop.tenant.id, new_id(), job_id, scope, position, task_id,
            )  # fmt: skip
        self.jobs.append(job_id)

    def claim(self) -> None:
        job_id = self.random.choice(self.jobs)
        was = self.run("SELECT state FROM job WHERE id = %s", job_id)[0][0]
        self.run("UPDATE job SET state = 'RUNNING', lease_until = now() WHERE id = %s", job_id)
        if was != "RUNNING":
            open_ = self.run(
                "SELECT subject_id FROM job_item WHERE job_id = %s AND state IN ('QUEUED', 'RUNNING', 'RETRYING')",
                job_id,
            )
            self.expected |= {task_id: "IN_PROGRESS" for (task_id,) in open_}

    def end_item(self) -> None:
        item = self.run("SELECT id, subject_id, state FROM job_item WHERE job_id = %s", self.random.choice(self.jobs))
        id_, task_id, was = self.random.choice(item)
        state = self.random.choice(("SUCCEEDED", "FAILED", "CANCELLED", "RETRYING"))
        self.run("UPDATE job_item SET state = %s WHERE id = %s", state, id_)
        if state != was:
            over = "COMPLETED" if task_id in self.contents else "QUEUED"
            follows = {"SUCCEEDED": "COMPLETED", "FAILED": "FAILED", "CANCELLED": over, "RETRYING": "IN_PROGRESS"}
            self.expected[task_id] = follows[state]

    def write(self) -> None:
        for task_id in self.tasks:
            if task_id not in self.contents:
                self.contents[task_id] = self.graph.content(f"Text {new_id().hex}", task_id=task_id)
                self.expected[task_id] = "COMPLETED"
                return

    def unwrite(self) -> None:
        if self.contents:
            task_id, content_id = self.contents.popitem()
            self.run("DELETE FROM content WHERE id = %s", content_id)
            if self.expected[task_id] in ("COMPLETED", "FAILED"):
                self.expected[task_id] = "QUEUED"

    def run(self, statement: str, *values: Any) -> list[Any]:
        done = self.shop.world.sql.execute(statement, values)  # type: ignore[call-overload]  # statements of ours
        return done.fetchall() if done.description else []


@pytest.mark.parametrize("seed", range(3))
async def test_tasks_follow_their_jobs_and_contents(idle: Workshop, seed: int) -> None:
    random = Random(seed)
    line = Line(idle, random)
    line.start()
    for _ in range(60):
        random.choice((line.start, line.claim, line.end_item, line.end_item, line.write, line.unwrite))()
        shown = await status_of(idle, *(ids.show("tsk", task_id) for task_id in line.tasks))
        assert shown == [line.expected[task_id] for task_id in line.tasks]
