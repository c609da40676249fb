"""Keywords given by hand, and what is told about keywords that were given."""

from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID, UNSET
from strawberry.scalars import JSON

from igny8.access import Permission
from igny8.auth.tables import SearchIntent
from igny8.gql import ids
from igny8.gql.arguments import optional
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, rows
from igny8.planner import keywords
from igny8.planner.graphql.types import Keyword
from igny8.planner.keyword_rows import GivenKeyword


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


@strawberry.type
class KeywordMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Add keywords to a sector. One that is there takes the values that are given; what cannot be"
        " taken is in the report.",
    )
    async def create_keywords(self, info: Info, input: CreateKeywordsInput) -> CreateKeywordsPayload:
        sector_id = ids.given("sec", input.sector_id, "input", "sectorId")
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
