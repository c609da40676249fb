"""Author profiles: the voices of an account. As long as there are any, exactly one is the default."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs, limits
from igny8.auth.site_inputs import language as language_tag
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import AlreadyExists, DomainError, NotAllowedNow, NotFound
from igny8.inputs import KEEP, Check, Field, Keep
from igny8.limits import PlanLimit
from igny8.system.tables import AuthorProfile

_LONGEST_INSTRUCTIONS: Final = 5_000


def _instructions(value: str | None, field: Field) -> str | None:
    return inputs.text(value, field, longest=_LONGEST_INSTRUCTIONS)


def _tone(value: str | None, field: Field) -> str | None:
    return inputs.text(value, field, longest=200)


_CHECKS: Final[dict[str, Check]] = {
    "name": inputs.name,
    "description": inputs.text,
    "tone": _tone,
    "language": language_tag,
    "instructions": _instructions,
}


async def create(
    session: AsyncSession,
    account_id: UUID,
    *,
    name: str,
    description: str | None = None,
    tone: str | None = None,
    language: str | None = None,
    instructions: str | None = None,
    is_default: bool = False,
) -> UUID:
    """A new profile; an account's first one becomes the default.

    Raises ValidationFailed, AlreadyExists (name), LimitReached.
    """
    profile_id = new_id()
    values = inputs.checked(
        _CHECKS,
        {
            "name": name,
            "description": description,
            "tone": tone,
            "language": language or "en",
            "instructions": instructions,
        },
    )
    async with constraints.told(session, _refusals(values)):
        await session.execute(sa.insert(AuthorProfile).values(account_id=account_id, id=profile_id, **values))
    # The counter's row, which the insertion has locked, lets one writer after the other come here.
    await limits.check(session, account_id, PlanLimit.AUTHOR_PROFILES)
    if is_default or not await _has_default(session, account_id):
        await _make_default(session, account_id, profile_id)
    changes.record(session, ChangeKind.CREATED, "AuthorProfile", [profile_id])
    return profile_id


async def update(
    session: AsyncSession,
    account_id: UUID,
    profile_id: UUID,
    *,
    name: str | Keep | None = KEEP,
    description: str | Keep | None = KEEP,
    tone: str | Keep | None = KEEP,
    language: str | Keep | None = KEEP,
    instructions: str | Keep | None = KEEP,
    is_default: bool | Keep | None = KEEP,
) -> None:
    """Change what is given. Raises ValidationFailed, AlreadyExists, NotFound, NotAllowedNow (the default)."""
    values = inputs.checked(
        _CHECKS,
        {
            "name": name,
            "description": description,
            "tone": tone,
            "language": language,
            "instructions": instructions,
        },
    )
    await _lock(session, account_id)
    own = sa.and_(AuthorProfile.account_id == account_id, AuthorProfile.id == profile_id)
    was_default = (await session.execute(sa.select(AuthorProfile.is_default).where(own))).scalar_one_or_none()
    if was_default is None:
        raise NotFound("No author profile with this id.", field=("input", "id"))
    if is_default is not KEEP:
        wanted = inputs.required(is_default, ("input", "isDefault"))
        if was_default and not wanted:
            raise NotAllowedNow(
                "One profile is always the default: make another one the default instead.",
                field=("input", "isDefault"),
            )
        if wanted and not was_default:
            await _make_default(session, account_id, profile_id)
    if values:
        async with constraints.told(session, _refusals(values)):
            await session.execute(sa.update(AuthorProfile).where(own).values(values))
    if values or is_default is not KEEP:
        changes.record(session, ChangeKind.UPDATED, "AuthorProfile", [profile_id])


async def delete(session: AsyncSession, account_id: UUID, profile_id: UUID) -> None:
    """Delete a profile; after the default, the oldest one left becomes it. Raises NotFound."""
    await _lock(session, account_id)
    own = sa.and_(AuthorProfile.account_id == account_id, AuthorProfile.id == profile_id)
    gone = await session.execute(sa.delete(AuthorProfile).where(own).returning(AuthorProfile.is_default))
    was_default = gone.scalar_one_or_none()
    if was_default is None:
        raise NotFound("No author profile with this id.", field=("id",))
    changes.record(session, ChangeKind.DELETED, "AuthorProfile", [profile_id])
    if was_default:
        oldest = sa.select(AuthorProfile.id).where(AuthorProfile.account_id == account_id)
        oldest = oldest.order_by(AuthorProfile.created_at, AuthorProfile.id).limit(1)
        heir = (await session.execute(oldest)).scalar_one_or_none()
        if heir is not None:
            await _make_default(session, account_id, heir)
            changes.record(session, ChangeKind.UPDATED, "AuthorProfile", [heir])


async def _lock(session: AsyncSession, account_id: UUID) -> None:
    """Hold the counter's row, as an insertion does, so that two writers cannot both move the default."""
    counter = sa.select(limits.LimitUsage.used).where(
        limits.LimitUsage.account_id == account_id, limits.LimitUsage.limit == PlanLimit.AUTHOR_PROFILES.value
    )
    await session.execute(counter.with_for_update())


async def _has_default(session: AsyncSession, account_id: UUID) -> bool:
    found = sa.select(sa.exists().where(AuthorProfile.account_id == account_id, AuthorProfile.is_default))
    return (await session.execute(found)).scalar_one()


async def _make_default(session: AsyncSession, account_id: UUID, profile_id: UUID) -> None:
    mine = AuthorProfile.account_id == account_id
    await session.execute(sa.update(AuthorProfile).where(mine, AuthorProfile.is_default).values(is_default=False))
    await session.execute(
        sa.update(AuthorProfile).where(mine, AuthorProfile.id == profile_id).values(is_default=True)
    )


def _refusals(values: Mapping[str, object]) -> dict[str, DomainError]:
    return {
        "uq_author_profile_name": AlreadyExists(
            f"Another author profile is called {values.get('name')}. Choose another name.", field=("input", "name")
        )
    }
