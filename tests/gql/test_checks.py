"""Declarations that do not fit their tables stop the start, and all of them are told at once."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from strawberry import ID, UNSET
from strawberry.schema.config import StrawberryConfig

from igny8.access import Permission
from igny8.auth import tables as auth
from igny8.gql.read.checks import WrongDeclarations, check
from igny8.gql.read.declarations import Reference
from igny8.gql.read.declare import (
    Connection,
    Node,
    column,
    computed,
    many,
    one,
    ordering,
    poly,
    ref,
    roots,
    rows,
    sql,
)
from igny8.gql.read.plans import sources_of
from igny8.gql.scalars import SCALARS, DateTimeFilter, IntFilter
from igny8.planner import tables as planner

READ = Permission.CONTENT_READ


@strawberry.enum
class Half(Enum):
    NEW = "NEW"
    OTHER = "OTHER"


def text(missing: str) -> str:
    return missing


@strawberry.input
class WrongFilter:
    nowhere: list[str] | None = UNSET
    keyword: IntFilter | None = UNSET
    volume: DateTimeFilter | None = UNSET
    status: list[Half] | None = UNSET
    site_id: Annotated[list[ID] | None, Reference("sit", "keyword")] = UNSET


WrongOrder = ordering("WrongOrder", nowhere=lambda k: k.nowhere)


@rows(planner.Keyword, prefix="key", need=READ)
class Keyword(Node):
    nowhere: str
    volume: int
    keyword: str | None
    difficulty: str | None
    cpc: float | None
    created_at: Decimal
    status: Half
    serp_urls: str
    intent: list[str]
    right: int | None = sql(lambda k: k.volume)
    expression: int = sql(lambda k: k.nowhere)
    guarded: str = sql(lambda k: k.keyword, need=Permission.BILLING_READ)
    made: str = computed(text, needs=["missing"])
    other_id: ID = ref("sit", "keyword")
    subject: Node | None = poly("kind", "keyword")
    others: Connection["Keyword"] = many(lambda k, o: k.id == o.id, filter=WrongFilter, order=WrongOrder)


@rows(auth.Sector, prefix="sec", need=READ)
class Sector(Node):
    site: Annotated["Site", strawberry.lazy("tests.gql.test_checks")] | None = one()
    industry_sector: Annotated["Site", strawberry.lazy("tests.gql.test_checks")] = one()
    elsewhere: Annotated["Site", strawberry.lazy("tests.gql.test_checks")] | None = one()


@rows(auth.Site, prefix="sit", need=READ)
class Site(Node):
    name: str
    domain: str | None
    wp_app_password: str | None
    created_at: datetime
    language: str = column(description="Fits.")


@strawberry.type
class Query:
    keywords: Connection[Keyword] = roots(need=READ, default=(("NOWHERE", lambda k: k.nowhere, False),))
    sectors: Connection[Sector] = roots(need=READ)


FAULTS = [
    "Keyword.cpc: column 'cpc' is NUMERIC(10, 2), which is no Float",
    "Keyword.createdAt: column 'created_at' is DATETIME, which is no Decimal",
    "Keyword.difficulty: column 'difficulty' is INTEGER, which is no String",
    "Keyword.expression: it reads a column that is not there: nowhere",
    "Keyword.guarded: it is null without its permission, so its type must allow null",
    "Keyword.intent: column 'intent' is no list",
    "Keyword.keyword: column 'keyword' is never null, so the field need not be",
    "Keyword.made: it reads a column that is not there: missing",
    "Keyword.nowhere: keyword has no column 'nowhere'",
    "Keyword.otherId: column 'keyword' is no uuid",
    "Keyword.others: filter keyword: column 'keyword' is TEXT COLLATE \"C\", which IntFilter does not compare",
    "Keyword.others: filter nowhere: keyword has no column 'nowhere'",
    "Keyword.others: filter siteId: column 'keyword' is no uuid",
    "Keyword.others: filter status: Half has members that column 'status' cannot hold",
    "Keyword.others: filter volume: column 'volume' is INTEGER, which DateTimeFilter does not compare",
    "Keyword.others: order NOWHERE: it reads a column that is not there: nowhere",
    "Keyword.serpUrls: column 'serp_urls' is a list",
    "Keyword.status: Half and the check of column 'status' differ: ARCHIVED, CLUSTERED, OTHER",
    "Keyword.subject: keyword has no column 'keyword' of type uuid",
    "Keyword.subject: keyword has no column 'kind' of type text",
    "Keyword.volume: column 'volume' may be null and the field may not",
    "Query.keywords: order NOWHERE: it reads a column that is not there: nowhere",
    "Sector.elsewhere: sector has no column 'elsewhere_id'",
    "Sector.industrySector: column 'industry_sector_id' may be null and the field may not",
    "Sector.site: column 'site_id' is never null, so the field need not be",
    "Site.wpAppPassword: column 'wp_app_password' is BLOB, which is no String",
    "Site.wpAppPassword: column 'wp_app_password' is secret",
]


def faults() -> list[str]:
    made: Any = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))._schema
    with pytest.raises(WrongDeclarations) as raised:
        check(made, sources_of(made))
    return raised.value.faults


def test_every_fault_is_told_with_its_place() -> None:
    assert sorted(faults()) == FAULTS
