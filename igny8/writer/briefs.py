"""What a model has to know of a task to write it: the task, its place, the voice and the instructions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth.tables import Site
from igny8.planner.tables import Cluster, Idea, Keyword
from igny8.system import prompts, strategies
from igny8.system.prompts import Prompt
from igny8.system.tables import AuthorProfile, PromptType
from igny8.writer.tables import Content, Task, TaskKeyword

_MOST_KEYWORDS: Final = 20


@dataclass(frozen=True, slots=True)
class Brief:
    """`content_id` is what the task has already.

    A profile that was chosen writes in its own language, the default one in the language of the site.
    """

    task_id: UUID
    site_id: UUID
    sector_id: UUID
    cluster_id: UUID | None
    content_id: UUID | None
    author_profile_id: UUID | None
    title: str
    keyword: str | None
    content_type: str
    content_structure: str
    language: str
    facts: Mapping[str, object]
    voice: Mapping[str, str]
    prompt: Prompt


async def of(
    session: AsyncSession,
    account_id: UUID,
    task_id: UUID,
    *,
    author_profile_id: UUID | None,
    prompt_override: str | None,
) -> Brief | None:
    """The brief as it is now; None when the task is gone. `author_profile_id` is preferred to the task's own."""
    task = await _task(session, account_id, task_id)
    if task is None:
        return None
    chosen = author_profile_id or task.author_profile_id
    profile = await _profile(session, account_id, chosen)
    strategy = await strategies.instructions_for(
        session, account_id, PromptType.CONTENT, sector_id=task.sector_id, only=task.strategy_id
    )
    language = profile.language if profile is not None and profile.id == chosen else task.language
    voice = {
        "language": language,
        "tone": profile.tone if profile else None,
        "author": profile.instructions if profile else None,
        "strategy": strategy,
    }
    return Brief(
        task_id=task_id,
        site_id=task.site_id,
        sector_id=task.sector_id,
        cluster_id=task.cluster_id,
        content_id=task.content_id,
        author_profile_id=profile.id if profile else None,
        title=task.title,
        keyword=task.target_keyword,
        content_type=task.content_type,
        content_structure=task.content_structure,
        language=language,
        facts=_facts(task, await _keywords(session, account_id, task_id)),
        voice={name: value for name, value in voice.items() if value},
        prompt=await prompts.chosen(session, account_id, PromptType.CONTENT, override=prompt_override),
    )


async def _task(session: AsyncSession, account_id: UUID, task_id: UUID) -> Any:
    wanted = (
        select(
            Task.site_id,
            Task.sector_id,
            Task.cluster_id,
            Task.author_profile_id,
            Task.strategy_id,
            Task.title,
            Task.description,
            Task.target_keyword,
            Task.content_type,
            Task.content_structure,
            Site.language,
            Cluster.name.label("cluster"),
            Idea.outline,
            Content.id.label("content_id"),
        )
        .join(Site, and_(Site.account_id == Task.account_id, Site.id == Task.site_id))
        .outerjoin(Cluster, and_(Cluster.account_id == Task.account_id, Cluster.id == Task.cluster_id))
        .outerjoin(Idea, and_(Idea.account_id == Task.account_id, Idea.id == Task.idea_id))
        .outerjoin(Content, and_(Content.account_id == Task.account_id, Content.task_id == Task.id))
        .where(Task.account_id == account_id, Task.id == task_id)
    )
    return (await session.execute(wanted)).one_or_none()


async def _profile(session: AsyncSession, account_id: UUID, chosen: UUID | None) -> Any:
    """The chosen profile, or the default one, which is also used when the chosen one is gone."""
    profile = AuthorProfile
    wanted = select(profile.id, profile.tone, profile.language, profile.instructions).where(
        profile.account_id == account_id, or_(profile.id == chosen, profile.is_default)
    )
    return (await session.execute(wanted.order_by((profile.id == chosen).desc().nulls_last()).limit(1))).one_or_none()


async def _keywords(session: AsyncSession, account_id: UUID, task_id: UUID) -> Sequence[str]:
    meant = and_(TaskKeyword.account_id == Keyword.account_id, TaskKeyword.keyword_id == Keyword.id)
    wanted = (
        select(Keyword.keyword)
        .join(TaskKeyword, meant)
        .where(TaskKeyword.account_id == account_id, TaskKeyword.task_id == task_id)
        .order_by(Keyword.volume.desc().nulls_last(), Keyword.id)
        .limit(_MOST_KEYWORDS)
    )
    return (await session.execute(wanted)).scalars().all()


def _facts(task: Any, keywords: Sequence[str]) -> dict[str, object]:
    """What the prompts say of the task; what it does not have is left out."""
    facts = {
        "title": task.title,
        "description": task.description,
        "target_keyword": task.target_keyword or (keywords[0] if keywords else None),
        "keywords": list(keywords),
        "topic": task.cluster,
        "kind": task.content_structure.replace("_", " ").lower(),
        "outline": task.outline,
    }
    return {name: value for name, value in facts.items() if value}
