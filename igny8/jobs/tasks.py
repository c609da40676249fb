"""How work is declared: `@task` turns a function into something that can be enqueued.

Nothing is registered anywhere: the worker's composition root lists the tasks that it runs.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

from igny8.jobs.tables import JobKind, Queue

if TYPE_CHECKING:
    from igny8.jobs.running import Running

A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Task(Generic[A]):
    """What to run for the jobs of a kind. `time_limit` is in seconds and for each attempt."""

    kind: JobKind
    arguments: type[A]
    function: "Callable[[Running, A], Awaitable[None]]"
    queue: Queue
    time_limit: float
    attempts: int

    async def run(self, job: "Running", arguments: dict[str, Any]) -> None:
        await self.function(job, self.arguments.model_validate(arguments))


def task(
    kind: JobKind,
    *,
    arguments: type[A],
    queue: Queue = Queue.AI,
    time_limit: float = 900.0,
    attempts: int = 3,
) -> "Callable[[Callable[[Running, A], Awaitable[None]]], Task[A]]":
    """Declare a task. It may run twice and late; what it writes in its job's transactions is there once."""

    def declare(function: "Callable[[Running, A], Awaitable[None]]") -> Task[A]:
        return Task(kind, arguments, function, queue, time_limit, attempts)

    return declare
