"""Exports in the schema."""

from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.exporting import starting
from igny8.exporting.filtering import as_json
from igny8.exporting.formats import ExportFormat
from igny8.exporting.records import ExportType
from igny8.gql.arguments import optional, optional_id
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.planner.graphql.types import KeywordFilter
from igny8.writer.graphql.types import ContentFilter

strawberry.enum(ExportType)
strawberry.enum(ExportFormat)


@strawberry.input
class ExportRecordsInput:
    type: ExportType
    format: ExportFormat
    site_id: ID | None = strawberry.field(
        default=UNSET, description="None: the whole account. Who sees but one site need not name it."
    )
    keyword_filter: KeywordFilter | None = strawberry.field(default=UNSET, description="With KEYWORDS.")
    content_filter: ContentFilter | None = strawberry.field(default=UNSET, description="With CONTENTS.")


@strawberry.type(description="A file of exported records. A keyword export can be imported again.")
class ExportReport:
    url: str = strawberry.field(description="Whoever has the address can fetch the file until it expires.")
    bytes: int
    rows: int
    expires_at: datetime


@strawberry.type
class ExportRecordsPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class ExportMutation:
    @mutation(
        need=Permission.CONTENT_READ,
        while_suspended=True,
        description="Start to write records to a file: CSV for spreadsheets, or JSON lines. Free."
        " CREDIT_USAGE needs BILLING_READ.",
    )
    async def export_records(self, info: Info, input: ExportRecordsInput) -> ExportRecordsPayload:
        site_id = optional_id("sit", input.site_id, "input", "siteId")
        given = {
            ExportType.KEYWORDS: optional(input.keyword_filter),
            ExportType.CONTENTS: optional(input.content_filter),
        }
        filters = {type_: as_json(filter) for type_, filter in given.items() if filter is not None}
        async with info.context.writing() as write:
            job_id = await starting.start(
                write.session, write.viewer, type=input.type, format=input.format, site_id=site_id, filters=filters
            )
            return write.answered(ExportRecordsPayload(job=row(job_id)))
