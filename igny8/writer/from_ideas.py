"""Ideas become tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, limits
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import NotAllowedNow, NotFound
from igny8.limits import PlanLimit
from igny8.planner import places
from igny8.planner.idea_inputs import words
from igny8.planner.tables import Idea, IdeaKeyword, IdeaStatus
from igny8.system import strategies
from igny8.system.tables import PromptType
from igny8.writer.tables import Task, TaskKeyword


@dataclass(frozen=True, slots=True)
class Wishes:
    """What holds for all of the tasks; without a length each is as long as its idea says."""

    author_profile_id: UUID | None = None
    strategy_id: UUID | None = None
    word_count_target: int | None = None
    due_at: datetime | None = None


async def create(session: AsyncSession, account_id: UUID, idea_ids: Sequence[UUID], wishes: Wishes) -> list[UUID]:
    """A new task for each idea of one site, in the order of the ideas; the ideas are queued by it.

    An idea may have several tasks. Raises ValidationFailed, NotFound, NotAllowedNow (in the archive), LimitReached.
    """
    words(wishes.word_count_target, ("wordCountTarget",))
    found = await places.of_rows(session, account_id, Idea, idea_ids, ("ideaIds",))
    if wishes.strategy_id is not None:
        await strategies.require_for(
            session,
            account_id,
            wishes.strategy_id,
            PromptType.CONTENT,
            sector_ids={place.sector_id for place in found.values()},
            field=("strategyId",),
        )
    ideas = await _held(session, account_id, idea_ids)
    rows = [_row(ideas[idea_id], wishes) for idea_id in idea_ids]
    no_profile = NotFound("No author profile with this id.", field=("authorProfileId",))
    async with constraints.told(session, {"fk_task_account_id_author_profile_id": no_profile}):
        await session.execute(insert(Task), rows)
    await limits.check(session, account_id, PlanLimit.TASKS)
    made: list[UUID] = [row["id"] for row in rows]
    await _link_keywords(session, account_id, made)
    site_id = found[idea_ids[0]].site_id
    changes.record(session, ChangeKind.CREATED, "Task", made, site_id=site_id)
    changes.record(session, ChangeKind.UPDATED, "ContentIdea", idea_ids, site_id=site_id)
    return made


async def _held(session: AsyncSession, account_id: UUID, idea_ids: Sequence[UUID]) -> Mapping[UUID, Idea]:
    """The ideas, which stay until the transaction ends. Raises NotFound, NotAllowedNow."""
    wanted = select(Idea).where(Idea.account_id == account_id, Idea.id.in_(idea_ids)).order_by(Idea.id)
    found = await session.execute(wanted.with_for_update(read=True, key_share=True))
    ideas = {idea.id: idea for idea in found.scalars()}
    for number, idea_id in enumerate(idea_ids):
        field = ("ideaIds", str(number))
        if idea_id not in ideas:
            raise NotFound("No idea with this id.", field=field)
        if ideas[idea_id].status == IdeaStatus.ARCHIVED:
            raise NotAllowedNow(f"{ideas[idea_id].title} is in the archive. Take it out first.", field=field)
    return ideas


def _row(idea: Idea, wishes: Wishes) -> dict[str, Any]:
    return {
        "account_id": idea.account_id,
        "site_id": idea.site_id,
        "sector_id": idea.sector_id,
        "id": new_id(),
        "cluster_id": idea.cluster_id,
        "idea_id": idea.id,
        "title": idea.title,
        "description": idea.description,
        "priority": idea.priority,
        "content_type": idea.content_type,
        "content_structure": idea.content_structure,
        "word_count_target": wishes.word_count_target or idea.estimated_word_count,
        "target_keyword": idea.target_keyword,
        "due_at": wishes.due_at,
        "author_profile_id": wishes.author_profile_id,
        "strategy_id": wishes.strategy_id,
    }


async def _link_keywords(session: AsyncSession, account_id: UUID, task_ids: Sequence[UUID]) -> None:
    """The tasks are meant for the keywords of their ideas."""
    meant = (
        select(Task.account_id, Task.id, IdeaKeyword.keyword_id, Task.site_id)
        .join(IdeaKeyword, (IdeaKeyword.account_id == Task.account_id) & (IdeaKeyword.idea_id == Task.idea_id))
        .where(Task.account_id == account_id, Task.id.in_(task_ids))
    )
    columns = ["account_id", "task_id", "keyword_id", "site_id"]
    await session.execute(insert(TaskKeyword).from_select(columns, meant))
