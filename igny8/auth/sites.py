"""Sites of an account: made, changed and deleted by those who manage sites."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs, limits
from igny8.auth import tables as t
from igny8.auth.site_inputs import CHECKS
from igny8.auth.tables import SiteStatus
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import AlreadyExists, Conflict, DomainError, NotFound
from igny8.inputs import KEEP, Field, Keep
from igny8.limits import PlanLimit
from igny8.secrets import Keyring, Sealed

DEFAULT_LANGUAGE: Final = "en"
DEFAULT_TIMEZONE: Final = "UTC"
_LONGEST_PASSWORD: Final = 200


def password_place(account_id: UUID, site_id: UUID) -> str:
    """What the sealed application password of a site is bound to."""
    return f"site:{account_id}:{site_id}:wp_app_password"


async def create(
    session: AsyncSession,
    account_id: UUID,
    *,
    keyring: Keyring,
    name: str,
    slug: str | None = None,
    domain: str | None = None,
    industry_id: UUID | None = None,
    language: str | None = None,
    timezone: str | None = None,
    wp_url: str | None = None,
    wp_username: str | None = None,
    wp_app_password: str | None = None,
) -> UUID:
    """A new active site; its slug comes from the name unless one is given.

    Raises ValidationFailed, AlreadyExists (slug), NotFound (industry), LimitReached.
    """
    site_id = new_id()
    values = inputs.checked(
        CHECKS,
        {
            "name": name,
            "slug": slug if slug is not None else inputs.slug_of(name) or f"site-{site_id.hex[-8:]}",
            "domain": domain,
            "language": language or DEFAULT_LANGUAGE,
            "timezone": timezone or DEFAULT_TIMEZONE,
            "wp_url": wp_url,
            "wp_username": wp_username,
        },
    )
    values["industry_id"] = industry_id
    values["wp_app_password"] = _sealed(keyring, wp_app_password, account_id, site_id)
    async with constraints.told(session, _refusals(values)):
        await session.execute(sa.insert(t.Site).values(account_id=account_id, id=site_id, **values))
    await limits.check(session, account_id, PlanLimit.SITES)
    changes.record(session, ChangeKind.CREATED, "Site", [site_id], site_id=site_id)
    return site_id


async def update(
    session: AsyncSession,
    account_id: UUID,
    site_id: UUID,
    *,
    keyring: Keyring,
    name: str | Keep | None = KEEP,
    slug: str | Keep | None = KEEP,
    domain: str | Keep | None = KEEP,
    industry_id: UUID | Keep | None = KEEP,
    status: SiteStatus | Keep | None = KEEP,
    language: str | Keep | None = KEEP,
    timezone: str | Keep | None = KEEP,
    wp_url: str | Keep | None = KEEP,
    wp_username: str | Keep | None = KEEP,
    wp_app_password: str | Keep | None = KEEP,
) -> None:
    """Change what is given. A stored password does not follow the site to another WordPress address: whoever may
    change the address must not be able to have the password sent to a server of their own.

    Raises ValidationFailed, AlreadyExists (slug), NotFound (site, industry).
    """
    values = inputs.checked(
        CHECKS,
        {
            "name": name,
            "slug": slug,
            "domain": domain,
            "language": language,
            "timezone": timezone,
            "wp_url": wp_url,
            "wp_username": wp_username,
        },
    )
    if industry_id is not KEEP:
        values["industry_id"] = industry_id
    if status is not KEEP:
        values["status"] = inputs.required(status, ("input", "status")).value
    if wp_app_password is not KEEP:
        values["wp_app_password"] = _sealed(keyring, wp_app_password, account_id, site_id)
    elif "wp_url" in values:
        stays = sa.or_(t.Site.wp_url.is_(None), t.Site.wp_url == values["wp_url"])
        values["wp_app_password"] = sa.case((stays, t.Site.wp_app_password), else_=None)
    own = sa.and_(t.Site.account_id == account_id, t.Site.id == site_id)
    if not values:
        await _found(session, sa.select(t.Site.id).where(own), ("input", "id"))
        return
    async with constraints.told(session, _refusals(values)):
        changed = sa.update(t.Site).where(own).values(values).returning(t.Site.id)
        await _found(session, changed, ("input", "id"))
    changes.record(session, ChangeKind.UPDATED, "Site", [site_id], site_id=site_id)


async def delete(session: AsyncSession, account_id: UUID, site_id: UUID, *, force: bool = False) -> None:
    """Delete a site; `force` takes along what it holds. Raises NotFound, and Conflict with the counts of that."""
    own = sa.and_(t.Site.account_id == account_id, t.Site.id == site_id)
    # The lock keeps new sectors out until they have been counted and the site is gone.
    await _found(session, sa.select(t.Site.id).where(own).with_for_update(), ("id",))
    inside = sa.select(t.Sector.id).where(t.Sector.account_id == account_id, t.Sector.site_id == site_id)
    sector_ids = list((await session.execute(inside.order_by(t.Sector.id))).scalars())
    if sector_ids and not force:
        held = "1 sector" if len(sector_ids) == 1 else f"{len(sector_ids)} sectors"
        raise Conflict(
            f"This site still has {held}. Delete that first, or delete the site with `force`.",
            details={"sectors": len(sector_ids)},
        )
    await session.execute(sa.delete(t.Site).where(own))
    if sector_ids:
        changes.record(session, ChangeKind.DELETED, "Sector", sector_ids, site_id=site_id)
    changes.record(session, ChangeKind.DELETED, "Site", [site_id], site_id=site_id)


async def _found(session: AsyncSession, statement: Executable, field: Field) -> None:
    if (await session.execute(statement)).first() is None:
        raise NotFound("No site with this id.", field=field)


def _sealed(keyring: Keyring, password: str | None, account_id: UUID, site_id: UUID) -> Sealed | None:
    plain = inputs.text(password, ("input", "wpAppPassword"), longest=_LONGEST_PASSWORD)
    return keyring.seal(plain, bound_to=password_place(account_id, site_id)) if plain else None


def _refusals(values: Mapping[str, object]) -> dict[str, DomainError]:
    return {
        "uq_site_slug": AlreadyExists(
            f"Another site of this account has the slug {values.get('slug')}. Choose another one.",
            field=("input", "slug"),
        ),
        "fk_site_industry_id": NotFound("No industry with this id.", field=("input", "industryId")),
    }
