"""Who may do what with whose posts, and how the others are told."""

from typing import Any

import pytest

from tests.support.wordpress import Blog
from tests.wordpress.shapes import fault

POSTS = "/wp/v2/posts"


def made_by(blog: Blog, role: str, **given: Any) -> int:
    number: int = blog.rest("POST", POSTS, role, json={"title": "Roses"} | given).json()["id"]
    return number


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("subscriber", 403)])
def test_who_may_not_write_makes_nothing(blog: Blog, role: str | None, status: int) -> None:
    assert fault(blog.rest("POST", POSTS, role, json={"title": "Roses"})) == (status, "rest_cannot_create")
    assert fault(blog.rest("POST", POSTS, role, json={"title": "Roses", "status": "publish"})) == (
        status,
        "rest_cannot_create",
    )
    assert blog.posts() == []


@pytest.mark.parametrize("wanted", ["publish", "future", "private"])
def test_a_contributor_may_not_publish(blog: Blog, wanted: str) -> None:
    given = {"title": "Roses", "status": wanted}
    assert fault(blog.rest("POST", POSTS, "contributor", json=given)) == (403, "rest_cannot_publish")
    assert blog.posts() == []
    assert blog.rest("POST", POSTS, "contributor", json={"title": "Roses", "status": "pending"}).status_code == 201


def test_an_author_changes_its_own_posts_only(blog: Blog) -> None:
    own, other = made_by(blog, "author", status="publish"), made_by(blog, "administrator", status="publish")
    assert blog.rest("POST", f"{POSTS}/{own}", "author", json={"title": "Tulips"}).status_code == 200
    assert fault(blog.rest("POST", f"{POSTS}/{other}", "author", json={"title": "X"})) == (403, "rest_cannot_edit")
    assert fault(blog.rest("DELETE", f"{POSTS}/{other}", "author")) == (403, "rest_cannot_delete")
    assert fault(blog.rest("DELETE", f"{POSTS}/{other}", None)) == (401, "rest_cannot_delete")
    assert fault(blog.rest("POST", f"{POSTS}/{own}", None, json={"title": "X"})) == (401, "rest_cannot_edit")
    assert blog.rest("POST", f"{POSTS}/{own}", "editor", json={"title": "Edited"}).status_code == 200
    as_another = blog.rest("POST", POSTS, "author", json={"title": "X", "author": 1})
    assert fault(as_another) == (403, "rest_cannot_edit_others")
    assert [post["title"]["raw"] for post in blog.posts()] == ["Edited", "Roses"]


def test_raw_texts_are_for_those_who_may_edit(blog: Blog) -> None:
    number = made_by(blog, "administrator", status="publish")
    edit = {"context": "edit"}
    for role, status in (("author", 403), (None, 401)):
        denied = blog.rest("GET", f"{POSTS}/{number}", role, params=edit)
        assert fault(denied) == (status, "rest_forbidden_context")
    assert fault(blog.rest("GET", POSTS, None, params=edit)) == (401, "rest_forbidden_context")
    assert blog.rest("GET", f"{POSTS}/{number}", "editor", params=edit).json()["title"]["raw"] == "Roses"
    assert blog.rest("GET", f"{POSTS}/{number}", None).json()["title"] == {"rendered": "Roses"}


def test_drafts_are_for_those_who_may_edit_them(blog: Blog) -> None:
    draft = made_by(blog, "author")
    assert fault(blog.rest("GET", f"{POSTS}/{draft}", None)) == (401, "rest_forbidden")
    assert fault(blog.rest("GET", f"{POSTS}/{draft}", "contributor")) == (403, "rest_forbidden")
    assert blog.rest("GET", f"{POSTS}/{draft}", "author").json()["status"] == "draft"


def test_statuses_are_asked_for_by_writers_only(blog: Blog) -> None:
    own, other = made_by(blog, "author"), made_by(blog, "administrator")
    for role, status in (("subscriber", 403), (None, 401)):
        denied = blog.rest("GET", POSTS, role, params={"status": "draft"})
        assert fault(denied) == (400, "rest_invalid_param")
        detail = denied.json()["data"]["details"]["status"]
        assert (detail["code"], detail["data"]) == ("rest_forbidden_status", {"status": status})
    seen = [post["id"] for post in blog.rest("GET", POSTS, "author", params={"status": "any"}).json()]
    assert seen == [own]
    assert {other, own} == {post["id"] for post in blog.rest("GET", POSTS, "editor", params={"status": "any"}).json()}


def test_pages_are_for_editors(blog: Blog) -> None:
    given = {"title": "About", "status": "publish"}
    assert fault(blog.rest("POST", "/wp/v2/pages", "author", json=given)) == (403, "rest_cannot_create")
    assert blog.rest("POST", "/wp/v2/pages", "editor", json=given).status_code == 201
