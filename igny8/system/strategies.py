"""Strategies: instructions that some types of prompts get, in the whole account or in one sector."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs
from igny8.auth.tables import Sector
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import AlreadyExists, DomainError, NotAllowedNow, NotFound, ValidationFailed
from igny8.inputs import KEEP, Check, Field, Keep
from igny8.system.tables import PromptType, Strategy

_CHECKS: Final[dict[str, Check]] = {"name": inputs.name, "description": inputs.text}


async def create(
    session: AsyncSession,
    account_id: UUID,
    *,
    name: str,
    description: str | None = None,
    sector_id: UUID | None = None,
    prompt_types: Sequence[PromptType] = (),
    instructions: object = None,
    is_active: bool = True,
) -> UUID:
    """A new strategy. Raises ValidationFailed, AlreadyExists (name), NotFound (sector)."""
    strategy_id = new_id()
    values = inputs.checked(_CHECKS, {"name": name, "description": description})
    values |= {
        "site_id": await _site_of(session, account_id, sector_id),
        "sector_id": sector_id,
        "prompt_types": _listed(prompt_types),
        "instructions": inputs.json_object(instructions, ("input", "instructions")),
        "is_active": is_active,
    }
    async with constraints.told(session, _refusals(values)):
        await session.execute(sa.insert(Strategy).values(account_id=account_id, id=strategy_id, **values))
    changes.record(session, ChangeKind.CREATED, "Strategy", [strategy_id])
    return strategy_id


async def update(
    session: AsyncSession,
    account_id: UUID,
    strategy_id: UUID,
    *,
    name: str | Keep | None = KEEP,
    description: str | Keep | None = KEEP,
    sector_id: UUID | Keep | None = KEEP,
    prompt_types: Sequence[PromptType] | Keep | None = KEEP,
    instructions: object = KEEP,
    is_active: bool | Keep | None = KEEP,
) -> None:
    """Change what is given. Raises ValidationFailed, AlreadyExists (name), NotFound (strategy, sector)."""
    values = inputs.checked(_CHECKS, {"name": name, "description": description})
    if sector_id is not KEEP:
        values |= {"site_id": await _site_of(session, account_id, sector_id), "sector_id": sector_id}
    if prompt_types is not KEEP:
        values["prompt_types"] = _listed(inputs.required(prompt_types, ("input", "promptTypes")))
    if instructions is not KEEP:
        values["instructions"] = inputs.json_object(instructions, ("input", "instructions"))
    if is_active is not KEEP:
        values["is_active"] = inputs.required(is_active, ("input", "isActive"))
    own = sa.and_(Strategy.account_id == account_id, Strategy.id == strategy_id)
    if not values:
        await _found(session, sa.select(Strategy.id).where(own))
        return
    async with constraints.told(session, _refusals(values)):
        await _found(session, sa.update(Strategy).where(own).values(values).returning(Strategy.id))
    changes.record(session, ChangeKind.UPDATED, "Strategy", [strategy_id])


async def delete(session: AsyncSession, account_id: UUID, strategy_id: UUID) -> None:
    """Delete a strategy. Raises NotFound."""
    own = sa.and_(Strategy.account_id == account_id, Strategy.id == strategy_id)
    gone = await session.execute(sa.delete(Strategy).where(own).returning(Strategy.id))
    if gone.first() is None:
        raise NotFound("No strategy with this id.", field=("id",))
    changes.record(session, ChangeKind.DELETED, "Strategy", [strategy_id])


async def require_for(
    session: AsyncSession,
    account_id: UUID,
    strategy_id: UUID,
    prompt_type: PromptType,
    *,
    sector_ids: Collection[UUID],
    field: Field = ("input", "strategyId"),
) -> None:
    """That prompts of this type can follow the strategy in these sectors.

    Raises NotFound, NotAllowedNow (not active), ValidationFailed.
    """
    mine = sa.select(Strategy).where(Strategy.account_id == account_id, Strategy.id == strategy_id)
    strategy = (await session.execute(mine)).scalar_one_or_none()
    if strategy is None:
        raise NotFound("No strategy with this id.", field=field)
    if not strategy.is_active:
        raise NotAllowedNow("This strategy is not active. Set it active first.", field=field)
    if prompt_type.value not in strategy.prompt_types:
        raise ValidationFailed(f"This strategy is not meant for prompts of the type {prompt_type}.", field=field)
    if strategy.sector_id is not None and set(sector_ids) != {strategy.sector_id}:
        raise ValidationFailed("This strategy is of another sector.", field=field)


async def instructions_for(
    session: AsyncSession,
    account_id: UUID,
    prompt_type: PromptType,
    *,
    sector_id: UUID,
    only: UUID | None = None,
) -> str | None:
    """What strategies tell a prompt: `only` the one, or all active ones of the account and the sector."""
    applies = sa.and_(
        Strategy.account_id == account_id,
        Strategy.is_active,
        Strategy.prompt_types.contains([prompt_type.value]),
        sa.or_(Strategy.sector_id.is_(None), Strategy.sector_id == sector_id),
    )
    wanted = sa.select(Strategy.name, Strategy.description, Strategy.instructions).where(applies)
    if only is not None:
        wanted = wanted.where(Strategy.id == only)
    told = [
        "\n".join(part for part in (f"{name}: {description}" if description else name, _shown(instructions)) if part)
        for name, description, instructions in await session.execute(wanted.order_by(Strategy.name))
    ]
    return "\n\n".join(told) or None


def _shown(instructions: Mapping[str, object]) -> str:
    return orjson.dumps(instructions, option=orjson.OPT_INDENT_2).decode() if instructions else ""


def _listed(prompt_types: Sequence[PromptType]) -> list[str]:
    return list(dict.fromkeys(one.value for one in prompt_types))


async def _site_of(session: AsyncSession, account_id: UUID, sector_id: UUID | None) -> UUID | None:
    if sector_id is None:
        return None
    sector = sa.select(Sector.site_id).where(Sector.account_id == account_id, Sector.id == sector_id)
    site_id = (await session.execute(sector.with_for_update(key_share=True))).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No sector with this id.", field=("input", "sectorId"))
    return site_id


async def _found(session: AsyncSession, statement: sa.Executable) -> None:
    if (await session.execute(statement)).first() is None:
        raise NotFound("No strategy with this id.", field=("input", "id"))


def _refusals(values: Mapping[str, object]) -> dict[str, DomainError]:
    return {
        "uq_strategy_name": AlreadyExists(
            f"Another strategy is called {values.get('name')}. Choose another name.", field=("input", "name")
        )
    }
