"""What strategies have to say to a prompt."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import any_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.errors import NotAllowedNow, NotFound, ValidationFailed
from igny8.inputs import Field
from igny8.system.tables import PromptType, Strategy

_FIELD: Final = ("input", "strategyId")


async def check(
    session: AsyncSession,
    account_id: UUID,
    strategy_id: UUID,
    sector_ids: Collection[UUID],
    *,
    prompt_type: PromptType,
    field: Field = _FIELD,
) -> None:
    """That work in these sectors can follow the strategy. Raises NotFound, NotAllowedNow, ValidationFailed."""
    mine = select(Strategy).where(Strategy.account_id == account_id, Strategy.id == strategy_id)
    strategy = (await session.execute(mine)).scalar_one_or_none()
    if strategy is None:
        raise NotFound("No strategy with this id.", field=field)
    if not strategy.is_active:
        raise NotAllowedNow("This strategy is not active. Set it active first.", field=field)
    if prompt_type.value not in strategy.prompt_types:
        raise ValidationFailed(f"This strategy is not meant for prompts of the type {prompt_type}.", field=field)
    if strategy.sector_id is not None and set(sector_ids) != {strategy.sector_id}:
        raise ValidationFailed("This strategy is of another sector.", field=field)


async def text_for(
    session: AsyncSession, account_id: UUID, prompt_type: PromptType, sector_id: UUID, strategy_id: UUID | None
) -> str | None:
    """What this strategy says; without one, all active ones that are meant for the prompt: the account's first, then
    the sector's. None when there is nothing to say."""
    wanted = select(Strategy).where(
        Strategy.account_id == account_id,
        literal(prompt_type.value) == any_(Strategy.prompt_types),
        Strategy.is_active,
        or_(Strategy.sector_id.is_(None), Strategy.sector_id == sector_id),
    )
    if strategy_id is not None:
        wanted = wanted.where(Strategy.id == strategy_id)
    ordered = wanted.order_by(Strategy.sector_id.nulls_first(), Strategy.created_at, Strategy.id)
    said = [_said(strategy) for strategy in (await session.execute(ordered)).scalars()]
    return "\n\n".join(said) or None


def _said(strategy: Strategy) -> str:
    lines = [f"{strategy.name}: {strategy.description}" if strategy.description else strategy.name]
    for name, value in strategy.instructions.items():
        lines.append(f"- {name}: {value if isinstance(value, str) else orjson.dumps(value).decode()}")
    return "\n".join(lines)
