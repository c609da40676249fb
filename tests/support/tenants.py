"""Accounts with people and sites, for the tests of what people do in them."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import transactions
from igny8.access import Role, Viewer
from igny8.auth import tables as t
from igny8.changes import Actor, Change
from igny8.credits import Wallet
from igny8.db import Database, LoginRole, new_id
from igny8.errors import Unauthenticated
from igny8.limits import Plan, Subscription
from igny8.secrets import Keyring
from igny8.transactions import Credentials

Row = TypeVar("Row", bound=Any)

KEYRING = Keyring(SecretStr("a:" + base64.b64encode(b"k" * 32).decode()))
PERIOD_START = datetime(2026, 7, 1, 12, tzinfo=UTC)


async def new_account(db: Database, *, plan: str = "free-trial", is_system: bool = False) -> UUID:
    """Another account; the system's is there once, so it may be an earlier test's."""
    account_id = new_id()
    async with db.session(LoginRole.SYSTEM) as session:
        known = (await session.execute(select(t.Account.id).where(t.Account.is_system))).scalar_one_or_none()
        if is_system and known is not None:
            return known
        plan_id = (await session.execute(select(Plan.id).where(Plan.slug == plan))).scalar_one()
        slug = f"account-{account_id.hex[-12:]}"
        session.add(
            t.Account(
                id=account_id, name="Ada's", slug=slug, status="ACTIVE" if is_system else "TRIAL", is_system=is_system
            )
        )
        await session.flush()
        session.add(Wallet(account_id=account_id))
        session.add(
            Subscription(
                account_id=account_id,
                plan_id=plan_id,
                status="TRIALING",
                current_period_start=PERIOD_START,
                current_period_end=PERIOD_START + timedelta(days=31),
            )
        )
    return account_id


async def new_member(db: Database, account_id: UUID, role: Role, *, status: str = "ACTIVE") -> Viewer:
    """A user with a session."""
    viewer = Viewer(user_id=new_id(), account_id=account_id, session_id=new_id(), role=role)
    email = f"{viewer.user_id.hex[-12:]}@example.com"
    async with db.session(LoginRole.SYSTEM) as session:
        session.add(
            t.User(
                account_id=account_id,
                id=viewer.user_id,
                email=email,
                email_key=email,
                name=role.value.title(),
                role=role.value,
                status=status,
            )
        )
        await session.flush()
        session.add(
            t.Session(
                account_id=account_id,
                id=viewer.session_id,
                user_id=viewer.user_id,
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )
        )
    return viewer


async def new_owner(db: Database, *, plan: str = "free-trial") -> Viewer:
    """The owner of an account of their own."""
    return await new_member(db, await new_account(db, plan=plan), Role.OWNER)


async def new_developer(db: Database, *, acting_on: UUID) -> Viewer:
    """A user of a system account who acts on another account."""
    developer = await new_member(db, await new_account(db, is_system=True), Role.DEVELOPER)
    return replace(developer, account_id=acting_on, acts_abroad=True)


async def new_site(db: Database, account_id: UUID, *, status: str = "ACTIVE", slug: str | None = None) -> UUID:
    site_id = new_id()
    async with db.session(LoginRole.SYSTEM) as session:
        session.add(
            t.Site(
                account_id=account_id,
                id=site_id,
                name="Site",
                slug=slug or f"site-{site_id.hex[-12:]}",
                status=status,
                language="en",
                timezone="UTC",
            )
        )
    return site_id


async def new_sector(db: Database, account_id: UUID, site_id: UUID, *, status: str = "ACTIVE") -> UUID:
    sector_id = new_id()
    async with db.session(LoginRole.SYSTEM) as session:
        slug = f"sector-{sector_id.hex[-12:]}"
        session.add(
            t.Sector(account_id=account_id, id=sector_id, site_id=site_id, name="Sector", slug=slug, status=status)
        )
    return sector_id


@asynccontextmanager
async def writing(db: Database, viewer: Viewer) -> AsyncIterator[AsyncSession]:
    """A transaction of the viewer, entered and logged as a mutation's is."""
    home = await _home(db, viewer)
    credentials = Credentials(
        account_id=home,
        user_id=viewer.user_id,
        session_id=viewer.session_id,
        role=viewer.role,
        acting_on=viewer.account_id if viewer.acts_abroad else None,
    )
    async with transactions.entered(db, credentials) as (session, who):
        assert who.viewer == viewer
        actor = Actor(viewer.account_id, viewer.user_id, "test", None)
        async with transactions.logged(session, actor):
            yield session


async def _home(db: Database, viewer: Viewer) -> UUID:
    async with db.session(LoginRole.SYSTEM) as session:
        home = select(t.User.account_id).where(t.User.id == viewer.user_id)
        return (await session.execute(home)).scalar_one()


async def may_enter(db: Database, viewer: Viewer) -> bool:
    """Whether the viewer's session is alive in the role that it had."""
    try:
        async with writing(db, viewer):
            return True
    except Unauthenticated:
        return False


async def rows_of(db: Database, table: type[Row], account_id: UUID, **values: object) -> list[Row]:
    """An account's rows of a table, oldest first."""
    async with db.session(LoginRole.SYSTEM) as session:
        wanted = select(table).filter_by(account_id=account_id, **values).order_by(table.id)
        return list((await session.execute(wanted)).scalars())


async def changes_of(db: Database, account_id: UUID) -> list[tuple[str, str, list[UUID], UUID | None]]:
    """What was recorded: kind, type, ids and site."""
    noted = await rows_of(db, Change, account_id)
    return [(change.kind, change.node_type, change.node_ids, change.site_id) for change in noted]


async def both(
    db: Database,
    first: tuple[Viewer, Callable[[AsyncSession], Awaitable[object]]],
    second: tuple[Viewer, Callable[[AsyncSession], Awaitable[object]]],
) -> BaseException | None:
    """Run the second act while the first one's transaction is open; what the second one raised."""

    async def act_second() -> None:
        viewer, act = second
        async with writing(db, viewer) as session:
            await act(session)

    viewer, act = first
    async with writing(db, viewer) as session:
        await act(session)
        waiting = asyncio.create_task(act_second())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done, "the second act did not wait for the first"
    return (await asyncio.gather(waiting, return_exceptions=True))[0]
