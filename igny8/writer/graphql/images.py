"""Images in the schema: described and drawn by jobs, made, changed and deleted by hand."""

from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.ai.calls import Provider
from igny8.billing import prices
from igny8.files import keeping_pictures, uploads
from igny8.gql import ids
from igny8.gql.arguments import kept, optional
from igny8.gql.context import Info
from igny8.gql.jobs.types import Job
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row
from igny8.system.connections import require_connection
from igny8.system.tables import ImageStyle, IntegrationType
from igny8.writer import image_generation, image_prompts, images
from igny8.writer.graphql.types import Image
from igny8.writer.images import Put
from igny8.writer.tables import ImageType

strawberry.enum(Provider, name="ImageProvider")

WRITES = Permission.CONTENT_WRITE


@strawberry.input
class GenerateImagePromptsInput:
    content_ids: list[ID]
    in_article: int | None = strawberry.field(
        default=UNSET,
        description="Images in the text of each content, beside the featured one: 0 to 10, 2 by default.",
    )
    replace: bool | None = strawberry.field(
        default=UNSET, description="Describe new images in the place of those there are; own uploads stay."
    )
    prompt_override: str | None = UNSET


@strawberry.input
class GenerateImagesInput:
    image_ids: list[ID]
    provider: Provider | None = strawberry.field(
        default=UNSET, description="OpenAI unless it is said, or Runware where only that has a key."
    )
    model: str | None = UNSET
    style: ImageStyle | None = UNSET
    width: int | None = strawberry.field(default=UNSET, description="In pixels, 256 to 2,048; with `height`.")
    height: int | None = UNSET


@strawberry.type
class GenerateImagePromptsPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class GenerateImagesPayload(MutationPayload):
    job: Job | None = None


@strawberry.type
class CreateImagePayload(MutationPayload):
    image: Image | None = None


@strawberry.type
class UpdateImagePayload(MutationPayload):
    image: Image | None = None


@strawberry.type
class DeleteImagesPayload(MutationPayload):
    deleted_ids: list[ID] | None = None


async def _put(info: Info, content: ID, upload: ID) -> Put:
    """The picture of an upload, put anew before the transaction; what is not kept then goes again."""
    content_id, upload_id = ids.given("con", content, "contentId"), ids.given("upl", upload, "uploadId")
    storage = info.context.services.storage
    async with info.context.looking() as look:
        account_id = look.viewer.account_id
        site_id = await images.site_of(look.session, account_id, content_id)
        received = await uploads.received(look.session, account_id, upload_id, site_id=site_id, field=("uploadId",))
        keys = await keeping_pictures.announce(look.session, account_id, site_id=site_id)
    picture = await images.picture_of(storage, received)
    await keeping_pictures.put(storage, keys, picture)
    return Put(keys, picture)


@strawberry.type
class ImageMutation:
    @mutation(
        need=WRITES, description="Start to describe the images of contents: what they show, and where they stand."
    )
    async def generate_image_prompts(
        self, info: Info, input: GenerateImagePromptsInput
    ) -> GenerateImagePromptsPayload:
        content_ids = ids.all_given("con", input.content_ids, "input", "contentIds")
        settings = info.context.services.settings
        async with info.context.writing() as write:
            viewer = write.viewer
            await require_connection(write.session, viewer.account_id, IntegrationType.OPENAI, settings)
            job_id = await image_prompts.start(
                write.session,
                viewer.account_id,
                content_ids,
                await prices.current(write.session, settings),
                in_article=optional(input.in_article),
                replace=bool(optional(input.replace)),
                prompt_override=optional(input.prompt_override),
                started_by=None if viewer.acts_abroad else viewer.user_id,
            )
            return write.answered(GenerateImagePromptsPayload(job=row(job_id)))

    @mutation(
        need=WRITES,
        description="Start to draw images from their prompts. An image keeps its file until the new is there.",
    )
    async def generate_images(self, info: Info, input: GenerateImagesInput) -> GenerateImagesPayload:
        image_ids = ids.all_given("img", input.image_ids, "input", "imageIds")
        settings = info.context.services.settings
        async with info.context.writing() as write:
            viewer = write.viewer
            job_id = await image_generation.start(
                write.session,
                viewer.account_id,
                image_ids,
                await prices.current(write.session, settings),
                settings,
                provider=optional(input.provider),
                model=optional(input.model),
                style=optional(input.style),
                size=(optional(input.width), optional(input.height)),
                started_by=None if viewer.acts_abroad else viewer.user_id,
            )
            return write.answered(GenerateImagesPayload(job=row(job_id)))

    @mutation(need=WRITES, description="An image from an own upload, or a prompt to be drawn.")
    async def create_image(
        self,
        info: Info,
        content_id: ID,
        image_type: ImageType,
        prompt: str | None = UNSET,
        upload_id: ID | None = UNSET,
        alt_text: str | None = UNSET,
        position: int | None = UNSET,
    ) -> CreateImagePayload:
        parsed, upload = ids.given("con", content_id, "contentId"), optional(upload_id)
        put = await _put(info, content_id, upload) if upload is not None else None
        async with info.context.writing() as write:
            image_id = await images.create(
                write.session,
                write.viewer.account_id,
                parsed,
                image_type=image_type,
                prompt=optional(prompt),
                alt_text=optional(alt_text),
                position=optional(position),
                put=put,
            )
            return write.answered(CreateImagePayload(image=row(image_id)))

    @mutation(need=WRITES, description="What is left out stays as it is; null clears.")
    async def update_image(
        self,
        info: Info,
        id: ID,
        prompt: str | None = UNSET,
        alt_text: str | None = UNSET,
        position: int | None = UNSET,
        image_type: ImageType | None = UNSET,
    ) -> UpdateImagePayload:
        image_id = ids.given("img", id, "id")
        async with info.context.writing() as write:
            await images.change(
                write.session,
                write.viewer.account_id,
                image_id,
                prompt=kept(prompt),
                alt_text=kept(alt_text),
                position=kept(position),
                image_type=kept(image_type),
            )
            return write.answered(UpdateImagePayload(image=row(image_id)))

    @mutation(need=WRITES, description="Delete up to 1,000 images of one site, and their files.")
    async def delete_images(
        self, info: Info, image_ids: Annotated[list[ID], strawberry.argument(name="ids")]
    ) -> DeleteImagesPayload:
        parsed = ids.all_given("img", image_ids, "ids")
        async with info.context.writing() as write:
            await images.remove(write.session, write.viewer.account_id, parsed)
            return write.answered(DeleteImagesPayload(deleted_ids=[ID(ids.show("img", id_)) for id_ in parsed]))
