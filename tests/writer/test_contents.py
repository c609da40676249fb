"""Contents by hand: written, edited with versions, moved, brought back, deleted."""

import asyncio
from typing import Any

import pytest

from igny8.gql import ids
from tests.support.graph import Graph
from tests.support.workshop import Workshop
from tests.writer.bench import act, content, read, task
from tests.writer.test_tasks import profile

pytestmark = pytest.mark.anyio


async def save(shop: Workshop, content_id: str, version: int, **given: Any) -> dict[str, Any]:
    return await shop.mutate("updateContent", "content { version }", id=content_id, version=version, **given)


async def test_a_content_is_cleaned_counted_and_kept_as_its_first_version(shop: Workshop) -> None:
    html = '<h1>Roses</h1><p onclick="x()">Red &amp; white roses.</p><script>alert(1)</script><img src=//evil/x.png>'
    made = await read(shop, await content(shop, "How to grow roses", html, tags=["Roses", "roses", " "]))
    assert made["htmlContent"] == "<h2>Roses</h2><p>Red &amp; white roses.</p>"
    assert (made["wordCount"], made["slug"], made["version"], made["status"]) == (4, "how-to-grow-roses", 1, "DRAFT")
    assert (made["source"], made["language"], made["tags"], made["generation"]) == ("CUSTOM", "en", ["Roses"], None)
    (first,) = made["revisions"]["nodes"]
    assert (first["version"], first["author"], first["htmlContent"]) == (1, "USER", made["htmlContent"])
    assert first["diff"] == [{"kind": "INSERT", "text": made["htmlContent"]}]


async def test_what_is_left_out_is_taken_from_the_task(shop: Workshop) -> None:
    planned = await task(shop, targetKeyword="grow roses", contentStructure="GUIDE")
    written = await content(shop, taskId=planned)
    text = "query($id: ID!) { content(id: $id) { primaryKeyword contentStructure task { id } } }"
    found = (await shop.api.data(text, as_=shop.editor, id=written))["content"]
    assert found == {"primaryKeyword": "grow roses", "contentStructure": "GUIDE", "task": {"id": planned}}
    place = {"sectorId": shop.tenant.sector("a"), "title": "Again", "htmlContent": ""}
    again = await shop.mutate("createContent", "content { id }", **place, taskId=planned)
    assert [(one["code"], one["field"]) for one in again["errors"]] == [("NOT_ALLOWED_NOW", ["input", "taskId"])]


async def test_slugs_are_unique_in_a_site(shop: Workshop) -> None:
    first, second, third = [await read(shop, await content(shop, "Roses")) for _ in range(3)]
    assert [one["slug"] for one in (first, second, third)] == ["roses", "roses-2", "roses-3"]
    place = {"sectorId": shop.tenant.sector("a"), "title": "More", "htmlContent": ""}
    taken = await shop.mutate("createContent", "content { id }", **place, slug="ROSES")
    assert [(one["code"], one["field"]) for one in taken["errors"]] == [("ALREADY_EXISTS", ["input", "slug"])]
    moved = await save(shop, second["id"], 1, slug="roses")
    assert [(one["code"], one["field"]) for one in moved["errors"]] == [("ALREADY_EXISTS", ["input", "slug"])]
    assert (await read(shop, second["id"]))["version"] == 1


async def test_every_save_is_a_version_that_shows_what_changed(shop: Workshop) -> None:
    made = await content(shop, html="<p>Prune in spring.</p>")
    assert (await save(shop, made, 1, htmlContent="<p>Prune in autumn.</p>"))["content"] == {"version": 2}
    assert (await save(shop, made, 2, title="Pruning", metaTitle="Prune"))["content"] == {"version": 3}
    assert (await save(shop, made, 3))["content"] == {"version": 3}
    third, second, first = (await read(shop, made))["revisions"]["nodes"]
    assert [one["version"] for one in (third, second, first)] == [3, 2, 1]
    assert second["diff"] == [
        {"kind": "EQUAL", "text": "<p>Prune in "},
        {"kind": "DELETE", "text": "spring."},
        {"kind": "INSERT", "text": "autumn."},
        {"kind": "EQUAL", "text": "</p>"},
    ]
    assert third["diff"] == [{"kind": "EQUAL", "text": "<p>Prune in autumn.</p>"}]
    pages = """query($id: ID!, $after: String) { content(id: $id) { revisions(first: 2, after: $after) {
      edges { cursor node { version } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
    page = (await shop.api.data(pages, as_=shop.editor, id=made))["content"]["revisions"]
    assert [edge["node"]["version"] for edge in page["edges"]] == [3, 2]
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": page["edges"][0]["cursor"],
        "endCursor": page["edges"][1]["cursor"],
    }
    rest = await shop.api.data(pages, as_=shop.editor, id=made, after=page["pageInfo"]["endCursor"])
    assert [edge["node"]["version"] for edge in rest["content"]["revisions"]["edges"]] == [1]
    text = "query($id: ID!, $against: Int) { node(id: $id) { ... on ContentRevision { diff(against: $against) { kind } } } }"
    whole = await shop.api.data(text, as_=shop.editor, id=third["id"], against=1)
    assert [hunk["kind"] for hunk in whole["node"]["diff"]] == ["EQUAL", "DELETE", "INSERT", "EQUAL"]
    backward = await shop.api.data(text, as_=shop.editor, id=first["id"], against=3)
    assert [hunk["kind"] for hunk in backward["node"]["diff"]] == ["EQUAL", "DELETE", "INSERT", "EQUAL"]
    missing = await shop.api(text, as_=shop.editor, id=third["id"], against=9)
    assert missing["errors"][0]["message"] == "This content has no version 9 to compare with."


async def test_of_two_who_edit_one_content_the_second_is_told_what_is_there_now(shop: Workshop) -> None:
    made = await content(shop)
    answers = await asyncio.gather(*(save(shop, made, 1, title=f"Title {number}") for number in range(5)))
    done = [one for one in answers if one["success"]]
    assert [one["content"]["version"] for one in done] == [2]
    for refused in (one for one in answers if not one["success"]):
        (error,) = refused["errors"]
        assert (error["code"], error["field"]) == ("STALE_VERSION", ["input", "version"])
        assert error["details"] == {"givenVersion": 1, "currentVersion": 2}
    found = await read(shop, made)
    assert (found["version"], found["revisions"]["totalCount"]) == (2, 2)
    (unchanged,) = (await save(shop, made, 1))["errors"]
    assert unchanged["code"] == "STALE_VERSION"


async def test_an_earlier_version_is_brought_back_as_a_new_one(shop: Workshop) -> None:
    made = await content(shop, "Roses", "<p>Red roses.</p>", tags=["red"])
    await save(
        shop, made, 1, title="Tulips", htmlContent="<p>Many yellow tulips.</p>", tags=["yellow"], slug="tulips"
    )
    done = await act(shop, "restoreRevision", "content { title version }", contentId=made, version=1)
    assert done["content"] == {"title": "Roses", "version": 3}
    found = await read(shop, made)
    assert (found["htmlContent"], found["wordCount"], found["tags"], found["slug"]) == (
        "<p>Red roses.</p>",
        2,
        ["red"],
        "roses",
    )
    newest = found["revisions"]["nodes"][0]
    assert (newest["author"], newest["note"]) == ("RESTORE", "Version 1 brought back.")
    assert newest["user"] is not None
    (error,) = (await act(shop, "restoreRevision", "content { id }", contentId=made, version=9))["errors"]
    assert (error["code"], error["field"]) == ("NOT_FOUND", ["version"])


async def test_a_slug_that_is_taken_by_now_is_not_brought_back(shop: Workshop) -> None:
    made = await content(shop, "Roses")
    await save(shop, made, 1, slug="tulips")
    await content(shop, "Other roses", slug="roses")
    (error,) = (await act(shop, "restoreRevision", "content { id }", contentId=made, version=1))["errors"]
    assert (error["code"], error["field"]) == ("ALREADY_EXISTS", ["version"])
    assert (await read(shop, made))["version"] == 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": None}, "title"),
        ({"htmlContent": None}, "htmlContent"),
        ({"htmlContent": "x" * 300_001}, "htmlContent"),
        ({"slug": "Not a slug"}, "slug"),
        ({"language": "klingon!"}, "language"),
        ({"sectorId": None}, "sectorId"),
        ({"contentType": None}, "contentType"),
        ({"contentStructure": None}, "contentStructure"),
        ({"tags": ["x"] * 31}, "tags"),
        ({"metaTitle": "x" * 201}, "metaTitle"),
    ],
)
async def test_what_a_content_cannot_be_is_refused(shop: Workshop, given: dict[str, Any], field: str) -> None:
    made = await content(shop)
    answer = await save(shop, made, 1, **given)
    assert [(one["code"], one["field"]) for one in answer["errors"]] == [("VALIDATION", ["input", field])]
    assert (await read(shop, made))["version"] == 1


async def test_published_contents_are_deleted_by_force_alone(shop: Workshop) -> None:
    draft, published = await content(shop, "Draft"), await content(shop, "Published")
    shop.world.sql.execute("UPDATE content SET status = 'PUBLISHED' WHERE title = 'Published'")
    (error,) = (await act(shop, "deleteContents", "deletedIds", ids=[draft, published]))["errors"]
    assert (error["code"], error["details"]) == ("CONFLICT", {"published": 1})
    done = await act(shop, "deleteContents", "deletedIds", ids=[draft, published], force=True)
    assert done["deletedIds"] == [draft, published]
    left = await shop.api.data("{ contents { totalCount } }", as_=shop.editor)
    assert left["contents"]["totalCount"] == 0
    rows = shop.world.sql.execute("SELECT count(*) FROM content_revision WHERE account_id = %s", [shop.tenant.id])
    assert rows.fetchone() == (0,)


async def test_every_field_of_the_inputs_is_taken(shop: Workshop) -> None:
    shown = """contentType contentStructure slug title excerpt language metaTitle metaDescription primaryKeyword
      secondaryKeywords tags categories htmlContent authorProfile { name } cluster { name } sector { id }"""
    graph = Graph(shop.world, shop.tenant)
    cluster = ids.show("clu", graph.cluster("Rose care"))
    given = {
        "title": "Roses", "htmlContent": "<p>Red.</p>", "slug": "red-roses", "excerpt": "On roses.", "language": "de-AT",
        "contentType": "PAGE", "contentStructure": "GUIDE", "metaTitle": "Roses!", "metaDescription": "Read on.",
        "primaryKeyword": "roses", "secondaryKeywords": ["red roses"], "tags": ["garden"], "categories": ["Plants"],
    }  # fmt: skip
    links = {"clusterId": cluster, "authorProfileId": await profile(shop)}
    told = {**given, "authorProfile": {"name": "Rosa"}, "cluster": {"name": "Rose care"}}
    sector = shop.tenant.sector("a")
    planned = await task(shop)
    made = await shop.mutate(
        "createContent", f"content {{ id {shown} }}", sectorId=sector, taskId=planned, **given, **links
    )
    content_id = made["content"].pop("id")
    assert made["content"] == {**told, "sector": {"id": sector}}
    plain = await content(shop, "Plain")
    saved = await shop.mutate(
        "updateContent", f"content {{ {shown} }}", id=plain, version=1, sectorId=sector,
        **{**given, "slug": "other"}, **links,
    )  # fmt: skip
    assert saved["content"] == {**told, "slug": "other", "sector": {"id": sector}}
    nothing = dict.fromkeys(("clusterId", "authorProfileId", "excerpt", "metaTitle", "primaryKeyword", "tags"))
    assert (await save(shop, content_id, 1, **nothing))["content"] == {"version": 2}
    found = await shop.api.data(
        f"query($id: ID!) {{ content(id: $id) {{ {shown} }} }}", as_=shop.editor, id=content_id
    )
    cleared = {
        "excerpt": None,
        "metaTitle": None,
        "primaryKeyword": None,
        "tags": [],
        "authorProfile": None,
        "cluster": None,
    }
    assert found["content"] == {**told, "sector": {"id": sector}, **cleared}
