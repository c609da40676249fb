"""The job of clustering: keywords are grouped by a model, by their words or by shared result pages.

A large set is divided into parts; each part is an item that is kept and charged by itself, so that a part that
fails costs nothing and can be run again.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.ai.calls import Answered, Provider, TextCall, Usage
from igny8.ai.catalogue import ModelKind
from igny8.auth import tables as auth
from igny8.children import in_child
from igny8.credits import OperationType
from igny8.errors import LimitReached
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
from igny8.jobs.tables import Job, JobResult
from igny8.planner import proposals
from igny8.planner.cluster_keeping import keep
from igny8.planner.proposals import Candidate, ClusterAnswer, Proposals
from igny8.planner.tables import Cluster, Keyword
from igny8.system import prompts, templates
from igny8.system.tables import PromptType

#: Rows that one statement asks for.
_CHUNK: Final = 1_000
_AT_ONCE: Final = 8
_NAMES_OFFERED: Final = 200


class ClusteringMethod(StrEnum):
    """How keywords are grouped."""

    AI = "AI"
    LEXICAL = "LEXICAL"
    SERP_OVERLAP = "SERP_OVERLAP"


class ClusterKeywords(BaseModel):
    """The arguments of the job. `keyword_ids` are those that were there when it was started."""

    site_id: UUID
    sector_id: UUID
    keyword_ids: list[UUID]
    method: ClusteringMethod
    preview: bool
    prompt_override: str | None
    credits_per_part: int = 0


class _Reported(BaseModel):
    """Stored as the schema shows it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ClusterProposal(_Reported):
    name: str
    description: str | None
    keyword_ids: list[str]
    score: float


class _Found(_Reported):
    """What one part adds to the report."""

    proposals: list[ClusterProposal]
    left_over: list[str]
    requests: int

    @classmethod
    def of(cls, made: Proposals) -> Self:
        proposals = [
            ClusterProposal(name=p.name, description=p.description, keyword_ids=list(p.keyword_ids), score=p.score)
            for p in made.proposals
        ]
        return cls(proposals=proposals, left_over=list(made.left_over), requests=made.requests)


class ClusteringReport(_Reported):
    """What a run did, or proposes."""

    proposals: list[ClusterProposal]
    left_over: list[str]
    clusters_created: int
    clusters_extended: int
    requests: int


@task(JobKind.CLUSTER_KEYWORDS, arguments=ClusterKeywords, queue=Queue.AI, time_limit=1_800)
async def cluster_keywords(job: Running, arguments: ClusterKeywords) -> None:
    """Group the keywords and keep the groups, part by part; what is proposed or left over is in the report."""
    await job.progress(JobPhase.INIT, 5, "Reading the keywords")
    async with job.transaction() as session:
        candidates = await _candidates(session, arguments)
        names = await _names_of(session, arguments)
    if not candidates:
        raise JobFailure(JobErrorCode.NOT_FOUND, "The keywords are not there any more.")
    run = _Run(job, arguments, {candidate.id: candidate for candidate in candidates}, names)
    await (run.by_model() if arguments.method is ClusteringMethod.AI else run.by_rule())
    job.report(await run.report())


class _Run:
    """One attempt at a clustering job."""

    def __init__(
        self, job: Running, arguments: ClusterKeywords, candidates: dict[str, Candidate], names: list[str]
    ) -> None:
        self._job, self._arguments, self._candidates, self._names = job, arguments, candidates, names
        self._begun = job.items_total - len(job.items)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._keeping = asyncio.Lock()

    async def by_rule(self) -> None:
        """Free methods: one part, in a child process."""
        await self._job.progress(JobPhase.PREP, 15, f"Comparing {len(self._candidates):,} keywords")
        lexical = self._arguments.method is ClusteringMethod.LEXICAL
        made = await in_child(
            proposals.lexically if lexical else proposals.by_result_pages, [*self._candidates.values()]
        )
        for item in self._job.items:
            await self._end_part(item, made)

    async def by_model(self) -> None:
        """Parts of at most 200 keywords, several at once; what one part proposes is kept before the next."""
        if any(item.part is None for item in self._job.items):
            parts = await in_child(proposals.requests_of, [*self._candidates.values()])
            await self._job.divide([{"keywords": [candidate.id for candidate in part]} for part in parts])
        message = f"Sorting {len(self._candidates):,} keywords in {self._job.items_total} requests"
        await self._job.progress(JobPhase.PREP, 15, message)
        async with asyncio.TaskGroup() as group:
            for item in self._job.items:
                group.create_task(self._part(item))

    async def report(self) -> ClusteringReport:
        """What came of it, over all attempts."""
        new = Cluster.created_at >= Job.queued_at
        made = (
            select(func.count().filter(new), func.count().filter(~new))
            .select_from(JobResult)
            .join(Job, (Job.account_id == JobResult.account_id) & (Job.id == JobResult.job_id))
            .join(Cluster, (Cluster.account_id == JobResult.account_id) & (Cluster.id == JobResult.result_id))
            .where(JobResult.account_id == self._job.account_id, JobResult.job_id == self._job.id)
        )
        async with self._job.transaction() as session:
            created, extended = (await session.execute(made)).one()
        found = [_Found.model_validate(finding) for finding in await self._job.findings()]
        return ClusteringReport(
            proposals=[proposal for one in found for proposal in one.proposals],
            left_over=[id_ for one in found for id_ in one.left_over],
            clusters_created=created,
            clusters_extended=extended,
            requests=sum(one.requests for one in found),
        )

    async def _part(self, item: Item) -> None:
        async with self._places:
            part = [self._candidates[id_] for id_ in (item.part or {})["keywords"] if id_ in self._candidates]
            self._begun += 1
            number, total = self._begun, self._job.items_total
            try:
                if not part:
                    raise JobFailure(JobErrorCode.NOT_FOUND, "The keywords of this part are not there any more.")
                message = f"Sorting part {number} of {total}: {len(part)} keywords"
                await self._job.progress(JobPhase.AI_CALL, 20 + 60 * (number - 1) // total, message, item=item)
                answer = await self._asked(part)
            except (Cancelled, Superseded):
                raise
            except Exception as error:
                await self._job.item_failed(item, failure_of(error))
                return
        made = proposals.of_answers(part, [answer.value])
        await self._end_part(item, made, (answer.usage, *answer.repairs))

    async def _asked(self, part: list[Candidate]) -> Answered[ClusterAnswer]:
        connection = await self._job.connection(Provider.OPENAI)
        model = connection.text_model or self._job.engine.catalogue.default(Provider.OPENAI, ModelKind.TEXT)
        data = {
            "keywords": [{"id": c.id, "keyword": c.keyword, "volume": c.volume, "intent": c.intent} for c in part],
            "clusters": self._names[:_NAMES_OFFERED],
        }
        async with self._job.transaction() as session:
            prompt = await prompts.chosen(
                session, self._job.account_id, PromptType.CLUSTERING, override=self._arguments.prompt_override
            )
            language = await _language_of(session, self._job.account_id, self._arguments.site_id)
        text = prompt.filled({"data": templates.delimited(data), "language": language})
        ids = hashlib.sha256("".join(candidate.id for candidate in part).encode()).hexdigest()[:32]
        return await self._job.engine.text(
            connection,
            TextCall(model, text, ClusterAnswer, "clusters"),
            steps=self._job.steps(),
            key=f"clusters:{ids}",
        )

    async def _end_part(self, item: Item, made: Proposals, used: Sequence[Usage] = ()) -> None:
        """Keep what a part proposes, once; parts are kept one after the other, so that equal names meet."""
        async with self._keeping:
            try:
                await self._keep(item, made, used)
            except LimitReached as error:
                await self._job.item_failed(item, failure_of(error))

    async def _keep(self, item: Item, made: Proposals, used: Sequence[Usage]) -> None:
        arguments = self._arguments
        charge = Charge(OperationType.CLUSTERING, arguments.credits_per_part, used) if used else None
        message = f"{len(made.proposals)} clusters, {len(made.left_over)} keywords left over"
        async with self._job.transaction() as session:
            results: list[Subject] = []
            if not arguments.preview:
                kept = await keep(
                    session,
                    self._job.account_id,
                    site_id=arguments.site_id,
                    sector_id=arguments.sector_id,
                    wanted=made.proposals,
                )
                results = [Subject("cluster", cluster_id) for cluster_id in kept]
            finding = _Found.of(made).model_dump(mode="json", by_alias=True)
            await self._job.item_succeeded(
                session, item, charge=charge, results=results, message=message, finding=finding
            )


async def _candidates(session: AsyncSession, arguments: ClusterKeywords) -> list[Candidate]:
    """The keywords that are still there, in the order in which they were given."""
    with_pages = arguments.method is ClusteringMethod.SERP_OVERLAP
    found: dict[UUID, Candidate] = {}
    for ids in _chunks(arguments.keyword_ids):
        wanted = select(
            Keyword.id, Keyword.keyword, Keyword.volume, Keyword.intent, *([Keyword.serp_urls] if with_pages else [])
        ).where(Keyword.sector_id == arguments.sector_id, Keyword.id.in_(ids))
        for row in await session.execute(wanted):
            pages = row.serp_urls if with_pages else ()
            found[row.id] = Candidate(f"key_{row.id.hex}", row.keyword, row.volume, row.intent, pages)
    return [found[id_] for id_ in arguments.keyword_ids if id_ in found]


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for at in range(0, len(ids), _CHUNK):
        yield ids[at : at + _CHUNK]


async def _names_of(session: AsyncSession, arguments: ClusterKeywords) -> list[str]:
    """Clusters that may be extended, the largest first."""
    wanted = (
        select(Cluster.name)
        .where(Cluster.sector_id == arguments.sector_id, ~Cluster.locked, Cluster.status != "ARCHIVED")
        .order_by(Cluster.keywords_count.desc(), Cluster.id)
        .limit(_NAMES_OFFERED)
    )
    return list((await session.execute(wanted)).scalars())


async def _language_of(session: AsyncSession, account_id: UUID, site_id: UUID) -> str:
    wanted = select(auth.Site.language).where(auth.Site.account_id == account_id, auth.Site.id == site_id)
    return (await session.execute(wanted)).scalar_one_or_none() or "en"
