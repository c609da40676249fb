"""Images from the prompt to the file and back: through the front door, with a worker and both providers."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from igny8.access import Role
from igny8.db import Database
from igny8.files import keeping
from igny8.gql import ids
from igny8.settings import Settings
from igny8.storage import Storage
from igny8.writer.image_prompts_job import ImagePromptsAnswer, chosen
from igny8.writer.sections import Section, sections
from tests.files.conftest import ARTICLE, content, uploaded
from tests.support.workshop import Workshop

pytestmark = pytest.mark.anyio

IMAGES = """query($id: ID!) { content(id: $id) { images(first: 50) { nodes {
  id imageType status style prompt altText position imageUrl thumbnailUrl mimeType bytes width height
  provider model costUsd error { code message retryable } } } } }"""
CREATE = """mutation($content: ID!, $type: ImageType!, $prompt: String, $upload: ID, $alt: String, $at: Int) {
  createImage(contentId: $content, imageType: $type, prompt: $prompt, uploadId: $upload, altText: $alt, position: $at)
  { success errors { code field message } image { id status prompt imageUrl width height position altText } } }"""
DELETE = "mutation($ids: [ID!]!) { deleteImages(ids: $ids) { success errors { code field message } deletedIds } }"


async def images(shop: Workshop, content_id: str) -> list[dict[str, Any]]:
    found = (await shop.api.data(IMAGES, as_=shop.tenant[Role.OWNER], id=content_id))["content"]["images"]["nodes"]
    return sorted(found, key=lambda image: image["position"] or 0)


async def described(shop: Workshop, *content_ids: str, **input: Any) -> dict[str, Any]:
    started = await shop.mutate("generateImagePrompts", "job { id creditsHeld }", contentIds=content_ids, **input)
    assert started["success"], started
    return await shop.ended(started["job"]["id"])


async def drawn(shop: Workshop, *image_ids: str, **input: Any) -> dict[str, Any]:
    started = await shop.mutate("generateImages", "job { id creditsHeld }", imageIds=image_ids, **input)
    assert started["success"], started
    return await shop.ended(started["job"]["id"])


async def create(shop: Workshop, content_id: str, **given: Any) -> dict[str, Any]:
    values = {"type": "FEATURED", **given}
    made: dict[str, Any] = (await shop.api.data(CREATE, as_=shop.editor, content=content_id, **values))["createImage"]
    return made


async def size_at(shop: Workshop, url: str) -> tuple[int, int]:
    response = await shop.api.http.get(url)
    assert response.status_code == 200
    return Pillow.open(io.BytesIO(response.content), formats=["WEBP"]).size


def files_in(settings: Settings) -> int:
    return sum(path.is_file() for path in Path(settings.files_url).rglob("*"))


def png(width: int = 640, height: int = 480) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", (width, height), "teal").save(file, "PNG")
    return file.getvalue()


async def test_a_content_gets_a_featured_image_and_two_below_its_headings(shop: Workshop) -> None:
    content_id = content(shop)
    job = await described(shop, content_id)
    assert (job["state"], job["creditsHeld"], job["creditsUsed"]) == ("SUCCEEDED", 2, 2)
    assert shop.wallet() == (9_998, 0)
    featured, first, second = await images(shop, content_id)
    assert (featured["imageType"], featured["position"]) == ("FEATURED", None)
    assert "How much to feed a puppy" in featured["prompt"]
    assert [(one["imageType"], one["position"]) for one in (first, second)] == [("IN_ARTICLE", 1), ("IN_ARTICLE", 2)]
    assert "portions by age" in first["prompt"]
    assert all(one["altText"] and one["status"] == "PENDING" and one["imageUrl"] is None for one in (first, second))
    assert {node["id"] for node in job["results"]["nodes"]} == {one["id"] for one in (featured, first, second)}


async def test_images_are_drawn_stored_and_shown(shop: Workshop, settings: Settings) -> None:
    content_id = content(shop)
    await described(shop, content_id, inArticle=1)
    featured, inside = await images(shop, content_id)
    job = await drawn(shop, featured["id"], inside["id"], style="CARTOON", provider="OPENAI")
    assert (job["state"], job["creditsHeld"], job["creditsUsed"]) == ("SUCCEEDED", 10, 10)
    for image in await images(shop, content_id):
        assert (image["status"], image["style"], image["mimeType"]) == ("GENERATED", "CARTOON", "image/webp")
        assert (image["provider"], image["model"], image["costUsd"]) == ("OPENAI", "gpt-image-1", "0.042000")
        assert await size_at(shop, image["imageUrl"]) == (image["width"], image["height"]) == (1_536, 1_024)
        assert await size_at(shop, image["thumbnailUrl"]) == (480, 320)
    assert files_in(settings) == 4
    assert shop.wallet() == (10_000 - 2 - 10, 0)


async def test_the_other_provider_draws_at_the_asked_size(shop: Workshop) -> None:
    made = await create(shop, content(shop), prompt="A puppy by a bowl")
    job = await drawn(shop, made["image"]["id"], provider="RUNWARE", model="runware:100@1", width=512, height=320)
    assert job["state"] == "SUCCEEDED"
    site = "query($id: ID!, $image: ID!) { site(id: $id) { image(id: $image) { provider model width height } } }"
    found = await shop.api.data(site, as_=shop.editor, id=shop.tenant.site("a"), image=made["image"]["id"])
    assert found["site"]["image"] == {"provider": "RUNWARE", "model": "runware:100@1", "width": 512, "height": 320}


async def test_a_new_file_takes_the_old_ones_place_only_when_it_is_there(
    shop: Workshop, settings: Settings, db: Database
) -> None:
    content_id = content(shop)
    image_id = (await create(shop, content_id, prompt="A puppy"))["image"]["id"]
    await drawn(shop, image_id)
    [before] = await images(shop, content_id)
    failed = await drawn(shop, image_id, model="sandbox-image:refuse")
    assert failed["state"] == "FAILED"
    [kept] = await images(shop, content_id)
    assert (kept["status"], kept["imageUrl"]) == ("GENERATED", before["imageUrl"])
    assert kept["error"]["code"] in ("AI_REFUSED", "PROVIDER_UNAVAILABLE")
    await size_at(shop, kept["imageUrl"])
    assert (await drawn(shop, image_id))["state"] == "SUCCEEDED"
    [after] = await images(shop, content_id)
    assert after["imageUrl"] != before["imageUrl"]
    assert after["error"] is None
    while await keeping.prune(db, Storage(settings.files_url)):
        pass
    assert (await shop.api.http.get(before["imageUrl"])).status_code == 404
    await size_at(shop, after["imageUrl"])
    assert files_in(settings) == 2


async def test_what_could_not_be_drawn_says_why_and_costs_nothing(shop: Workshop) -> None:
    content_id = content(shop)
    image_id = (await create(shop, content_id, prompt="A puppy"))["image"]["id"]
    job = await drawn(shop, image_id, model="sandbox-image:refuse")
    assert (job["state"], job["creditsUsed"]) == ("FAILED", 0)
    [image] = await images(shop, content_id)
    assert (image["status"], image["imageUrl"]) == ("FAILED", None)
    assert image["error"] == job["items"]["nodes"][0]["error"]
    assert shop.wallet() == (10_000, 0)


async def test_described_anew_in_the_place_of_what_there_was(
    shop: Workshop, settings: Settings, db: Database
) -> None:
    content_id = content(shop)
    own = await uploaded(shop.api, shop.tenant, png(), kind="image/png")
    kept = (await create(shop, content_id, upload=own))["image"]["id"]
    await described(shop, content_id, inArticle=0)
    before = {image["id"] for image in await images(shop, content_id)} - {kept}
    refused = await shop.mutate("generateImagePrompts", "job { id }", contentIds=[content_id])
    assert [(e["code"], e["field"]) for e in refused["errors"]] == [("NOT_ALLOWED_NOW", ["input", "contentIds"])]
    await described(shop, content_id, inArticle=2, replace=True)
    after = {image["id"] for image in await images(shop, content_id)}
    assert kept in after
    assert not after & before
    assert len(after) == 4


async def test_a_prompt_of_ones_own_describes_them(shop: Workshop) -> None:
    content_id = content(shop)
    job = await described(shop, content_id, promptOverride="Only what can be eaten. {{data}}")
    assert job["state"] == "SUCCEEDED"
    refused = await shop.mutate("generateImagePrompts", "job { id }", contentIds=[content(shop)], promptOverride="x")
    assert [(e["code"], e["field"]) for e in refused["errors"]] == [("VALIDATION", ["input", "promptOverride"])]


async def test_where_only_the_other_provider_has_a_key_it_draws(shop: Workshop) -> None:
    text = "mutation($input: IntegrationSettingsInput!) { saveIntegrationSettings(input: $input) { success } }"
    keyless = {"integrationType": "OPENAI", "baseUrl": "http://127.0.0.1:9999/v1"}
    saved = await shop.api.data(text, as_=shop.tenant[Role.OWNER], input=keyless)
    assert saved["saveIntegrationSettings"]["success"]
    content_id = content(shop)
    image_id = (await create(shop, content_id, prompt="A puppy"))["image"]["id"]
    assert (await drawn(shop, image_id))["state"] == "SUCCEEDED"
    assert [image["provider"] for image in await images(shop, content_id)] == ["RUNWARE"]
    refused = await shop.mutate("generateImages", "job { id }", imageIds=[image_id], provider="OPENAI")
    assert [error["code"] for error in refused["errors"]] == ["NOT_ALLOWED_NOW"]


async def test_images_that_are_gone_fail_alone(shop: Workshop) -> None:
    first, second = content(shop), content(shop)
    kept, gone = [(await create(shop, one, prompt="A puppy"))["image"]["id"] for one in (first, second)]
    started = await shop.mutate("generateImages", "job { id }", imageIds=[kept, gone])
    shop.world.sql.execute("DELETE FROM image WHERE id = %s", [ids.parse("img", gone)])
    job = await shop.ended(started["job"]["id"])
    assert job["state"] in ("PARTIAL", "SUCCEEDED")
    assert (await images(shop, first))[0]["status"] == "GENERATED"
    assert await images(shop, second) == []


async def test_an_own_picture_is_written_anew(shop: Workshop, settings: Settings) -> None:
    content_id = content(shop)
    upload = await uploaded(shop.api, shop.tenant, png(3_000, 1_500), kind="image/png")
    made = await create(shop, content_id, upload=upload, alt=" A teal wall ", type="IN_ARTICLE", at=2)
    image = made["image"]
    assert (image["status"], image["prompt"], image["altText"], image["position"]) == (
        "GENERATED",
        "",
        "A teal wall",
        2,
    )
    assert await size_at(shop, image["imageUrl"]) == (image["width"], image["height"]) == (2_560, 1_280)
    refused = await shop.mutate("generateImages", "job { id }", imageIds=[image["id"]])
    assert [error["code"] for error in refused["errors"]] == ["NOT_ALLOWED_NOW"]


@pytest.mark.parametrize(
    "file",
    [b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"<!doctype html><script>alert(1)</script>", b"\0"],
    ids=["svg", "html", "nothing"],
)
async def test_what_only_says_that_it_is_a_picture_is_refused(shop: Workshop, file: bytes) -> None:
    content_id = content(shop)
    upload = await uploaded(shop.api, shop.tenant, file, kind="image/png")
    made = await create(shop, content_id, upload=upload)
    assert [(error["code"], error["field"]) for error in made["errors"]] == [("VALIDATION", ["uploadId"])]
    assert await images(shop, content_id) == []


async def test_uploads_and_contents_of_others_are_not_found(shop: Workshop) -> None:
    own, foreign_content = content(shop), content(shop, site="b")
    upload = await uploaded(shop.api, shop.tenant, png(), kind="image/png")
    another = shop.world.tenant()
    foreign = await uploaded(shop.api, another, png(), kind="image/png")
    made = await create(shop, own, upload=foreign)
    assert [(error["code"], error["field"]) for error in made["errors"]] == [("NOT_FOUND", ["uploadId"])]
    made = await create(shop, foreign_content, upload=upload)
    assert [(error["code"], error["field"]) for error in made["errors"]] == [("NOT_FOUND", ["contentId"])]
    made = await create(shop, foreign_content, prompt="x")
    assert [(error["code"], error["field"]) for error in made["errors"]] == [("NOT_FOUND", ["contentId"])]
    made = await create(shop, own)
    assert [(error["code"], error["field"]) for error in made["errors"]] == [("VALIDATION", ["prompt"])]
    made = await create(shop, own, prompt="x", at=-1)
    assert [(error["code"], error["field"]) for error in made["errors"]] == [("VALIDATION", ["position"])]


async def test_deleted_images_take_their_files_along(shop: Workshop, settings: Settings, db: Database) -> None:
    content_id, other = content(shop), content(shop)
    made = [
        (await create(shop, one, upload=await uploaded(shop.api, shop.tenant, png(), kind="image/png")))["image"]
        for one in (content_id, other)
    ]
    gone = (await shop.api.data(DELETE, as_=shop.editor, ids=[made[0]["id"]]))["deleteImages"]
    assert gone["deletedIds"] == [made[0]["id"]]
    again = (await shop.api.data(DELETE, as_=shop.editor, ids=[made[0]["id"]]))["deleteImages"]
    assert [(error["code"], error["field"]) for error in again["errors"]] == [("NOT_FOUND", ["ids", "0"])]
    shop.world.sql.execute("DELETE FROM content WHERE id = %s", [ids.parse("con", other)])
    while await keeping.prune(db, Storage(settings.files_url)):
        pass
    for image in made:
        assert (await shop.api.http.get(image["imageUrl"])).status_code == 404
    assert files_in(settings) == 2  # the uploads, which stay for a day


async def test_an_image_is_changed(shop: Workshop) -> None:
    text = """mutation($id: ID!, $prompt: String, $alt: String, $at: Int, $type: ImageType) {
      updateImage(id: $id, prompt: $prompt, altText: $alt, position: $at, imageType: $type) {
        success errors { code field } image { prompt altText position imageType } } }"""
    image_id = (await create(shop, content(shop), prompt="A puppy", alt="A puppy", at=1))["image"]["id"]

    async def update(**given: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await shop.api.data(text, as_=shop.editor, id=image_id, **given))["updateImage"]
        return found

    changed = await update(prompt="A kitten", alt=None, type="IN_ARTICLE")
    assert changed["image"] == {"prompt": "A kitten", "altText": None, "position": 1, "imageType": "IN_ARTICLE"}
    assert (await update(at=None))["image"]["position"] is None
    for wrong, field in (({"prompt": None}, "prompt"), ({"prompt": " "}, "prompt"), ({"type": None}, "imageType")):
        assert [(e["code"], e["field"]) for e in (await update(**wrong))["errors"]] == [("VALIDATION", [field])]


async def test_what_cannot_be_drawn_starts_nothing(shop: Workshop) -> None:
    content_id, elsewhere = content(shop), content(shop, site="b")
    image_id = (await create(shop, content_id, prompt="A puppy"))["image"]["id"]
    other = (
        await shop.api.data(CREATE, as_=shop.tenant[Role.OWNER], content=elsewhere, type="FEATURED", prompt="A cat")
    )["createImage"]["image"]["id"]
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"imageIds": []}, "VALIDATION", ["input", "imageIds"]),
        ({"imageIds": [image_id, other]}, "NOT_FOUND", ["input", "imageIds", "1"]),
        ({"imageIds": [image_id], "width": 512}, "VALIDATION", ["input", "height"]),
        ({"imageIds": [image_id], "width": 10, "height": 512}, "VALIDATION", ["input", "width"]),
    ]
    for input, code, field in cases:
        refused = await shop.mutate("generateImages", "job { id }", **input)
        assert [(e["code"], e["field"]) for e in refused["errors"]] == [(code, field)]
    for count in (-1, 11):
        refused = await shop.mutate("generateImagePrompts", "job { id }", contentIds=[content_id], inArticle=count)
        assert [(e["code"], e["field"]) for e in refused["errors"]] == [("VALIDATION", ["input", "inArticle"])]
    shop.world.sql.execute("UPDATE site SET status = 'INACTIVE' WHERE account_id = %s", [shop.tenant.id])
    refused = await shop.mutate("generateImages", "job { id }", imageIds=[image_id])
    assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED_NOW"]
    refused = await shop.mutate("generateImagePrompts", "job { id }", contentIds=[content_id])
    assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED_NOW"]
    assert (shop.calls, shop.wallet()) == (0, (10_000, 0))


async def test_estimates_are_what_is_held(shop: Workshop) -> None:
    text = "query($input: EstimateInput!) { estimateCredits(input: $input) { credits minCredits items } }"
    first, second = content(shop), content(shop)
    image_id = (await create(shop, first, prompt="A puppy"))["image"]["id"]
    for input, expected in (
        ({"kind": "GENERATE_IMAGE_PROMPTS", "ids": [first, second], "inArticle": 3}, (4, 4, 2)),
        ({"kind": "GENERATE_IMAGES", "ids": [image_id]}, (5, 5, 1)),
        ({"kind": "GENERATE_IMAGES", "ids": [first, second]}, (30, 30, 6)),
        ({"kind": "GENERATE_IMAGES", "ids": [first], "inArticle": 0}, (5, 5, 1)),
    ):
        found = (await shop.api.data(text, as_=shop.editor, input=input))["estimateCredits"]
        assert tuple(found.values()) == expected


async def test_a_plan_limit_in_the_middle_keeps_what_fits(shop: Workshop) -> None:
    shop.world.sql.execute(
        "INSERT INTO plan (id, name, slug, price, currency, billing_cycle, included_credits, limits, features)"
        " SELECT gen_random_uuid(), 'Few', %s, 0, 'USD', 'MONTHLY', 0, '[{\"limit\": \"IMAGES\", \"max\": 4}]', '{}'",
        [shop.tenant.slug],
    )
    shop.world.sql.execute(
        "UPDATE subscription SET plan_id = (SELECT id FROM plan WHERE slug = %s) WHERE account_id = %s",
        [shop.tenant.slug, shop.tenant.id],
    )
    job = await described(shop, content(shop), content(shop), inArticle=1)
    more = await described(shop, content(shop), inArticle=1)
    assert (job["state"], more["state"]) == ("SUCCEEDED", "FAILED")
    [item] = more["items"]["nodes"]
    assert (item["error"]["code"], item["creditsUsed"], more["creditsUsed"]) == ("LIMIT_REACHED", 0, 0)


def test_sections_are_the_headings_with_what_stands_below() -> None:
    assert sections(ARTICLE) == [
        Section("Portions by age", "At 8 weeks & later. One"),
        Section("Wet or dry", "Both."),
        Section("When to stop", "At a year."),
    ]
    assert sections("<p>None</p>") == []
    assert sections("<h2>Open <b>for ever") == [Section("Open for ever", "")]


def test_an_answer_is_not_believed() -> None:
    parts = [Section("One", ""), Section("Two", "")]

    def idea(heading: str | None, prompt: str = "p") -> dict[str, Any]:
        return {"heading": heading, "prompt": prompt, "alt_text": "a" * 1_000}

    answer = ImagePromptsAnswer.model_validate(
        {
            "images": [
                idea("Two", "x" * 9_000),
                idea("Nowhere"),
                idea(None),
                idea(None, "a second one"),
                idea(" one "),
                idea("One", "again"),
                idea("Two", " \0 "),
            ]
        }
    )
    made = chosen(answer, parts, 2)
    assert [one.place for one in made] == [None, (1, "One"), (2, "Two")]
    assert max(len(one.prompt) for one in made) == 2_000
    assert {len(one.alt_text or "") for one in made} == {250}
    assert [one.place for one in chosen(answer, parts, 0)] == [None]
