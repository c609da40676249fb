"""The job that draws images. An image keeps its old file until the new one is there."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.ai.calls import Answered, Connection, ImageCall, Provider
from igny8.ai.catalogue import ModelKind
from igny8.changes import ChangeKind
from igny8.children import in_child
from igny8.credits import OperationType
from igny8.files import keeping_pictures, pictures
from igny8.files.pictures import MIME_TYPE, Picture, Unusable
from igny8.jobs import Charge, Item, JobErrorCode, JobFailure, JobKind, JobPhase, Queue, Running, Subject, task
from igny8.jobs.failures import NO_ERROR
from igny8.system import prompts
from igny8.system.tables import ImageStyle, IntegrationSettings, PromptType
from igny8.writer.item_by_item import begin, each
from igny8.writer.tables import Image, ImageStatus

_AT_ONCE: Final = 8
#: Width and height where none are asked for: what the provider's models draw.
_SIZES: Final = {Provider.OPENAI: (1_536, 1_024), Provider.RUNWARE: (1_216, 832)}
_DALL_E_SIZE: Final = (1_792, 1_024)


class GenerateImages(BaseModel):
    """The arguments of the job. None: as the image, the account or the provider has it."""

    provider: Provider
    model: str | None
    style: ImageStyle | None
    width: int | None
    height: int | None
    credits_each: int = 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    prompt: str
    style: str | None
    site_id: UUID


@task(JobKind.GENERATE_IMAGES, arguments=GenerateImages, queue=Queue.AI, time_limit=3_600)
async def generate_images(job: Running, arguments: GenerateImages) -> None:
    """Draw each image; images are kept and charged one by one."""
    await job.progress(JobPhase.PREP, 15, f"Preparing {job.items_total} images")
    connection = await job.connection(arguments.provider)
    async with job.transaction() as session:
        style = arguments.style or await _style_of(session, job.account_id, arguments.provider)

    async def draw(item: Item) -> None:
        await _drawn(job, arguments, item, connection, style)

    await each(job, draw, at_once=_AT_ONCE)


async def _drawn(
    job: Running, arguments: GenerateImages, item: Item, connection: Connection, usual_style: str | None
) -> None:
    image_id = item.subject.id
    async with job.transaction() as session:
        wanted = await _wanted(session, job.account_id, image_id)
        template = await prompts.chosen(session, job.account_id, PromptType.IMAGE_TEMPLATE)
    await begin(job, item, "Drawing", wanted.prompt)
    style = arguments.style or wanted.style or usual_style or ImageStyle.REALISTIC
    text = template.filled({"prompt": wanted.prompt, "style": style.lower()})
    answer = await _asked(job, arguments, image_id, connection, text)
    try:
        picture = await in_child(pictures.encoded, answer.value)
    except Unusable:
        raise JobFailure(
            JobErrorCode.AI_OUTPUT_INVALID, f"The model {answer.usage.model} answered without a usable picture."
        ) from None
    await _keep(job, arguments, item, wanted, answer, picture, style)


async def _asked(
    job: Running, arguments: GenerateImages, image_id: UUID, connection: Connection, text: str
) -> Answered[bytes]:
    usual = job.engine.catalogue.default(arguments.provider, ModelKind.IMAGE)
    model = arguments.model or connection.image_model or usual
    width, height = _DALL_E_SIZE if model.startswith("dall-e") else _SIZES[arguments.provider]
    call = ImageCall(model, text, arguments.width or width, arguments.height or height)
    return await job.engine.image(connection, call, steps=job.steps(), key=f"image:{image_id.hex}")


async def _keep(
    job: Running,
    arguments: GenerateImages,
    item: Item,
    wanted: _Wanted,
    answer: Answered[bytes],
    picture: Picture,
    style: str,
) -> None:
    async with job.transaction() as session:
        keys = await keeping_pictures.announce(session, job.account_id, site_id=wanted.site_id)
    await keeping_pictures.put(job.files.storage, keys, picture)
    values = {
        "status": ImageStatus.GENERATED.value,
        "style": style,
        "file_key": keys.file,
        "thumbnail_key": keys.thumbnail,
        "mime_type": MIME_TYPE,
        "bytes": len(picture.content),
        "width": picture.width,
        "height": picture.height,
        "provider": answer.usage.provider.value,
        "model": answer.usage.model,
        "cost_usd": answer.usage.cost_usd,
        **NO_ERROR,
    }
    charge = Charge(OperationType.IMAGE_GENERATION, arguments.credits_each, (answer.usage,))
    async with job.transaction() as session:
        await keeping_pictures.keep(session, job.account_id, keys, picture)
        mine = (Image.account_id == job.account_id, Image.id == item.subject.id)
        changed = await session.execute(update(Image).where(*mine).values(values).returning(Image.id))
        if changed.first() is None:
            raise _gone()
        changes.record(session, ChangeKind.UPDATED, "Image", [item.subject.id], site_id=wanted.site_id)
        results = [Subject("image", item.subject.id)]
        await job.item_succeeded(session, item, charge=charge, results=results)


async def _wanted(session: AsyncSession, account_id: UUID, image_id: UUID) -> _Wanted:
    found = select(Image.prompt, Image.style, Image.site_id).where(
        Image.account_id == account_id, Image.id == image_id
    )
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise _gone()
    return _Wanted(*row)


def _gone() -> JobFailure:
    return JobFailure(JobErrorCode.NOT_FOUND, "The image is not there any more.")


async def _style_of(session: AsyncSession, account_id: UUID, provider: Provider) -> str | None:
    wanted = select(IntegrationSettings.image_style).where(
        IntegrationSettings.account_id == account_id,
        IntegrationSettings.integration_type == provider.value,
        IntegrationSettings.is_active,
    )
    return (await session.execute(wanted)).scalar_one_or_none()
