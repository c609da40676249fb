"""The root fields of the auth part."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, and_, false, literal_column
from strawberry import ID

from igny8.access import Audience, Permission, Role
from igny8.auth import invitations
from igny8.auth.graphql.types import (
    BY_NAME,
    Account,
    Industry,
    Sector,
    SectorFilter,
    SectorOrder,
    Session,
    Site,
    SiteFilter,
    SiteOrder,
    User,
    UserFilter,
    UserOrder,
    Viewer,
    is_live,
    is_own,
)
from igny8.gql.context import Info
from igny8.gql.mutations import public
from igny8.gql.read.conditions import contains, equal, id_setting
from igny8.gql.read.declarations import Reference
from igny8.gql.read.declare import Connection, root, root_list, roots


def _acted_on(account: Any) -> ColumnElement[bool]:
    return equal(account.id, id_setting("account_id"))


def _my_sessions(session: Any) -> ColumnElement[bool]:
    return and_(is_own(session), is_live(session))


def _account(account: Any, id: Annotated[ID | None, Reference("acc", "id")] = None) -> ColumnElement[bool]:
    return equal(account.id, id_setting("account_id") if id is None else id)


def _accounts(account: Any, search: str | None = None) -> ColumnElement[bool]:
    return contains("name", "slug")(account, search) if search is not None else literal_column("true")


def _site(
    site: Any, id: Annotated[ID | None, Reference("sit", "id")] = None, slug: str | None = None
) -> ColumnElement[bool]:
    asked = [equal(column, value) for column, value in ((site.id, id), (site.slug, slug)) if value is not None]
    return and_(*asked) if asked else false()


@strawberry.type(description="What an invitation says before it is accepted.")
class Invitation:
    account_name: str
    email: str
    role: Role
    invited_by: str | None
    expires_at: datetime


@strawberry.type
class AuthQuery:
    viewer: Viewer | None = root(_acted_on, need=Audience.SIGNED_IN, anywhere=True)
    account: Account | None = root(
        _account, need=Permission.CONTENT_READ, anywhere=True, description="Your own account, or for developers any."
    )
    accounts: Connection[Account] = roots(
        where=_accounts, need=Permission.SYSTEM_ADMIN, anywhere=True, description="All accounts, for developers."
    )
    sessions: list[Session] = root_list(
        where=_my_sessions, need=Audience.SIGNED_IN, anywhere=True, most=100, description="Your own live sessions."
    )
    industries: list[Industry] = root_list(
        need=Audience.PUBLIC, anywhere=True, most=100, default=BY_NAME, description="Templates for sites."
    )
    users: Connection[User] = roots(need=Permission.USERS_MANAGE, filter=UserFilter, order=UserOrder)
    sites: Connection[Site] = roots(need=Permission.CONTENT_READ, filter=SiteFilter, order=SiteOrder)
    site: Site | None = root(_site, need=Permission.CONTENT_READ, description="A site by its id or its slug.")
    sectors: Connection[Sector] = roots(need=Permission.CONTENT_READ, filter=SectorFilter, order=SectorOrder)

    @public(description="What the holder of an invitation is about to accept; null when it is no longer good.")
    async def invitation(self, info: Info, token: str) -> Invitation | None:
        found = await invitations.shown(info.context.services.db, token)
        return Invitation(**asdict(found)) if found else None
