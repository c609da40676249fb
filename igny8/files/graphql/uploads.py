"""Uploads in the schema."""

from datetime import datetime
from typing import Any, cast

import strawberry
from strawberry import ID
from strawberry.scalars import JSON

from igny8.access import Permission
from igny8.files import uploads
from igny8.gql import ids
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload


@strawberry.type(description="Where to put one file, once.")
class Upload:
    id: ID
    url: str = strawberry.field(description="Send the file there as the body, with `method` and `headers`.")
    method: str
    headers: JSON
    max_bytes: int
    expires_at: datetime = strawberry.field(
        description="Put the file before. Once it is there, it can be used for 24 hours."
    )


@strawberry.type
class CreateUploadPayload(MutationPayload):
    #: What an idempotency key keeps; the address is signed anew.
    document: strawberry.Private[dict[str, Any] | None] = None

    @strawberry.field
    def upload(self, info: Info) -> Upload | None:
        told = self.document
        if told is None:
            return None
        upload_id, expires_at = ids.parse("upl", told["id"]), datetime.fromisoformat(told["expiresAt"])
        account_id = ids.parse("acc", told["account"])
        return Upload(
            id=ID(told["id"]),
            url=info.context.services.addresses.upload(account_id, upload_id, expires_at=expires_at),
            method="PUT",
            headers=cast(JSON, {"Content-Type": told["mimeType"]}),
            max_bytes=told["maxBytes"],
            expires_at=expires_at,
        )


@strawberry.type
class UploadMutation:
    @mutation(
        need=Permission.CONTENT_WRITE,
        description="Get an address to put a file at: a picture, or keywords that are too many for a mutation.",
    )
    async def create_upload(
        self, info: Info, site_id: ID, filename: str, mime_type: str, bytes: int
    ) -> CreateUploadPayload:
        parsed = ids.given("sit", site_id, "siteId")
        async with info.context.writing() as write:
            allowed = await uploads.create(
                write.session,
                write.viewer.account_id,
                site_id=parsed,
                filename=filename,
                mime_type=mime_type,
                size=bytes,
            )
            document = {
                "id": ids.show("upl", allowed.id),
                "account": ids.show("acc", allowed.account_id),
                "mimeType": allowed.mime_type,
                "maxBytes": allowed.most_bytes,
                "expiresAt": allowed.expires_at.isoformat(),
            }
            return write.answered(CreateUploadPayload(document=document))
