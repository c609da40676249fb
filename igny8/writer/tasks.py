"""Tasks made, changed and deleted by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete as deletion
from sqlalchemy import func, insert, select
from sqlalchemy import update as change
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs, limits
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import Conflict, NotFound, ValidationFailed
from igny8.inputs import KEEP, Check, Field, Keep
from igny8.jobs.cancelling import cancel_work_on
from igny8.limits import PlanLimit
from igny8.planner.tables import ContentStructure, ContentType, Keyword
from igny8.writer import places
from igny8.writer.choosing import MOST_IDS, hold, site_of
from igny8.writer.tables import Content, Image, Task, TaskKeyword

LONGEST_TITLE: Final = 300
LONGEST_KEYWORD: Final = 300
#: Words that may be asked for.
FEWEST_WORDS: Final = 50
MOST_WORDS: Final = 10_000
_HIGHEST_PRIORITY: Final = 1_000


def _title(value: str | None, field: Field) -> str:
    return inputs.name(value, field, longest=LONGEST_TITLE)


def _keyword(value: str | None, field: Field) -> str | None:
    return inputs.name(value, field, longest=LONGEST_KEYWORD) if (value or "").strip() else None


_CHECKS: Final[dict[str, Check]] = {"title": _title, "description": inputs.text, "target_keyword": _keyword}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """What is to be different; what is `KEEP` stays as it is, or as new tasks are."""

    title: str | Keep | None = KEEP
    description: str | Keep | None = KEEP
    cluster_id: UUID | Keep | None = KEEP
    idea_id: UUID | Keep | None = KEEP
    keyword_ids: Sequence[UUID] | Keep | None = KEEP
    content_type: ContentType | Keep | None = KEEP
    content_structure: ContentStructure | Keep | None = KEEP
    word_count_target: int | Keep | None = KEEP
    target_keyword: str | Keep | None = KEEP
    priority: int | Keep | None = KEEP
    due_at: datetime | Keep | None = KEEP
    author_profile_id: UUID | Keep | None = KEEP
    strategy_id: UUID | Keep | None = KEEP


async def create(session: AsyncSession, account_id: UUID, sector_id: UUID, given: TaskChange) -> UUID:
    """A new task; its id. Raises ValidationFailed, NotFound, LimitReached."""
    values = _values(given)
    if given.title is KEEP:
        raise ValidationFailed("A task needs a title.", field=("input", "title"))
    site_id = await places.site_of_sector(session, account_id, sector_id)
    await _check_strategy(session, account_id, given, sector_id)
    task_id = new_id()
    owned = {"account_id": account_id, "id": task_id, "site_id": site_id, "sector_id": sector_id}
    async with constraints.told(session, places.missing("task")):
        await session.execute(insert(Task).values(**owned, **values))
    await _link_keywords(session, account_id, site_id, task_id, given.keyword_ids)
    await limits.check(session, account_id, PlanLimit.TASKS)
    changes.record(session, ChangeKind.CREATED, "Task", [task_id], site_id=site_id)
    return task_id


async def update(session: AsyncSession, account_id: UUID, task_id: UUID, given: TaskChange) -> None:
    """Change what is given. Raises ValidationFailed, NotFound."""
    values = _values(given)
    mine = (Task.account_id == account_id, Task.id == task_id)
    place = select(Task.site_id, Task.sector_id).where(*mine).with_for_update(key_share=True)
    found = (await session.execute(place)).one_or_none()
    if found is None:
        raise NotFound("No task with this id.", field=("input", "id"))
    site_id, sector_id = found
    await _check_strategy(session, account_id, given, sector_id)
    if values:
        async with constraints.told(session, places.missing("task")):
            await session.execute(change(Task).where(*mine).values(values))
    await _link_keywords(session, account_id, site_id, task_id, given.keyword_ids)
    if values or given.keyword_ids is not KEEP:
        changes.record(session, ChangeKind.UPDATED, "Task", [task_id], site_id=site_id)


async def delete(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], *, force: bool = False) -> None:
    """Delete tasks; with `force` those with contents or images, too, which then stand alone.

    Raises ValidationFailed, NotFound, and Conflict with the counts of what depends on them.
    """
    await cancel_work_on(session, ids)  # jobs are locked before their tasks, as when they are claimed
    site_id = await site_of(session, account_id, Task, ids, ("ids",))
    await hold(session, account_id, Task, ids)
    if not force:
        await _refuse_dependants(session, account_id, ids)
    await session.execute(deletion(Task).where(Task.account_id == account_id, Task.id.in_(ids)))
    changes.record(session, ChangeKind.DELETED, "Task", ids, site_id=site_id)


def _values(given: TaskChange) -> dict[str, object]:
    """The columns that change."""
    values = inputs.checked(
        _CHECKS,
        {"title": given.title, "description": given.description, "target_keyword": given.target_keyword},
    )
    references = {
        "cluster_id": given.cluster_id,
        "idea_id": given.idea_id,
        "due_at": given.due_at,
        "author_profile_id": given.author_profile_id,
        "strategy_id": given.strategy_id,
    }
    values |= {name: value for name, value in references.items() if value is not KEEP}
    if given.content_type is not KEEP:
        values["content_type"] = inputs.required(given.content_type, ("input", "contentType")).value
    if given.content_structure is not KEEP:
        values["content_structure"] = inputs.required(given.content_structure, ("input", "contentStructure")).value
    if given.word_count_target is not KEEP:
        values["word_count_target"] = _words(given.word_count_target)
    if given.priority is not KEEP:
        values["priority"] = _priority(given.priority)
    return values


def _words(asked: int | None) -> int | None:
    if asked is not None and not FEWEST_WORDS <= asked <= MOST_WORDS:
        raise ValidationFailed(
            f"A text has {FEWEST_WORDS:,} to {MOST_WORDS:,} words.", field=("input", "wordCountTarget")
        )
    return asked


def _priority(asked: int | None) -> int:
    given = inputs.required(asked, ("input", "priority"))
    if abs(given) > _HIGHEST_PRIORITY:
        raise ValidationFailed(
            f"A priority is between -{_HIGHEST_PRIORITY:,} and {_HIGHEST_PRIORITY:,}.", field=("input", "priority")
        )
    return given


async def _check_strategy(session: AsyncSession, account_id: UUID, given: TaskChange, sector_id: UUID) -> None:
    if isinstance(given.strategy_id, UUID):
        await places.require_strategy(session, account_id, given.strategy_id, sector_id)


async def _link_keywords(
    session: AsyncSession, account_id: UUID, site_id: UUID, task_id: UUID, wanted: Sequence[UUID] | Keep | None
) -> None:
    """Let the task be meant for these keywords and no others. Raises ValidationFailed, NotFound."""
    if wanted is KEEP:
        return
    field, ids = ("input", "keywordIds"), list(dict.fromkeys(wanted or ()))
    if len(ids) > MOST_IDS:
        raise ValidationFailed(f"Give at most {MOST_IDS:,} keywords.", field=field)
    here = select(Keyword.id).where(Keyword.account_id == account_id, Keyword.site_id == site_id, Keyword.id.in_(ids))
    present = set((await session.execute(here)).scalars())
    for number, keyword_id in enumerate(ids):
        if keyword_id not in present:
            raise NotFound("No keyword with this id.", field=(*field, str(number)))
    mine = (TaskKeyword.account_id == account_id, TaskKeyword.task_id == task_id)
    await session.execute(deletion(TaskKeyword).where(*mine))
    if ids:
        owned = {"account_id": account_id, "site_id": site_id, "task_id": task_id}
        gone = NotFound("One of the keywords was deleted meanwhile.", field=field)
        async with constraints.told(session, {"fk_task_keyword_account_id_site_id_keyword_id": gone}):
            await session.execute(insert(TaskKeyword), [{**owned, "keyword_id": id_} for id_ in ids])


async def _refuse_dependants(session: AsyncSession, account_id: UUID, ids: Sequence[UUID]) -> None:
    counts: dict[str, int] = {}
    for name, table in (("contents", Content), ("images", Image)):
        held = select(func.count()).where(table.account_id == account_id, table.task_id.in_(ids))
        counts[name] = (await session.execute(held)).scalar_one()
    if any(counts.values()):
        told = " and ".join(f"{count} {name}" for name, count in counts.items() if count)
        raise Conflict(
            f"These tasks still have {told}. With `force` the tasks go, and what they have stays without a task.",
            details=counts,
        )
