"""Starting to write: which tasks, in whose voice, at what price."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import and_, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import credits
from igny8.auth.tables import Sector, SectorStatus, Site, SiteStatus
from igny8.billing import estimates
from igny8.billing.estimates import DEFAULT_WORDS, Estimate
from igny8.billing.prices import Prices
from igny8.credits import OperationType
from igny8.errors import NotAllowedNow, NotFound, ValidationFailed
from igny8.jobs import JobKind, Subject, enqueue
from igny8.jobs.tables import UNFINISHED, Job, JobItem
from igny8.system import prompts
from igny8.system.tables import AuthorProfile, PromptType
from igny8.writer.choosing import site_of
from igny8.writer.tables import Content, Task
from igny8.writer.tasks import FEWEST_WORDS, MOST_WORDS
from igny8.writer.writing_job import GenerateContent, generate_content

#: Tasks of one job.
MOST_TASKS: Final = 50
_FIELD: Final = ("input", "taskIds")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks to write; `replace` writes anew where there is a content already, as its next version."""

    task_ids: Sequence[UUID]
    author_profile_id: UUID | None = None
    replace: bool = False
    prompt_override: str | None = None


async def estimate(
    session: AsyncSession, account_id: UUID, task_ids: Sequence[UUID], prices: Prices, *, words: int | None = None
) -> Estimate:
    """What it would cost to write these tasks, each with `words` in place of its own length where that is given.

    Raises ValidationFailed, NotFound.
    """
    if words is not None and not FEWEST_WORDS <= words <= MOST_WORDS:
        raise ValidationFailed(f"wordCount is {FEWEST_WORDS:,} to {MOST_WORDS:,}.", field=("input", "wordCount"))
    await site_of(session, account_id, Task, task_ids, ("input", "ids"), most=MOST_TASKS)
    asked = await _words(session, account_id, task_ids)
    return estimates.writing(prices, [words or asked[task_id] for task_id in task_ids])


async def start(
    session: AsyncSession, account_id: UUID, wanted: Wanted, prices: Prices, *, started_by: UUID | None
) -> UUID:
    """Start the job; its id.

    Raises ValidationFailed, NotFound, NotAllowedNow (written already, being written, place not active),
    InsufficientCredits.
    """
    ids = wanted.task_ids
    if wanted.prompt_override is not None:
        await prompts.chosen(session, account_id, PromptType.CONTENT, override=wanted.prompt_override)
    # Before the tasks, as when a job ends: and so two calls cannot both start to write a task.
    await credits.lock(session, account_id)
    site_id = await site_of(session, account_id, Task, ids, _FIELD, most=MOST_TASKS)
    await _require_profile(session, account_id, wanted.author_profile_id)
    await _refuse_inactive(session, account_id, ids)
    await _refuse_being_written(session, account_id, ids)
    if not wanted.replace:
        await _refuse_written(session, account_id, ids)
    words = await _words(session, account_id, ids)
    arguments = GenerateContent(
        author_profile_id=wanted.author_profile_id,
        replace=wanted.replace,
        prompt_override=wanted.prompt_override,
        words=words,
        price=prices[OperationType.CONTENT_GENERATION],
    )
    return await enqueue(
        session,
        generate_content,
        arguments,
        site_id=site_id,
        items=[Subject("task", task_id) for task_id in ids],
        credits=estimates.writing(prices, [words[task_id] for task_id in ids]).credits,
        started_by=started_by,
    )


async def _words(session: AsyncSession, account_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The length that each task asks for."""
    asked = select(Task.id, Task.word_count_target).where(Task.account_id == account_id, Task.id.in_(ids))
    return {id_: words or DEFAULT_WORDS for id_, words in await session.execute(asked)}


async def _require_profile(session: AsyncSession, account_id: UUID, profile_id: UUID | None) -> None:
    if profile_id is None:
        return
    wanted = select(AuthorProfile.id).where(AuthorProfile.account_id == account_id, AuthorProfile.id == profile_id)
    if (await session.execute(wanted)).first() is None:
        raise NotFound("No author profile with this id.", field=("input", "authorProfileId"))


async def _refuse_inactive(session: AsyncSession, account_id: UUID, ids: Sequence[UUID]) -> None:
    resting = (
        select(Task.id)
        .join(Site, and_(Site.account_id == Task.account_id, Site.id == Task.site_id))
        .join(Sector, and_(Sector.account_id == Task.account_id, Sector.id == Task.sector_id))
        .where(Task.account_id == account_id, Task.id.in_(ids))
        .where((Site.status != SiteStatus.ACTIVE.value) | (Sector.status != SectorStatus.ACTIVE.value))
    )
    if (await session.execute(resting)).first() is not None:
        raise NotAllowedNow("The site or the sector is not active: nothing can be started there.")


async def _refuse_being_written(session: AsyncSession, account_id: UUID, ids: Sequence[UUID]) -> None:
    job, item = Job, JobItem
    written = exists().where(
        job.account_id == item.account_id,
        job.id == item.job_id,
        job.kind == JobKind.GENERATE_CONTENT.value,
        job.finished_at.is_(None),
    )
    found = select(item.subject_id).where(
        item.account_id == account_id, item.subject_id.in_(ids), item.state.in_(UNFINISHED), written
    )
    now = set((await session.execute(found)).scalars())
    _refuse(ids, now, "This task is being written by another job. Wait for its end, or cancel it.")


async def _refuse_written(session: AsyncSession, account_id: UUID, ids: Sequence[UUID]) -> None:
    found = select(Content.task_id).where(Content.account_id == account_id, Content.task_id.in_(ids))
    done = set((await session.execute(found)).scalars())
    _refuse(ids, done, "This task has a content already. With `replace` it is written anew, as a new version.")


def _refuse(ids: Sequence[UUID], found: set[UUID | None] | set[UUID], message: str) -> None:
    for number, task_id in enumerate(ids):
        if task_id in found:
            raise NotAllowedNow(message, field=(*_FIELD, str(number)), details={"tasks": len(found)})
