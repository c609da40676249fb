"""The same queries as a competent Python developer would serve them: Strawberry, SQLAlchemy's ORM, DataLoaders.

Typed ids, connections with `first` and one order, rows of each level in one batch with a window function.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

from igny8.auth import tables as auth
from igny8.planner import tables as planner
from igny8.writer import tables as writer

NodeT = TypeVar("NodeT")


@strawberry.enum
class OrderField(Enum):
    CREATED_AT = "created_at"


@strawberry.enum
class Direction(Enum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.input
class Order:
    field: OrderField
    direction: Direction


@strawberry.type
class Connection(Generic[NodeT]):
    nodes: list[NodeT]


def shown(prefix: str, id: UUID) -> strawberry.ID:
    return strawberry.ID(f"{prefix}_{id.hex}")


@strawberry.type
class Keyword:
    row: strawberry.Private[planner.Keyword]
    keyword: str
    volume: int | None
    difficulty: int | None
    intent: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return shown("key", self.row.id)


@strawberry.type
class Content:
    row: strawberry.Private[writer.Content]
    title: str
    slug: str
    word_count: int
    status: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return shown("con", self.row.id)


@strawberry.type
class Task:
    row: strawberry.Private[writer.Task]
    title: str
    status: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return shown("tsk", self.row.id)

    @strawberry.field
    async def content(self, info: strawberry.Info) -> Content | None:
        found = await info.context["loaders"].one(writer.Content, "task_id").load(self.row.id)
        return found and Content(
            row=found, title=found.title, slug=found.slug, word_count=found.word_count, status=found.status
        )


@strawberry.type
class ContentIdea:
    row: strawberry.Private[planner.Idea]
    title: str
    status: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return shown("ide", self.row.id)

    @strawberry.field
    async def tasks(self, info: strawberry.Info, first: int = 20) -> Connection[Task]:
        rows = await info.context["loaders"].many(writer.Task, "idea_id", first).load(self.row.id)
        return Connection(nodes=[Task(row=row, title=row.title, status=row.status) for row in rows])


@strawberry.type
class Cluster:
    row: strawberry.Private[planner.Cluster]
    name: str
    status: str
    keywords_count: int
    volume: int

    @strawberry.field
    def id(self) -> strawberry.ID:
        return shown("clu", self.row.id)

    @strawberry.field
    async def keywords(
        self, info: strawberry.Info, first: int = 20, order_by: list[Order] | None = None
    ) -> Connection[Keyword]:
        rows = await info.context["loaders"].keywords(first).load(self.row.id)
        return Connection(
            nodes=[
                Keyword(row=k, keyword=k.keyword, volume=k.volume, difficulty=k.difficulty, intent=k.intent)
                for k in rows
            ]
        )

    @strawberry.field
    async def ideas(
        self, info: strawberry.Info, first: int = 20, order_by: list[Order] | None = None
    ) -> Connection[ContentIdea]:
        rows = await info.context["loaders"].many(planner.Idea, "cluster_id", first).load(self.row.id)
        return Connection(nodes=[ContentIdea(row=row, title=row.title, status=row.status) for row in rows])


@strawberry.type
class Sector:
    row: strawberry.Private[auth.Sector]
    name: str
    status: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return shown("sec", self.row.id)

    @strawberry.field
    async def clusters(
        self, info: strawberry.Info, first: int = 20, order_by: list[Order] | None = None
    ) -> Connection[Cluster]:
        rows = await info.context["loaders"].many(planner.Cluster, "sector_id", first).load(self.row.id)
        return Connection(
            nodes=[
                Cluster(row=c, name=c.name, status=c.status, keywords_count=c.keywords_count, volume=c.volume)
                for c in rows
            ]
        )


@strawberry.type
class Site:
    row: strawberry.Private[auth.Site]
    name: str
    slug: str
    language: str
    status: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        return shown("sit", self.row.id)

    @strawberry.field
    async def sectors(
        self, info: strawberry.Info, first: int = 20, order_by: list[Order] | None = None
    ) -> Connection[Sector]:
        rows = await info.context["loaders"].many(auth.Sector, "site_id", first).load(self.row.id)
        return Connection(nodes=[Sector(row=row, name=row.name, status=row.status) for row in rows])


@strawberry.type
class Query:
    @strawberry.field
    async def sites(
        self, info: strawberry.Info, first: int = 20, order_by: list[Order] | None = None
    ) -> Connection[Site]:
        async with info.context["loaders"].session() as session:
            newest = select(auth.Site).order_by(auth.Site.created_at.desc(), auth.Site.id.desc()).limit(first)
            rows = (await session.scalars(newest)).all()
        return Connection(
            nodes=[Site(row=s, name=s.name, slug=s.slug, language=s.language, status=s.status) for s in rows]
        )


class Loaders:
    """The DataLoaders of one request: one for each edge and page size."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], account_id: str) -> None:
        self._sessions, self._account_id = sessions, account_id
        self._made: dict[Any, DataLoader[UUID, Any]] = {}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session:
            await session.execute(text("SELECT set_config('app.account_id', :id, true)"), {"id": self._account_id})
            yield session

    def many(self, row: type[Any], column: str, first: int) -> DataLoader[UUID, list[Any]]:
        return self._kept((row, column, first), lambda: self._newest(row, column, first))

    def one(self, row: type[Any], column: str) -> DataLoader[UUID, Any]:
        async def load(ids: list[UUID]) -> list[Any]:
            async with self.session() as session:
                found = (await session.scalars(select(row).where(getattr(row, column).in_(ids)))).all()
            by_id = {getattr(one, column): one for one in found}
            return [by_id.get(id) for id in ids]

        return self._kept((row, column), lambda: load)

    def keywords(self, first: int) -> DataLoader[UUID, list[Any]]:
        async def load(ids: list[UUID]) -> list[list[Any]]:
            link = planner.KeywordCluster
            number = func.row_number().over(
                partition_by=link.cluster_id, order_by=(planner.Keyword.created_at.desc(), planner.Keyword.id.desc())
            )
            ranked = (
                select(planner.Keyword, link.cluster_id.label("owner"), number.label("number"))
                .join(link, link.keyword_id == planner.Keyword.id)
                .where(link.cluster_id.in_(ids))
                .subquery()
            )
            return await self._grouped(aliased(planner.Keyword, ranked), ranked, ids, first)

        return self._kept(("keywords", first), lambda: load)

    def _newest(self, row: type[Any], column: str, first: int) -> Callable[[list[UUID]], Any]:
        async def load(ids: list[UUID]) -> list[list[Any]]:
            owner = getattr(row, column)
            number = func.row_number().over(partition_by=owner, order_by=(row.created_at.desc(), row.id.desc()))
            ranked = select(row, owner.label("owner"), number.label("number")).where(owner.in_(ids)).subquery()
            return await self._grouped(aliased(row, ranked), ranked, ids, first)

        return load

    async def _grouped(self, entity: Any, ranked: Any, ids: list[UUID], first: int) -> list[list[Any]]:
        query = (
            select(entity, ranked.c.owner).where(ranked.c.number <= first).order_by(ranked.c.owner, ranked.c.number)
        )
        groups: dict[UUID, list[Any]] = {id: [] for id in ids}
        async with self.session() as session:
            for found, owner in await session.execute(query):
                groups[owner].append(found)
        return [groups[id] for id in ids]

    def _kept(self, key: Any, make: Callable[[], Any]) -> DataLoader[UUID, Any]:
        if key not in self._made:
            self._made[key] = DataLoader(load_fn=make())
        return self._made[key]


def app() -> Starlette:
    url = os.environ["BENCH_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_async_engine(url, pool_size=6, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    account_id = os.environ["BENCH_ACCOUNT"]

    class Served(GraphQL[Any, Any]):
        async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
            return {"loaders": Loaders(sessions, account_id)}

    return Starlette(routes=[Route("/graphql", Served(strawberry.Schema(Query)))])
