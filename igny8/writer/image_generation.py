"""Starting to draw images: which ones, by which provider, at what price."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import inputs
from igny8.ai.calls import Provider
from igny8.billing import estimates
from igny8.billing.estimates import Estimate
from igny8.billing.prices import Prices
from igny8.errors import NotAllowedNow, ValidationFailed
from igny8.jobs import Subject, enqueue
from igny8.settings import Settings
from igny8.system.connections import require_connection
from igny8.system.tables import ImageStyle, IntegrationType
from igny8.writer import places
from igny8.writer.image_generation_job import GenerateImages, generate_images
from igny8.writer.image_prompts import checked_count
from igny8.writer.tables import Content, Image, ImageStatus

_FIELD: Final = ("input", "imageIds")
_SIDES: Final = (256, 2_048)
_LONGEST_MODEL: Final = 100


async def estimate(session: AsyncSession, account_id: UUID, image_ids: Sequence[UUID], prices: Prices) -> Estimate:
    """What it would cost. Raises ValidationFailed, NotFound."""
    await places.one_site(session, account_id, Image, image_ids, noun="image", field=_FIELD)
    return estimates.images(prices, len(image_ids))


async def estimate_for_contents(
    session: AsyncSession, account_id: UUID, content_ids: Sequence[UUID], prices: Prices, *, in_article: int | None
) -> Estimate:
    """What the images of contents would cost, before they are described. Raises ValidationFailed, NotFound."""
    await places.one_site(session, account_id, Content, content_ids, noun="content", field=("input", "ids"))
    return estimates.images(prices, len(content_ids) * (1 + checked_count(in_article)))


async def start(
    session: AsyncSession,
    account_id: UUID,
    image_ids: Sequence[UUID],
    prices: Prices,
    settings: Settings,
    *,
    provider: Provider | None,
    model: str | None,
    style: ImageStyle | None,
    size: tuple[int | None, int | None],
    started_by: UUID | None,
) -> UUID:
    """Start the job; its id. `size` is width and height, both or neither.

    Raises ValidationFailed, NotFound, NotAllowedNow (no prompt, being drawn, no key), InsufficientCredits.
    """
    width, height = _checked_size(size)
    wanted = inputs.text(model, ("input", "model"), longest=_LONGEST_MODEL)
    site_id = await places.one_site(session, account_id, Image, image_ids, noun="image", field=_FIELD)
    await places.refuse_inactive(session, account_id, site_id)
    await _refuse_unready(session, account_id, image_ids)
    cost = estimates.images(prices, len(image_ids)).credits
    arguments = GenerateImages(
        provider=await _provider(session, account_id, provider, settings),
        model=wanted,
        style=style,
        width=width,
        height=height,
        credits_each=cost // len(image_ids),
    )
    return await enqueue(
        session,
        generate_images,
        arguments,
        site_id=site_id,
        items=[Subject("image", id_) for id_ in image_ids],
        credits=cost,
        started_by=started_by,
    )


def _checked_size(size: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    width, height = size
    if (width is None) != (height is None):
        missing = "width" if width is None else "height"
        raise ValidationFailed("Give both sides, or neither.", field=("input", missing))
    least, most = _SIDES
    for name, side in (("width", width), ("height", height)):
        if side is not None and not least <= side <= most:
            raise ValidationFailed(f"A side has {least} to {most:,} pixels.", field=("input", name))
    return width, height


async def _refuse_unready(session: AsyncSession, account_id: UUID, image_ids: Sequence[UUID]) -> None:
    mine = (Image.account_id == account_id, Image.id == func.any(list(image_ids)))
    without, busy = (
        await session.execute(
            select(
                func.count().filter(Image.prompt == ""),
                func.count().filter(Image.status == ImageStatus.GENERATING.value),
            ).where(*mine)
        )
    ).one()
    if without:
        raise NotAllowedNow(
            f"{without} of these images have no prompt. Give them one with updateImage.", field=_FIELD
        )
    if busy:
        raise NotAllowedNow(f"{busy} of these images are being generated already. Wait for them.", field=_FIELD)


async def _provider(session: AsyncSession, account_id: UUID, asked: Provider | None, settings: Settings) -> Provider:
    """The provider that was asked for; without one OpenAI, or Runware where only that has a key."""
    tried = [asked] if asked else [Provider.OPENAI, Provider.RUNWARE]
    for number, provider in enumerate(tried, start=1):
        try:
            await require_connection(session, account_id, IntegrationType(provider.value), settings)
        except NotAllowedNow:
            if number == len(tried):
                raise
        else:
            return provider
    raise AssertionError("the last one is found or raises")
