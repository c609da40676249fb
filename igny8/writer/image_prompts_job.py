"""The job that describes images: a model reads a content and says what its pictures show, and where they stand."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, limits
from igny8.ai.calls import Answered, Provider, TextCall
from igny8.ai.catalogue import ModelKind
from igny8.changes import ChangeKind
from igny8.credits import OperationType
from igny8.db import new_id
from igny8.jobs import Charge, Item, JobErrorCode, JobFailure, JobKind, JobPhase, Queue, Running, Subject, task
from igny8.limits import PlanLimit
from igny8.system import prompts, templates
from igny8.system.tables import PromptType
from igny8.writer.item_by_item import begin, each
from igny8.writer.sections import Section, sections
from igny8.writer.tables import Content, Image, ImageType

_AT_ONCE: Final = 8
#: What the model gets to read of each section, and what is taken of its answer; in characters.
_SECTION_TEXT: Final = 600
_LONGEST_PROMPT: Final = 2_000
_LONGEST_ALT_TEXT: Final = 250


class GenerateImagePrompts(BaseModel):
    """The arguments of the job. `in_article` images of a content stand in its text."""

    in_article: int
    replace: bool
    prompt_override: str | None
    credits_each: int = 0


class _Idea(BaseModel):
    model_config = ConfigDict(extra="forbid")

    heading: str | None
    prompt: str
    alt_text: str


class ImagePromptsAnswer(BaseModel):
    """What the model is asked for; `heading` is null for the featured image."""

    model_config = ConfigDict(extra="forbid")

    images: list[_Idea]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An image to be: the featured one has no place in the text."""

    prompt: str
    alt_text: str | None
    place: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class _Article:
    title: str
    html: str
    site_id: UUID
    sector_id: UUID


@task(JobKind.GENERATE_IMAGE_PROMPTS, arguments=GenerateImagePrompts, queue=Queue.AI, time_limit=1_800)
async def generate_image_prompts(job: Running, arguments: GenerateImagePrompts) -> None:
    """Describe the images of each content; contents are kept and charged one by one."""
    await job.progress(JobPhase.PREP, 15, f"Reading {job.items_total} contents")

    async def describe(item: Item) -> None:
        await _described(job, arguments, item)

    await each(job, describe, at_once=_AT_ONCE)


async def _described(job: Running, arguments: GenerateImagePrompts, item: Item) -> None:
    content_id = item.subject.id
    async with job.transaction() as session:
        article = await _article(session, job.account_id, content_id)
    await begin(job, item, "Choosing the images of", article.title)
    parts = sections(article.html)
    answer = await _asked(job, arguments, content_id, article, parts)
    wanted = chosen(answer.value, parts, arguments.in_article)
    if not wanted:
        raise JobFailure(JobErrorCode.AI_OUTPUT_INVALID, "The model described no image. Try again, or another model.")
    charge = Charge(OperationType.IMAGE_PROMPT_EXTRACTION, arguments.credits_each, (answer.usage, *answer.repairs))
    async with job.transaction() as session:
        made = await _kept(session, job.account_id, content_id, wanted, replace=arguments.replace)
        results = [Subject("image", image_id) for image_id in made]
        await job.item_succeeded(session, item, charge=charge, results=results, message=f"{len(made)} images")


async def _article(session: AsyncSession, account_id: UUID, content_id: UUID, *, held: bool = False) -> _Article:
    wanted = select(Content.title, Content.html_content, Content.site_id, Content.sector_id).where(
        Content.account_id == account_id, Content.id == content_id
    )
    row = (await session.execute(wanted.with_for_update(key_share=True) if held else wanted)).one_or_none()
    if row is None:
        raise JobFailure(JobErrorCode.NOT_FOUND, "The content is not there any more.")
    return _Article(*row)


async def _asked(
    job: Running, arguments: GenerateImagePrompts, content_id: UUID, article: _Article, parts: list[Section]
) -> Answered[ImagePromptsAnswer]:
    connection = await job.connection(Provider.OPENAI)
    model = connection.text_model or job.engine.catalogue.default(Provider.OPENAI, ModelKind.TEXT)
    async with job.transaction() as session:
        prompt = await prompts.chosen(
            session, job.account_id, PromptType.IMAGE_PROMPTS, override=arguments.prompt_override
        )
    data = {
        "title": article.title,
        "in_article": min(arguments.in_article, len(parts)),
        "sections": [{"heading": part.heading, "text": part.text[:_SECTION_TEXT]} for part in parts],
    }
    text = prompt.filled({"data": templates.delimited(data), "in_article": str(data["in_article"])})
    call = TextCall(model, text, ImagePromptsAnswer, "image_prompts")
    return await job.engine.text(connection, call, steps=job.steps(), key=f"image prompts:{content_id.hex}")


def chosen(answer: ImagePromptsAnswer, parts: list[Section], in_article: int) -> list[_Wanted]:
    """Of a model's answer, what can be used: one featured image, and one for each of the sections it was given."""
    free = {" ".join(part.heading.split()).casefold(): (at, part.heading) for at, part in enumerate(parts, start=1)}
    featured: list[_Wanted] = []
    placed: list[_Wanted] = []
    for idea in answer.images:
        prompt, alt_text = (" ".join(text.replace("\0", "").split()) for text in (idea.prompt, idea.alt_text))
        place = free.pop(" ".join(idea.heading.split()).casefold(), None) if idea.heading else None
        wanted = _Wanted(prompt[:_LONGEST_PROMPT], alt_text[:_LONGEST_ALT_TEXT] or None, place)
        if not prompt:
            continue
        if place is not None and len(placed) < in_article:
            placed.append(wanted)
        elif not idea.heading and not featured:
            featured.append(wanted)
    return [*featured, *sorted(placed, key=lambda one: one.place or (0, ""))]


async def _kept(
    session: AsyncSession, account_id: UUID, content_id: UUID, wanted: list[_Wanted], *, replace: bool
) -> list[UUID]:
    """The new images. Own uploads stay whatever happens. Raises JobFailure, LimitReached."""
    article = await _article(session, account_id, content_id, held=True)
    described = (Image.account_id == account_id, Image.content_id == content_id, Image.prompt != "")
    if replace:
        gone = (await session.execute(delete(Image).where(*described).returning(Image.id))).scalars().all()
        if gone:
            changes.record(session, ChangeKind.DELETED, "Image", gone, site_id=article.site_id)
    elif (await session.execute(select(func.count()).where(*described))).scalar_one():
        raise JobFailure(JobErrorCode.CONFLICT, "The content got images meanwhile.")
    made = [new_id() for _ in wanted]
    rows = [
        {
            "account_id": account_id,
            "site_id": article.site_id,
            "sector_id": article.sector_id,
            "id": image_id,
            "content_id": content_id,
            "image_type": (ImageType.FEATURED if one.place is None else ImageType.IN_ARTICLE).value,
            "prompt": one.prompt,
            "alt_text": one.alt_text,
            "position": one.place[0] if one.place else None,
            "anchor": one.place[1] if one.place else None,
        }
        for image_id, one in zip(made, wanted, strict=True)
    ]
    await session.execute(insert(Image), rows)
    await limits.check(session, account_id, PlanLimit.IMAGES)
    changes.record(session, ChangeKind.CREATED, "Image", made, site_id=article.site_id)
    return made
