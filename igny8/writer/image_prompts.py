"""Starting to describe the images of contents: which ones, how many each, at what price."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.billing import estimates
from igny8.billing.estimates import Estimate
from igny8.billing.prices import Prices
from igny8.errors import NotAllowedNow, ValidationFailed
from igny8.jobs import Subject, enqueue
from igny8.system import prompts
from igny8.system.tables import PromptType
from igny8.writer import places
from igny8.writer.image_prompts_job import GenerateImagePrompts, generate_image_prompts
from igny8.writer.tables import Content, Image

#: In the text, beside the featured one.
USUAL: Final = 2
_MOST_IN_ARTICLE: Final = 10
_FIELD: Final = ("input", "contentIds")


async def estimate(session: AsyncSession, account_id: UUID, content_ids: Sequence[UUID], prices: Prices) -> Estimate:
    """What it would cost. Raises ValidationFailed, NotFound."""
    await places.one_site(session, account_id, Content, content_ids, noun="content", field=_FIELD)
    return estimates.image_prompts(prices, len(content_ids))


async def start(
    session: AsyncSession,
    account_id: UUID,
    content_ids: Sequence[UUID],
    prices: Prices,
    *,
    in_article: int | None,
    replace: bool,
    prompt_override: str | None,
    started_by: UUID | None,
) -> UUID:
    """Start the job; its id. Raises ValidationFailed, NotFound, NotAllowedNow, InsufficientCredits."""
    count = checked_count(in_article)
    if prompt_override is not None:
        await prompts.chosen(session, account_id, PromptType.IMAGE_PROMPTS, override=prompt_override)
    site_id = await places.one_site(session, account_id, Content, content_ids, noun="content", field=_FIELD)
    await places.refuse_inactive(session, account_id, site_id)
    if not replace:
        await _refuse_described(session, account_id, content_ids)
    cost = estimates.image_prompts(prices, len(content_ids)).credits
    arguments = GenerateImagePrompts(
        in_article=count,
        replace=replace,
        prompt_override=prompt_override,
        credits_each=cost // len(content_ids),
    )
    return await enqueue(
        session,
        generate_image_prompts,
        arguments,
        site_id=site_id,
        items=[Subject("content", id_) for id_ in content_ids],
        credits=cost,
        started_by=started_by,
    )


def checked_count(in_article: int | None) -> int:
    """How many images stand in the text. Raises ValidationFailed."""
    count = USUAL if in_article is None else in_article
    if not 0 <= count <= _MOST_IN_ARTICLE:
        raise ValidationFailed(f"This may be 0 to {_MOST_IN_ARTICLE}.", field=("input", "inArticle"))
    return count


async def _refuse_described(session: AsyncSession, account_id: UUID, content_ids: Sequence[UUID]) -> None:
    described = select(func.count(Image.content_id.distinct())).where(
        Image.account_id == account_id, Image.content_id == func.any(list(content_ids)), Image.prompt != ""
    )
    count = (await session.execute(described)).scalar_one()
    if count:
        raise NotAllowedNow(
            f"{count} of these contents have images already. Say `replace` to describe new ones in their place;"
            " own uploads stay.",
            field=("input", "contentIds"),
            details={"contents": count},
        )
