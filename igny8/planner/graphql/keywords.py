"""Keywords given by hand, and what is told about keywords that were given."""

from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID, UNSET
from strawberry.scalars import JSON

from igny8.access import Permission
from igny8.auth.tables import SearchIntent
from igny8.gql import ids as public
from igny8.gql.arguments import id_list, kept, optional, optional_id
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row, rows
from igny8.planner import keyword_editing, keywords
from igny8.planner.graphql.types import Keyword
from igny8.planner.importing import columns
from igny8.planner.importing import job as importing
from igny8.planner.keyword_rows import GivenKeyword
from igny8.planner.tables import KeywordStatus


@strawberry.input
class KeywordInput:
    keyword: str
    volume: int | None = strawberry.field(default=UNSET, description="Searches a month.")
    difficulty: int | None = strawberry.field(default=UNSET, description="0 to 100.")
    cpc: Decimal | None = strawberry.field(default=UNSET, description="Cost per click.")
    intent: SearchIntent | None = UNSET
    serp_urls: list[str] | None = strawberry.field(
        default=UNSET, description="The first result pages, best first; more than ten are left out."
    )


@strawberry.input
class CreateKeywordsInput:
    sector_id: ID
    keywords: list[KeywordInput] = strawberry.field(description="1 to 1,000; the last of equal ones counts.")


@strawberry.type(description="Why a row was not taken.")
class RowRejection:
    row: int = strawberry.field(description="Counted from 1; in a file the line of the title is not counted.")
    column: str | None
    value: str | None
    reason: str


@strawberry.type(description="What an import did, or would do with `dryRun`.")
class ImportReport:
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    rejections: list[RowRejection] = strawberry.field(description="The first 1,000.")
    columns: JSON = strawberry.field(description="Which column each value was taken from.")


def report_of(document: dict[str, Any] | None) -> ImportReport | None:
    """A report as it is stored."""
    if document is None:
        return None
    rejections = [RowRejection(**one) for one in document["rejections"]]
    return ImportReport(**{**document, "rejections": rejections})


@strawberry.type
class CreateKeywordsPayload(MutationPayload):
    keywords: list[Keyword] | None = None
    #: As it is stored, so that an idempotency key can keep it.
    document: strawberry.Private[dict[str, Any] | None] = None

    @strawberry.field
    def report(self) -> ImportReport | None:
        return report_of(self.document)


@strawberry.input(
    description="Either `csv` (up to 512 KB) or `uploadId` (from createUpload). Columns are found by their titles."
)
class ImportKeywordsInput:
    sector_id: ID
    csv: str | None = UNSET
    upload_id: ID | None = UNSET
    mapping: JSON | None = strawberry.field(
        default=UNSET, description='Where titles do not tell: `{"keyword": "Title of the column", "volume": ...}`.'
    )
    dry_run: bool | None = strawberry.field(
        default=UNSET, description="Change nothing: the report says what would be."
    )


@strawberry.type
class ImportKeywordsPayload(MutationPayload):
    job: Job | None = strawberry.field(default=None, description="Its outcome is the `ImportReport`.")


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateKeywordInput:
    id: ID
    keyword: str | None = UNSET
    volume: int | None = UNSET
    difficulty: int | None = UNSET
    cpc: Decimal | None = UNSET
    intent: SearchIntent | None = UNSET
    serp_urls: list[str] | None = UNSET
    status: KeywordStatus | None = strawberry.field(
        default=UNSET, description="ARCHIVED, or back to what follows from its clusters: NEW or CLUSTERED."
    )
    sector_id: ID | None = strawberry.field(
        default=UNSET, description="Another sector of the site; the keyword leaves its clusters."
    )


@strawberry.type
class UpdateKeywordPayload(MutationPayload):
    keyword: Keyword | None = None


@strawberry.type
class SetKeywordsStatusPayload(MutationPayload):
    keywords: list[Keyword] | None = None


@strawberry.type
class DeleteKeywordsPayload(MutationPayload):
    deleted_ids: list[ID] | None = None


@strawberry.type
class KeywordMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Add keywords from a file, as a job: exports of Google Keyword Planner and Search Console, of"
        " Ahrefs, Semrush, and plain ones. Empty cells leave what is stored.",
    )
    async def import_keywords(self, info: Info, input: ImportKeywordsInput) -> ImportKeywordsPayload:
        sector_id = public.given("sec", input.sector_id, "input", "sectorId")
        upload_id = optional_id("upl", optional(input.upload_id), "input", "uploadId")
        mapping = columns.checked_mapping(optional(input.mapping))
        async with info.context.writing() as write:
            job_id = await importing.start(
                write.session,
                write.viewer.account_id,
                sector_id=sector_id,
                csv=optional(input.csv),
                upload_id=upload_id,
                mapping=mapping,
                dry_run=optional(input.dry_run) or False,
                storage=info.context.services.storage,
                started_by=None if write.viewer.acts_abroad else write.viewer.user_id,
            )
            return write.answered(ImportKeywordsPayload(job=row(job_id)))

    @mutation(need=Permission.CONTENT_WRITE)
    async def update_keyword(self, info: Info, input: UpdateKeywordInput) -> UpdateKeywordPayload:
        keyword_id = public.given("key", input.id, "input", "id")
        sector = kept(input.sector_id)
        async with info.context.writing() as write:
            await keyword_editing.update(
                write.session,
                write.viewer.account_id,
                keyword_id,
                keyword=kept(input.keyword),
                volume=kept(input.volume),
                difficulty=kept(input.difficulty),
                cpc=kept(input.cpc),
                intent=kept(input.intent),
                serp_urls=kept(input.serp_urls),
                status=kept(input.status),
                sector_id=public.given("sec", sector, "input", "sectorId") if isinstance(sector, str) else sector,
            )
            return write.answered(UpdateKeywordPayload(keyword=row(keyword_id)))

    @mutation(need=Permission.CONTENT_WRITE, description="At most 1,000 of one site.")
    async def set_keywords_status(self, info: Info, ids: list[ID], status: KeywordStatus) -> SetKeywordsStatusPayload:
        given = id_list("key", ids, "ids")
        async with info.context.writing() as write:
            await keyword_editing.set_status(write.session, write.viewer.account_id, given, status)
            return write.answered(SetKeywordsStatusPayload(keywords=rows(given)))

    @mutation(need=Permission.CONTENT_WRITE, description="At most 1,000 of one site.")
    async def delete_keywords(self, info: Info, ids: list[ID]) -> DeleteKeywordsPayload:
        given = id_list("key", ids, "ids")
        async with info.context.writing() as write:
            await keyword_editing.delete(write.session, write.viewer.account_id, given)
            return write.answered(DeleteKeywordsPayload(deleted_ids=[ID(public.show("key", id_)) for id_ in given]))

    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Add keywords to a sector. One that is there takes the values that are given; what cannot be"
        " taken is in the report.",
    )
    async def create_keywords(self, info: Info, input: CreateKeywordsInput) -> CreateKeywordsPayload:
        sector_id = public.given("sec", input.sector_id, "input", "sectorId")
        given = [
            GivenKeyword(
                one.keyword,
                optional(one.volume),
                optional(one.difficulty),
                optional(one.cpc),
                optional(one.intent),
                optional(one.serp_urls) or (),
            )
            for one in input.keywords
        ]
        async with info.context.writing() as write:
            added = await keywords.add(write.session, write.viewer.account_id, sector_id=sector_id, given=given)
            return write.answered(CreateKeywordsPayload(keywords=rows(added.ids), document=added.report.document()))
