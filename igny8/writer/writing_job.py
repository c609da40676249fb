"""The job of writing: each task is planned, written, made longer if it came out too short, and kept by itself."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from igny8.ai.calls import Answered, Connection, Provider, TextCall, Usage
from igny8.ai.catalogue import ModelKind
from igny8.ai.errors import AiError, AiErrorCode
from igny8.billing import estimates
from igny8.billing.prices import Price
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
from igny8.jobs.failures import cause_of, failure_of
from igny8.writer import answers, article_keeping, article_prompts, briefs, markup
from igny8.writer.answers import ArticleAnswer, ContinuationAnswer, OutlineAnswer, OutlineSection
from igny8.writer.briefs import Brief
from igny8.writer.live import LiveArticle

_AT_ONCE: Final = 8
#: Of the words that were asked for: less than this is made longer, once.
_SHORTEST: Final = 0.8
#: Characters of an article's end that its continuation is told.
_END: Final = 2_000


class GenerateContent(BaseModel):
    """The arguments of the job: the words that its tasks asked for, and what words cost, when it was started."""

    author_profile_id: UUID | None
    replace: bool
    prompt_override: str | None
    words: dict[UUID, int]
    price: Price


@dataclass(frozen=True, slots=True)
class _Written:
    """An article, the columns that keep it, and the calls that it took: the article's own first."""

    columns: dict[str, object]
    words: int
    used: tuple[Usage, ...]


@task(JobKind.GENERATE_CONTENT, arguments=GenerateContent, queue=Queue.AI, time_limit=3_600)
async def generate_content(job: Running, arguments: GenerateContent) -> None:
    """Write the tasks, several at once; one that fails leaves the others alone."""
    await job.progress(JobPhase.PREP, 10, f"Preparing {_counted(job.items_total)}")
    run = _Run(job, arguments)
    async with asyncio.TaskGroup() as group:
        for item in job.items:
            group.create_task(run.item(item))


class _Run:
    """One attempt at a job."""

    def __init__(self, job: Running, arguments: GenerateContent) -> None:
        self._job, self._arguments = job, arguments
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._begun = self._done = job.items_total - len(job.items)

    async def item(self, item: Item) -> None:
        async with self._places:
            self._begun += 1
            try:
                await self._write(item)
            except Exception as raised:
                error = cause_of(raised)
                if isinstance(error, Cancelled | Superseded):
                    raise error from None
                await self._job.item_failed(item, failure_of(error))
            self._done += 1

    async def _write(self, item: Item) -> None:
        brief = await self._brief(item.subject.id)
        percent = 20 + 60 * self._done // max(1, self._job.items_total)
        message = f"Writing {self._begun} of {self._job.items_total}: {brief.title}"
        await self._job.progress(JobPhase.AI_CALL, percent, message, item=item)
        live = LiveArticle(self._job, item)
        author = _Author(self._job, await self._job.connection(Provider.OPENAI), brief, live)
        written = await author.write(self._arguments.words[brief.task_id])
        await live.settle(str(written.columns["html_content"]))
        if self._done == self._job.items_total - 1:
            await self._job.progress(JobPhase.SAVE, 90, f"Saving {brief.title}")
        await self._keep(item, brief, written)

    async def _brief(self, task_id: UUID) -> Brief:
        arguments = self._arguments
        async with self._job.transaction() as session:
            brief = await briefs.of(
                session,
                self._job.account_id,
                task_id,
                author_profile_id=arguments.author_profile_id,
                prompt_override=arguments.prompt_override,
            )
        if brief is None:
            raise JobFailure(JobErrorCode.NOT_FOUND, "The task is not there any more.")
        if brief.content_id is not None and not arguments.replace:
            raise JobFailure(JobErrorCode.CONFLICT, "The task got a content meanwhile. Write it anew with `replace`.")
        return brief

    async def _keep(self, item: Item, brief: Brief, written: _Written) -> None:
        """Keep the article and charge its words, at most those that were held for it."""
        asked = self._arguments.words[brief.task_id]
        credits = self._arguments.price.of(min(written.words, estimates.most_words(asked)))
        charge = Charge(OperationType.CONTENT_GENERATION, credits, written.used)
        account_id, job_id = self._job.account_id, self._job.id
        async with self._job.transaction() as session:
            content_id = await article_keeping.keep(
                session, account_id, brief, written.columns, job_id=job_id, replace=self._arguments.replace
            )
            charged = await self._job.item_succeeded(
                session,
                item,
                charge=charge,
                results=[Subject("content", content_id)],
                message=f"{written.words:,} words",
            )
            await article_keeping.note_generation(
                session, account_id, content_id, brief, written.used, credits=charged, job_id=job_id
            )


class _Author:
    """Writes one article. Every step is paid once: an attempt after a crash goes on behind the last one."""

    def __init__(self, job: Running, connection: Connection, brief: Brief, live: LiveArticle) -> None:
        self._job, self._connection, self._brief, self._live = job, connection, brief, live
        default = job.engine.catalogue.default(Provider.OPENAI, ModelKind.TEXT)
        self._model = connection.text_model or default
        self._steps = job.steps()

    async def write(self, words: int) -> _Written:
        """An article of about so many words. Raises AiError."""
        brief = self._brief
        planned = await self._job.engine.text(
            self._connection,
            TextCall(self._model, article_prompts.outline(brief, words), OutlineAnswer, "outline"),
            steps=self._steps,
            key=f"outline:{brief.task_id.hex}",
        )
        sections = planned.value.sections
        async with self._live.watched():
            first = await self._article(sections, words)
            html = markup.cleaned(first.value.html)
            used = (first.usage, *first.repairs, planned.usage, *planned.repairs)
            if (missing := words - markup.words(html)) > words * (1 - _SHORTEST):
                more = await self._continuation(sections, html, missing)
                if more is not None:
                    html = markup.cleaned(f"{html}\n{more.value.html}")
                    used += (more.usage, *more.repairs)
        columns = answers.columns(first.value, html, title=brief.title, keyword=brief.keyword)
        return _Written(columns, markup.words(html), used)

    async def _article(self, sections: list[OutlineSection], words: int) -> Answered[ArticleAnswer]:
        prompt = article_prompts.article(self._brief, sections, words)
        return await self._job.engine.text(
            self._connection,
            TextCall(self._model, prompt, ArticleAnswer, "article", live="html"),
            steps=self._steps,
            key=f"article:{self._brief.task_id.hex}",
            on_text=self._live.tell,
        )

    async def _continuation(
        self, sections: list[OutlineSection], html: str, missing: int
    ) -> Answered[ContinuationAnswer] | None:
        """What is missing; None when the model gives nothing usable, because a short article is better than none."""
        prompt = article_prompts.continuation(self._brief, sections, end=html[-_END:], words=missing)
        try:
            return await self._job.engine.text(
                self._connection,
                TextCall(self._model, prompt, ContinuationAnswer, "continuation", live="html"),
                steps=self._steps,
                key=f"continuation:{self._brief.task_id.hex}",
                on_text=lambda text: self._live.tell(f"{html}\n{text}"),
            )
        except AiError as error:
            if error.code in (AiErrorCode.AI_OUTPUT_INVALID, AiErrorCode.AI_REFUSED):
                return None
            raise


def _counted(tasks: int) -> str:
    return "1 text" if tasks == 1 else f"{tasks} texts"
