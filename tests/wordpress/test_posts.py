"""Posts and pages over REST: made, changed, trashed, deleted."""

from typing import Any

import pytest

from tests.support.wordpress import Blog
from tests.wordpress.shapes import fault, fields

POSTS = "/wp/v2/posts"


def make(blog: Blog, role: str = "administrator", **given: Any) -> dict[str, Any]:
    answer = blog.rest("POST", POSTS, role, json=given)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{blog.url}/wp-json/wp/v2/posts/{made['id']}"
    return made


def change(blog: Blog, post_id: int, **given: Any) -> dict[str, Any]:
    answer = blog.rest("POST", f"{POSTS}/{post_id}", json=given)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def test_a_draft_has_no_slug_until_it_is_published(blog: Blog) -> None:
    draft = make(blog, title="Red roses")
    assert fields(draft, "slug", "generated_slug", "status") == ("", "red-roses", "draft")
    assert draft["link"] == f"{blog.url}/?p={draft['id']}"
    published = change(blog, draft["id"], status="publish")
    assert fields(published, "slug", "link") == ("red-roses", f"{blog.url}/red-roses/")
    assert [post["id"] for post in blog.posts()] == [draft["id"]]


def test_a_post_is_told_in_full(blog: Blog) -> None:
    given = {"title": "Roses & thorns", "content": "<p>Red & sweet</p>", "excerpt": "Short", "status": "publish"}
    made = make(blog, **given)
    assert made["title"] == {"raw": "Roses & thorns", "rendered": "Roses &#038; thorns"}
    assert fields(made["content"], "raw", "protected", "block_version") == ("<p>Red & sweet</p>", False, 0)
    assert made["excerpt"] == {"raw": "Short", "rendered": "<p>Short</p>\n", "protected": False}
    assert fields(made, "type", "author", "featured_media", "sticky", "format") == ("post", 1, 0, False, "standard")
    assert fields(made, "categories", "tags", "meta", "template", "password") == ([1], [], [], "", "")
    assert fields(made, "comment_status", "ping_status", "permalink_template") == (
        "open",
        "open",
        f"{blog.url}/%postname%/",
    )
    assert made["_links"]["self"][0]["href"] == f"{blog.url}/wp-json/wp/v2/posts/{made['id']}"


def test_every_create_makes_another_post_with_another_slug(blog: Blog) -> None:
    slugs = [make(blog, title="Roses", status="publish")["slug"] for _ in range(3)]
    assert slugs == ["roses", "roses-2", "roses-3"]
    assert make(blog, title="Roses", status="private")["slug"] == "roses-4"


def test_a_draft_keeps_the_slug_that_it_asks_for_unless_it_names_its_status(blog: Blog) -> None:
    assert make(blog, title="Roses", slug="red")["slug"] == "red"
    assert make(blog, title="Roses", slug="red")["slug"] == "red"
    assert make(blog, title="Roses", slug="red", status="draft")["slug"] == "red-2"
    assert make(blog, title="Roses", slug="red", status="pending")["slug"] == "red-3"
    assert make(blog, title="Roses", slug="red", status="publish")["slug"] == "red-4"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Hello  World", "hello-world"),
        ("Über Größe, élan & Ærø", "uber-grose-elan-aero"),
        ("a_b.c/d", "a_b-c-d"),
        ("10 things -- to do!", "10-things-to-do"),
        ("<b>Bold</b> claim", "bold-claim"),
        ("2024", "2024-2"),
    ],
)
def test_slugs_are_made_of_titles(blog: Blog, given: str, kept: str) -> None:
    assert make(blog, title=given, status="publish")["slug"] == kept
    if given != "2024":
        assert make(blog, title="Else", slug=given, status="private")["slug"] == f"{kept}-2"


def test_dates_are_told_in_both_times(blog: Blog) -> None:
    summer = make(blog, title="Roses", status="publish", date_gmt="2024-07-01T12:00:00")
    assert fields(summer, "date", "date_gmt") == ("2024-07-01T08:00:00", "2024-07-01T12:00:00")
    assert summer["modified_gmt"] == "2024-07-01T12:00:00"
    winter = make(blog, title="Roses", status="publish", date="2024-01-01T12:00:00")
    assert fields(winter, "date", "date_gmt") == ("2024-01-01T12:00:00", "2024-01-01T17:00:00")
    zoned = make(blog, title="Roses", status="publish", date_gmt="2024-07-01T12:00:00+02:00")
    assert zoned["date_gmt"] == "2024-07-01T10:00:00"
    again = change(blog, winter["id"], date_gmt="2023-01-01T00:00:00Z")
    assert fields(again, "date", "date_gmt") == ("2022-12-31T19:00:00", "2023-01-01T00:00:00")
    assert again["modified_gmt"] > "2026"


def test_what_is_dated_ahead_waits_and_what_is_due_does_not(blog: Blog) -> None:
    for status in ("publish", "future"):
        ahead = make(blog, title="Roses", status=status, date_gmt="2040-01-01T10:00:00")
        assert fields(ahead, "status", "date_gmt") == ("future", "2040-01-01T10:00:00")
        assert ahead["link"] == f"{blog.url}/?p={ahead['id']}"
        assert make(blog, title="Roses", status=status, date_gmt="2020-01-01T10:00:00")["status"] == "publish"
    assert make(blog, title="Roses", status="future")["status"] == "publish"
    assert change(blog, ahead["id"], date_gmt="2021-01-01T00:00:00")["status"] == "publish"


def test_a_scheduled_post_is_published_because_somebody_visits(blog: Blog) -> None:
    post = make(blog, title="Later roses", status="future", date_gmt="2040-01-01T10:00:00")
    assert blog.page("/later-roses/").status_code == 404
    blog.make_due(post["id"])
    while blog.posts()[0]["status"] == "future":
        blog.page("/")
    assert "Later roses" in blog.page("/later-roses/").text


def test_a_draft_may_have_a_date_and_keeps_it(blog: Blog) -> None:
    draft = make(blog, title="Roses", date_gmt="2020-06-01T10:00:00")
    assert fields(draft, "status", "date_gmt") == ("draft", "2020-06-01T10:00:00")
    assert change(blog, draft["id"], status="publish")["date_gmt"] == "2020-06-01T10:00:00"


def test_what_is_wrong_is_named(blog: Blog) -> None:
    given = {"title": "Roses", "status": "nonsense", "categories": "x", "date_gmt": "garbage", "slug": 5, "meta": "x"}
    answer = blog.rest("POST", POSTS, json=given)
    assert fault(answer) == (400, "rest_invalid_param")
    body = answer.json()
    assert body["message"] == "Invalid parameter(s): date_gmt, slug, status, meta, categories"
    assert body["data"]["params"] == {
        "date_gmt": "Invalid date.",
        "slug": "slug is not of type string.",
        "status": "status is not one of publish, future, draft, pending, and private.",
        "meta": "Invalid parameter.",
        "categories": "categories[0] is not of type integer.",
    }
    details = body["data"]["details"]
    assert {name: one["code"] for name, one in details.items()} == {
        "date_gmt": "rest_invalid_date",
        "slug": "rest_invalid_type",
        "status": "rest_not_in_enum",
        "categories": "rest_invalid_type",
    }
    assert details["categories"]["data"] == {"param": "categories[0]"}
    assert blog.posts() == []


def test_nothing_comes_of_nothing(blog: Blog) -> None:
    assert fault(blog.rest("POST", POSTS, json={})) == (400, "empty_content")
    assert fault(blog.rest("POST", POSTS, json={"title": "", "status": "publish"})) == (400, "empty_content")
    assert fault(blog.rest("POST", POSTS, json={"id": 1, "title": "Roses"})) == (400, "rest_post_exists")
    assert fault(blog.rest("POST", f"{POSTS}/999999", json={"title": "Roses"})) == (404, "rest_post_invalid_id")
    assert fault(blog.rest("GET", f"{POSTS}/999999")) == (404, "rest_post_invalid_id")
    assert fault(blog.rest("POST", POSTS, json={"title": "R", "author": 777})) == (400, "rest_invalid_author")
    assert blog.posts() == []


def test_meta_that_nobody_registered_is_ignored_without_a_word(blog: Blog) -> None:
    made = make(blog, title="Roses", meta={"our_key": "abc", "_yoast_wpseo_title": "Best roses"})
    assert made["meta"] == []
    assert change(blog, made["id"], meta={"our_key": "abc"})["meta"] == []


def test_an_update_changes_what_it_names(blog: Blog) -> None:
    post = make(blog, title="Roses", content="<p>Red</p>", status="publish")
    changed = change(blog, post["id"], title={"raw": "White roses"}, sticky=True)
    assert (changed["title"]["raw"], changed["content"]["raw"]) == ("White roses", "<p>Red</p>")
    assert fields(changed, "slug", "sticky") == ("roses", True)
    for method in ("PUT", "PATCH"):
        answer = blog.rest(
            method, f"{POSTS}/{post['id']}", params={"_fields": "id,content.raw"}, json={"content": method}
        )
        assert answer.json() == {"id": post["id"], "content": {"raw": method}}
    other = make(blog, title="Other")
    assert change(blog, post["id"], id=other["id"], title="By body")["id"] == other["id"]


def test_a_form_is_as_good_as_json(blog: Blog) -> None:
    made = blog.rest("POST", POSTS, data={"title": "Roses", "status": "publish", "categories[]": "1"}).json()
    assert (made["title"]["raw"], made["status"], made["categories"]) == ("Roses", "publish", [1])


def test_texts_of_trusted_users_are_kept_and_those_of_others_filtered(blog: Blog) -> None:
    content = '<p onclick="x()" class="big">A & B<script>alert(1)</script> <img src="/a.png" alt="q" onerror="x"></p>'
    for role in ("administrator", "editor"):
        assert make(blog, role, title="A & <script>x</script>", content=content)["content"]["raw"] == content
    filtered = make(blog, "author", title="A & <script>x</script>", content=content)
    assert filtered["title"]["raw"] == "A &amp; x"
    assert filtered["content"]["raw"] == '<p class="big">A &amp; Balert(1) <img src="/a.png" alt="q"></p>'


def test_what_an_article_is_made_of_passes_the_filter(blog: Blog) -> None:
    content = (
        '<h2 id="why">Why &amp; how</h2>\n<p>Text with <strong>weight</strong>, <em>tone</em> and a <a href="https://example.com/?a=1"'
        ' rel="nofollow">link</a>.</p>\n<ul>\n<li>One</li>\n</ul>\n<ol start="3">\n<li>Two</li>\n</ol>\n'
        '<figure class="wp-block-image"><img src="https://example.com/a.webp" alt="A rose" width="640" height="480" loading="lazy">'
        '<figcaption>Rose</figcaption></figure>\n<blockquote><p>Said</p></blockquote>\n<table><thead><tr><th scope="col">A</th></tr>'
        '</thead><tbody><tr><td colspan="2">B</td></tr></tbody></table>\n<pre><code>x = 1</code></pre>\n<hr>\n<p>End<br>of it</p>'
    )
    blocks = (
        '<!-- wp:heading {"level":3} -->\n<h3>Block &nbsp; &copy;</h3>\n<!-- /wp:heading -->\n<!-- our-marker: 1 -->'
    )
    for text in (content, blocks):
        assert make(blog, "author", title="Roses", content=text)["content"]["raw"] == text


def test_what_does_not_exist_is_not_referred_to(blog: Blog) -> None:
    made = make(blog, title="Roses", tags=[99999], categories=[88888], featured_media=77777)
    assert fields(made, "tags", "categories", "featured_media") == ([], [], 0)


def test_the_trash_can_be_undone(blog: Blog) -> None:
    post = make(blog, title="Roses", status="publish")
    address = f"{POSTS}/{post['id']}"
    trashed = blog.rest("DELETE", address)
    assert (trashed.status_code, *fields(trashed.json(), "status", "slug")) == (200, "trash", "roses__trashed")
    assert fault(blog.rest("DELETE", address)) == (410, "rest_already_trashed")
    assert fault(blog.rest("GET", address, None)) == (401, "rest_forbidden")
    assert blog.page("/roses/").status_code == 404
    assert blog.rest("GET", address).json()["status"] == "trash"
    assert make(blog, title="Roses", status="publish")["slug"] == "roses"
    assert fields(change(blog, post["id"], status="publish"), "status", "slug") == ("publish", "roses-2")


def test_what_is_deleted_with_force_is_gone(blog: Blog) -> None:
    post = make(blog, title="Roses", status="publish")
    gone = blog.rest("DELETE", f"{POSTS}/{post['id']}", params={"force": "true"}).json()
    assert (gone["deleted"], gone["previous"]["id"], gone["previous"]["title"]["raw"]) == (True, post["id"], "Roses")
    assert fault(blog.rest("DELETE", f"{POSTS}/{post['id']}")) == (404, "rest_post_invalid_id")
    assert blog.posts() == []


def test_pages_are_like_posts_without_terms(blog: Blog) -> None:
    answer = blog.rest("POST", "/wp/v2/pages", json={"title": "About", "status": "publish", "menu_order": 3})
    page = answer.json()
    assert (answer.status_code, page["type"], page["slug"], page["menu_order"], page["parent"]) == (
        201,
        "page",
        "about",
        3,
        0,
    )
    assert page["link"] == f"{blog.url}/about/"
    assert page.keys().isdisjoint({"categories", "tags", "sticky", "format"})
    below = blog.rest("POST", "/wp/v2/pages", json={"title": "Us", "status": "publish", "parent": page["id"]}).json()
    assert below["link"] == f"{blog.url}/about/us/"
    assert [one["id"] for one in blog.posts("pages")] == [page["id"], below["id"]]
    assert blog.posts() == []


def test_readers_see_what_is_published_at_its_address(blog: Blog) -> None:
    post = make(blog, title="Roses", content="<p>They are red.</p>", status="publish")
    shown = blog.page(post["link"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=UTF-8")
    assert "<p>They are red.</p>" in shown.text
    assert post["link"] in blog.page("/").text
    short = blog.page(f"/?p={post['id']}")
    assert (short.status_code, short.headers["location"]) == (301, post["link"])
    draft = make(blog, title="Thorns")
    assert blog.page(f"/?p={draft['id']}").status_code == 404
    private = make(blog, title="Secret", status="private")
    assert private["title"] == {"raw": "Secret", "rendered": "Private: Secret"}
    assert blog.page("/secret/").status_code == 404
