"""Images of contents: made from a prompt or an own file, changed, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, inputs, limits
from igny8.changes import ChangeKind
from igny8.children import in_child
from igny8.db import new_id
from igny8.errors import NotFound, ValidationFailed
from igny8.files import keeping_pictures, pictures
from igny8.files.keeping_pictures import Keys
from igny8.files.pictures import MIME_TYPE, Picture, Unusable
from igny8.files.uploads import Received
from igny8.inputs import KEEP, Keep
from igny8.limits import PlanLimit
from igny8.storage import FileGone, Storage
from igny8.writer import places
from igny8.writer.tables import Content, Image, ImageStatus, ImageType

_LONGEST_PROMPT: Final = 2_000
_LONGEST_ALT_TEXT: Final = 250
_MOST_POSITION: Final = 1_000
_MOST_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Put:
    """A picture whose files are in the store, to be kept by the transaction that refers to them."""

    keys: Keys
    picture: Picture


async def site_of(session: AsyncSession, account_id: UUID, content_id: UUID) -> UUID:
    """The site of the content that an image is for. Raises NotFound."""
    wanted = select(Content.site_id).where(Content.account_id == account_id, Content.id == content_id)
    site_id = (await session.execute(wanted)).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No content with this id.", field=("contentId",))
    return site_id


async def picture_of(storage: Storage, upload: Received) -> Picture:
    """The picture that was put. Raises ValidationFailed, NotFound."""
    try:
        return await in_child(pictures.encoded, await storage.content(upload.key, most=_MOST_BYTES))
    except Unusable as error:
        raise ValidationFailed(str(error), field=("uploadId",)) from None
    except FileGone:
        raise NotFound("The file of this upload is gone. Put it again.", field=("uploadId",)) from None


async def create(
    session: AsyncSession,
    account_id: UUID,
    content_id: UUID,
    *,
    image_type: ImageType,
    prompt: str | None,
    alt_text: str | None,
    position: int | None,
    put: Put | None,
) -> UUID:
    """A new image; its id. Raises ValidationFailed, NotFound, LimitReached, Conflict."""
    text = _prompt(prompt)
    if not text and put is None:
        raise ValidationFailed("An image needs a prompt or an upload.", field=("prompt",))
    content = (
        await session.execute(
            select(Content.site_id, Content.sector_id).where(
                Content.account_id == account_id, Content.id == content_id
            )
        )
    ).one_or_none()
    if content is None:
        raise NotFound("No content with this id.", field=("contentId",))
    row = {
        "account_id": account_id,
        "site_id": content.site_id,
        "sector_id": content.sector_id,
        "id": new_id(),
        "content_id": content_id,
        "image_type": image_type.value,
        "prompt": text,
        "alt_text": inputs.text(alt_text, ("altText",), longest=_LONGEST_ALT_TEXT),
        "position": _position(position),
    }
    if put is not None:
        await keeping_pictures.keep(session, account_id, put.keys, put.picture)
        row |= _file_columns(put)
    await session.execute(insert(Image).values(row))
    await limits.check(session, account_id, PlanLimit.IMAGES)
    image_id: UUID = row["id"]
    changes.record(session, ChangeKind.CREATED, "Image", [image_id], site_id=content.site_id)
    return image_id


async def change(
    session: AsyncSession,
    account_id: UUID,
    image_id: UUID,
    *,
    prompt: str | Keep | None,
    alt_text: str | Keep | None,
    position: int | Keep | None,
    image_type: ImageType | Keep | None,
) -> None:
    """Change an image. Raises ValidationFailed, NotFound."""
    values: dict[str, object] = {}
    if prompt is not KEEP:
        values["prompt"] = _prompt(inputs.required(prompt, ("prompt",)))
        if not values["prompt"]:
            raise ValidationFailed("This may not be empty.", field=("prompt",))
    if alt_text is not KEEP:
        values["alt_text"] = inputs.text(alt_text, ("altText",), longest=_LONGEST_ALT_TEXT)
    if position is not KEEP:
        values |= {"position": _position(position), "anchor": None}
    if image_type is not KEEP:
        values["image_type"] = inputs.required(image_type, ("imageType",)).value
    mine = (Image.account_id == account_id, Image.id == image_id)
    changed = update(Image).where(*mine).values({**values, "updated_at": func.now()})
    site_id = (await session.execute(changed.returning(Image.site_id))).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No image with this id.", field=("id",))
    changes.record(session, ChangeKind.UPDATED, "Image", [image_id], site_id=site_id)


async def remove(session: AsyncSession, account_id: UUID, image_ids: Sequence[UUID]) -> None:
    """Delete images of one site; their files follow within a minute. Raises ValidationFailed, NotFound."""
    site_id = await places.one_site(session, account_id, Image, image_ids, noun="image", field=("ids",))
    mine = (Image.account_id == account_id, Image.id == func.any(list(image_ids)))
    await session.execute(delete(Image).where(*mine))
    changes.record(session, ChangeKind.DELETED, "Image", image_ids, site_id=site_id)


def _file_columns(put: Put) -> Mapping[str, str | int]:
    return {
        "status": ImageStatus.GENERATED.value,
        "file_key": put.keys.file,
        "thumbnail_key": put.keys.thumbnail,
        "mime_type": MIME_TYPE,
        "bytes": len(put.picture.content),
        "width": put.picture.width,
        "height": put.picture.height,
    }


def _prompt(text: str | None) -> str:
    return inputs.text(text, ("prompt",), longest=_LONGEST_PROMPT) or ""


def _position(position: int | None) -> int | None:
    if position is not None and not 0 <= position <= _MOST_POSITION:
        raise ValidationFailed(f"This may be 0 to {_MOST_POSITION:,}.", field=("position",))
    return position
