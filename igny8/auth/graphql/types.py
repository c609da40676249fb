"""What the schema shows of accounts, people, sites and sectors: each type over its table."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from strawberry import ID, UNSET, lazy

from igny8.access import PERMISSIONS, SITE_BOUND, Audience, Permission, Role
from igny8.auth import tables as t
from igny8.gql.read.conditions import by_id, equal, id_setting, search, select_from, setting
from igny8.gql.read.declarations import Reference
from igny8.gql.read.declare import Connection, Node, column, listed, many, one, ordering, rows, sql, where

for _enum in (Role, Permission, t.AccountStatus, t.UserStatus, t.SiteStatus, t.SectorStatus, t.SearchIntent):
    strawberry.enum(_enum)

MANAGES_USERS = Permission.USERS_MANAGE
BY_NAME = (("NAME", lambda row: row.name, False),)


def _sees_one_of(user: Any, site_ids: Any) -> ColumnElement[bool]:
    grant = t.SiteUserAccess
    granted = select_from(grant, grant.id).where(
        grant.account_id == user.account_id, grant.user_id == user.id, grant.site_id == func.any(site_ids)
    )
    # As literals: a list of values would become parameters of its own kind, which a plan cannot hold.
    bound: list[ColumnElement[str]] = [literal_column(f"'{role}'") for role in sorted(SITE_BOUND)]
    return or_(user.role.not_in(bound), granted.exists())


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class UserFilter:
    ids: Annotated[list[ID] | None, Reference("usr", "id")] = UNSET
    search: str | None = search("name", "email", description="Part of the name or e-mail address.")
    role: list[Role] | None = UNSET
    status: list[t.UserStatus] | None = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "id")] = where(
        _sees_one_of, description="Users who may see one of these sites."
    )


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class SiteFilter:
    ids: Annotated[list[ID] | None, Reference("sit", "id")] = UNSET
    search: str | None = search("name", description="Part of the name.")
    status: list[t.SiteStatus] | None = UNSET
    industry_id: Annotated[ID | None, Reference("ind", "industry_id")] = UNSET


@strawberry.input(description="Every condition must hold; what is absent or null filters nothing.")
class SectorFilter:
    ids: Annotated[list[ID] | None, Reference("sec", "id")] = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "site_id")] = UNSET
    search: str | None = search("name", description="Part of the name.")
    status: list[t.SectorStatus] | None = UNSET


UserOrder = ordering("UserOrder", created_at=lambda u: u.created_at, email=lambda u: u.email, name=lambda u: u.name)
SiteOrder = ordering("SiteOrder", created_at=lambda s: s.created_at, name=lambda s: s.name)
SectorOrder = ordering("SectorOrder", created_at=lambda s: s.created_at, name=lambda s: s.name)


def is_live(session: Any) -> ColumnElement[bool]:
    return and_(session.revoked_at.is_(None), session.expires_at > func.now())


def is_own(session: Any) -> ColumnElement[bool]:
    return equal(session.user_id, id_setting("user_id"))


@rows(t.Session, prefix="ses", need=Audience.SIGNED_IN, only=is_own)
class Session(Node):
    """A sign-in on one device."""

    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str | None
    ip_address: str | None
    current: bool = sql(
        lambda s: func.coalesce(s.id == id_setting("session_id"), literal_column("false")),
        never_null=True,
        description="Whether it is the session of this request.",
    )


@rows(t.SeedKeyword, prefix="skw", need=Audience.PUBLIC)
class SeedKeyword(Node):
    """A keyword that a sector made from a template may begin with."""

    keyword: str
    volume: int | None
    difficulty: int | None
    intent: t.SearchIntent


@rows(t.IndustrySector, prefix="ins", need=Audience.PUBLIC)
class IndustrySector(Node):
    """A template for sectors."""

    name: str
    slug: str
    description: str | None
    industry: Annotated["Industry", lazy("igny8.auth.graphql.types")] = one()
    seed_keywords: list[SeedKeyword] = listed(
        lambda i, k: k.industry_sector_id == i.id, most=50, default=(("KEYWORD", lambda k: k.keyword, False),)
    )


@rows(t.Industry, prefix="ind", need=Audience.PUBLIC)
class Industry(Node):
    """A template for sites: the sectors that sites of this line of business usually have."""

    name: str
    slug: str
    description: str | None
    sectors: list[IndustrySector] = listed(lambda i, s: s.industry_id == i.id, most=20, default=BY_NAME)


@rows(t.SiteUserAccess, prefix="uac", need=Permission.USERS_MANAGE)
class SiteUserAccess(Node):
    """A grant: this editor or viewer may see this site."""

    user: Annotated["User", lazy("igny8.auth.graphql.types")] = one()
    site: Annotated["Site", lazy("igny8.auth.graphql.types")] = one()
    granted_by: Annotated["User", lazy("igny8.auth.graphql.types")] | None = one()
    granted_at: datetime


GRANTED = (("GRANTED_AT", lambda g: g.granted_at, True),)


@rows(t.Sector, prefix="sec", need=Permission.CONTENT_READ)
class Sector(Node):
    """A part of a site's subject; a site has at most five active ones."""

    name: str
    slug: str
    description: str | None
    status: t.SectorStatus
    site: Annotated["Site", lazy("igny8.auth.graphql.types")] = one()
    industry_sector: IndustrySector | None = one()
    created_at: datetime
    updated_at: datetime


def _user_of(site: Any, user: Any, id: Annotated[ID, Reference("usr", "id")]) -> ColumnElement[bool]:
    return and_(user.id == id, _sees_one_of(user, array([site.id])))


@rows(t.Site, prefix="sit", need=Permission.CONTENT_READ)
class Site(Node):
    """A website of an account."""

    name: str
    slug: str
    domain: str | None
    status: t.SiteStatus
    language: str
    timezone: str
    account: Annotated["Account", lazy("igny8.auth.graphql.types")] = one()
    industry: Industry | None = one()
    wp_url: str | None
    wp_username: str | None
    has_wp_app_password: bool = column(
        description="True when an application password is stored. The password itself is never readable."
    )
    user: Annotated["User", lazy("igny8.auth.graphql.types")] | None = one(
        _user_of, need=MANAGES_USERS, description="A user who may see this site."
    )
    sector: Sector | None = one(by_id("sec", "site_id"))
    sectors: Connection[Sector] = many(
        lambda site, sector: sector.site_id == site.id, filter=SectorFilter, order=SectorOrder
    )
    access: Connection[SiteUserAccess] | None = many(
        lambda site, grant: grant.site_id == site.id, default=GRANTED, need=MANAGES_USERS
    )
    created_at: datetime
    updated_at: datetime


@rows(t.User, prefix="usr", need=Permission.CONTENT_READ)
class User(Node):
    """A person or bot of one account."""

    email: str | None = sql(
        lambda u: u.email, need=MANAGES_USERS, description="Null for those who may not manage users."
    )
    email_verified: bool | None = sql(lambda u: u.email_verified, need=MANAGES_USERS)
    name: str
    role: Role
    status: t.UserStatus
    account: Annotated["Account", lazy("igny8.auth.graphql.types")] = one()
    site_access: Connection[SiteUserAccess] | None = many(
        lambda user, grant: grant.user_id == user.id, default=GRANTED, need=MANAGES_USERS
    )
    last_signed_in_at: datetime | None = sql(lambda u: u.last_signed_in_at, need=MANAGES_USERS)
    created_at: datetime
    updated_at: datetime


@rows(t.Account, prefix="acc", need=Permission.CONTENT_READ)
class Account(Node):
    """A tenant: an agency or a site owner."""

    name: str
    slug: str
    status: t.AccountStatus
    is_system: bool
    owner: User | None = one(lambda account, user: user.role == literal_column("'OWNER'"))
    users: Connection[User] | None = many(
        lambda account, user: user.account_id == account.id, filter=UserFilter, order=UserOrder, need=MANAGES_USERS
    )
    sites: Connection[Site] = many(
        lambda account, site: site.account_id == account.id, filter=SiteFilter, order=SiteOrder
    )
    created_at: datetime
    updated_at: datetime


def _permissions(_: Any) -> ColumnElement[Any]:
    """The matrix as SQL: the permissions of the viewer's role."""
    granted = {
        role.value: cast(literal_column("'{" + ",".join(sorted(permissions)) + "}'"), ARRAY(Text))
        for role, permissions in PERMISSIONS.items()
    }
    return case(granted, value=setting("role"))


@rows(t.Account, prefix="acc", need=Audience.SIGNED_IN)
class Viewer:
    """Who is asking, and what they may do in the account they act on."""

    user: User | None = one(
        lambda account, user: user.id == id_setting("user_id"),
        description="Null for a developer who acts on another account.",
    )
    account: Account = one(lambda account, other: other.id == account.id)
    role: Role | None = sql(lambda account: setting("role"))
    permissions: list[Permission] = sql(_permissions, never_null=True)
    session: Session | None = one(lambda account, session: session.id == id_setting("session_id"))
