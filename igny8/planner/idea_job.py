"""The job that has a model propose ideas: each cluster is an item that is kept and charged by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.ai.calls import Answered, Provider, TextCall
from igny8.ai.catalogue import ModelKind
from igny8.auth.tables import Site
from igny8.credits import OperationType
from igny8.jobs import (
    Cancelled,
    Charge,
    Item,
    JobErrorCode,
    JobFailure,
    JobKind,
    JobPhase,
    Queue,
    Running,
    Subject,
    Superseded,
    task,
)
from igny8.jobs.failures import failure_of
from igny8.jobs.tables import JobResult
from igny8.planner import idea_answers, idea_keeping
from igny8.planner.idea_answers import IdeasAnswer, Usable
from igny8.planner.places import Place
from igny8.planner.tables import Cluster, Idea, Keyword, KeywordCluster
from igny8.system import prompts, strategies, templates
from igny8.system.tables import PromptType

_AT_ONCE: Final = 8
#: What a model is shown of a cluster: its most searched keywords, and the newest titles of its sector.
_KEYWORDS_SHOWN: Final = 50
_TITLES_SHOWN: Final = 100


class GenerateIdeas(BaseModel):
    """The arguments of the job; its items are the clusters."""

    site_id: UUID
    per_cluster: int
    strategy_id: UUID | None
    prompt_override: str | None
    credits_per_cluster: int


class IdeasReport(BaseModel):
    """What a run made; stored as the schema shows it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    created: int
    duplicates_dropped: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """A cluster, and the prompt for it."""

    id: UUID
    name: str
    place: Place
    prompt: str

    @property
    def public_id(self) -> str:
        return f"clu_{self.id.hex}"


@task(JobKind.GENERATE_IDEAS, arguments=GenerateIdeas, queue=Queue.AI, time_limit=1_800)
async def generate_ideas(job: Running, arguments: GenerateIdeas) -> None:
    """Ask for ideas cluster by cluster, several at once, and keep those that are new."""
    await job.progress(JobPhase.INIT, 5, f"Ideas for {job.items_total:,} clusters")
    run = _Run(job, arguments)
    async with asyncio.TaskGroup() as group:
        for item in job.items:
            group.create_task(run.item(item))
    job.report(await run.report())


class _Run:
    """One attempt at the job."""

    def __init__(self, job: Running, arguments: GenerateIdeas) -> None:
        self._job, self._arguments = job, arguments
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._begun = job.items_total - len(job.items)

    async def item(self, item: Item) -> None:
        async with self._places:
            try:
                asked = await self._read(item.subject.id)
                await self._say(asked, item)
                answer = await self._answer(asked)
                await self._keep(item, asked, answer)
            except (Cancelled, Superseded):
                raise
            except Exception as error:
                await self._job.item_failed(item, failure_of(error))

    async def report(self) -> IdeasReport:
        made = select(func.count()).where(
            JobResult.account_id == self._job.account_id, JobResult.job_id == self._job.id
        )
        async with self._job.transaction() as session:
            created = (await session.execute(made)).scalar_one()
        dropped = sum(finding["dropped"] for finding in await self._job.findings())
        return IdeasReport(created=created, duplicates_dropped=dropped)

    async def _say(self, asked: _Asked, item: Item) -> None:
        self._begun += 1
        number, total = self._begun, self._job.items_total
        message = f"Planning {number} of {total}: {asked.name}"
        await self._job.progress(JobPhase.AI_CALL, 20 + 60 * (number - 1) // total, message, item=item)

    async def _read(self, cluster_id: UUID) -> _Asked:
        account_id, arguments = self._job.account_id, self._arguments
        async with self._job.transaction() as session:
            wanted = select(Cluster).where(Cluster.account_id == account_id, Cluster.id == cluster_id)
            cluster = (await session.execute(wanted)).scalar_one_or_none()
            if cluster is None:
                raise JobFailure(JobErrorCode.NOT_FOUND, "The cluster is not there any more.")
            prompt = await prompts.chosen(session, account_id, PromptType.IDEAS, override=arguments.prompt_override)
            said = await strategies.instructions_for(
                session, account_id, PromptType.IDEAS, sector_id=cluster.sector_id, only=arguments.strategy_id
            )
            values = {
                "data": templates.delimited(await self._material(session, cluster)),
                "ideas_per_cluster": str(arguments.per_cluster),
                "language": await _language_of(session, account_id, cluster.site_id),
            }
        filled = prompt.filled({**values, "strategy": said} if said else values)
        return _Asked(cluster.id, cluster.name, Place(cluster.site_id, cluster.sector_id), filled)

    async def _material(self, session: AsyncSession, cluster: Cluster) -> dict[str, object]:
        """What the model is shown of a cluster and its neighbourhood."""
        keywords = (
            select(Keyword.keyword, Keyword.volume, Keyword.intent)
            .join(
                KeywordCluster,
                (KeywordCluster.account_id == Keyword.account_id) & (KeywordCluster.keyword_id == Keyword.id),
            )
            .where(KeywordCluster.account_id == cluster.account_id, KeywordCluster.cluster_id == cluster.id)
            .order_by(Keyword.volume.desc().nulls_last(), Keyword.keyword)
            .limit(_KEYWORDS_SHOWN)
        )
        titles = (
            select(Idea.title)
            .where(Idea.account_id == cluster.account_id, Idea.sector_id == cluster.sector_id)
            .order_by((Idea.cluster_id == cluster.id).desc().nulls_last(), Idea.created_at.desc(), Idea.id.desc())
            .limit(_TITLES_SHOWN)
        )
        shown = {
            "id": f"clu_{cluster.id.hex}",
            "name": cluster.name,
            "description": cluster.description,
            "keywords": [dict(row._mapping) for row in await session.execute(keywords)],
        }
        return {
            "clusters": [shown],
            "titles": list((await session.execute(titles)).scalars()),
            "per_cluster": self._arguments.per_cluster,
        }

    async def _answer(self, asked: _Asked) -> Answered[IdeasAnswer]:
        engine, connection = self._job.engine, await self._job.connection(Provider.OPENAI)
        model = connection.text_model or engine.catalogue.default(Provider.OPENAI, ModelKind.TEXT)
        call = TextCall(model, asked.prompt, IdeasAnswer, "ideas")
        return await engine.text(connection, call, steps=self._job.steps(), key=f"ideas:{asked.id.hex}")

    async def _keep(self, item: Item, asked: _Asked, answer: Answered[IdeasAnswer]) -> None:
        found = idea_answers.usable(answer.value, asked.public_id, self._arguments.per_cluster)
        if not found:
            raise JobFailure(JobErrorCode.AI_OUTPUT_INVALID, "The model proposed nothing that can be used.")
        async with self._job.transaction() as session:
            kept, dropped = await self._kept(session, asked, found)
            # What repeats what is there was not worth its price.
            credits = self._arguments.credits_per_cluster if kept else 0
            await self._job.item_succeeded(
                session,
                item,
                charge=Charge(OperationType.IDEA_GENERATION, credits, (answer.usage, *answer.repairs)),
                results=[Subject("content_idea", idea_id) for idea_id in kept],
                message=f"{len(kept)} ideas, {dropped} near-duplicates dropped",
                finding={"dropped": dropped},
            )

    async def _kept(self, session: AsyncSession, asked: _Asked, found: Sequence[Usable]) -> tuple[list[UUID], int]:
        account_id = self._job.account_id
        new = await idea_keeping.without_near_duplicates(session, account_id, asked.place, found)
        kept = await idea_keeping.keep(session, account_id, asked.place, asked.id, new)
        return kept, len(found) - len(new)


async def _language_of(session: AsyncSession, account_id: UUID, site_id: UUID) -> str:
    wanted = select(Site.language).where(Site.account_id == account_id, Site.id == site_id)
    return (await session.execute(wanted)).scalar_one()
