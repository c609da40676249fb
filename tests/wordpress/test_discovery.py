"""What a WordPress says of itself and of the user, and how it is found."""

import httpx
import pytest

from tests.support.wordpress import Blog
from tests.wordpress.shapes import fault


@pytest.mark.parametrize("address", ["/wp-json/", "/wp-json", "/?rest_route=/", "/index.php?rest_route=/"])
def test_the_index_is_found_in_each_way(blog: Blog, address: str) -> None:
    answer = blog.page(address)
    index = answer.json()
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert (index["url"], index["home"], index["timezone_string"]) == (blog.url, blog.url, "America/New_York")
    assert index["gmt_offset"] in (-5, -4)
    assert {"oembed/1.0", "wp/v2"} <= set(index["namespaces"])
    authorization = f"{blog.url}/wp-admin/authorize-application.php"
    assert index["authentication"] == {"application-passwords": {"endpoints": {"authorization": authorization}}}
    assert index["routes"]["/wp/v2/posts"]["namespace"] == "wp/v2"
    assert {"name", "description"} <= index.keys()


def test_every_page_names_the_api(blog: Blog) -> None:
    link = f'<{blog.url}/wp-json/>; rel="https://api.w.org/"'
    assert link in blog.page("/").headers["link"]
    assert link in blog.rest("GET", "/wp/v2/posts").headers["link"]


def test_the_user_sees_who_it_is_and_what_it_may(blog: Blog) -> None:
    author = blog.rest("GET", "/wp/v2/users/me", "author", params={"context": "edit"}).json()
    assert (author["id"], author["username"], author["slug"]) == (3, "author", "author")
    assert (author["name"], author["email"]) == ("Author of the blog", "author@example.com")
    assert (author["roles"], author["extra_capabilities"]) == (["author"], {"author": True})
    may = ["upload_files", "edit_posts", "edit_published_posts", "publish_posts", "read", "delete_posts"]
    levels = ["level_0", "level_1", "level_2", "delete_published_posts", "author"]
    assert author["capabilities"] == dict.fromkeys([*may, *levels], True)


@pytest.mark.parametrize(
    ("role", "number", "may", "may_not"),
    [
        ("administrator", 62, "unfiltered_upload", "author"),
        ("editor", 35, "unfiltered_html", "manage_options"),
        ("contributor", 6, "edit_posts", "upload_files"),
        ("subscriber", 3, "read", "edit_posts"),
    ],
)
def test_roles_have_their_capabilities(blog: Blog, role: str, number: int, may: str, may_not: str) -> None:
    capabilities = blog.rest("GET", "/wp/v2/users/me", role, params={"context": "edit"}).json()["capabilities"]
    assert (capabilities.get(may), may_not in capabilities, len(capabilities)) == (True, False, number)


def test_without_context_a_user_is_told_little(blog: Blog) -> None:
    shown = blog.rest("GET", "/wp/v2/users/me", "author").json()
    assert "capabilities" not in shown
    assert (shown["id"], shown["slug"], shown["link"]) == (3, "author", f"{blog.url}/author/author/")


def test_passwords_are_read_with_and_without_spaces(blog: Blog) -> None:
    name, password = blog.users["author"]
    bare = password.replace(" ", "")
    for written in (bare, " ".join(bare[at : at + 4] for at in range(0, len(bare), 4))):
        answer = httpx.get(f"{blog.url}/wp-json/wp/v2/users/me", auth=(name, written))
        assert answer.json()["slug"] == "author"


def test_who_has_a_wrong_password_is_nobody(blog: Blog) -> None:
    for auth in (("author", "wrong"), ("nobody", "wrong"), ("", "")):
        assert fault(httpx.get(f"{blog.url}/wp-json/wp/v2/users/me", auth=auth)) == (401, "rest_not_logged_in")
        assert httpx.get(f"{blog.url}/wp-json/wp/v2/posts", auth=auth).status_code == 200
        made = httpx.post(f"{blog.url}/wp-json/wp/v2/posts", auth=auth, json={"title": "Roses"})
        assert fault(made) == (401, "rest_cannot_create")
    assert fault(blog.rest("GET", "/wp/v2/users/me", None)) == (401, "rest_not_logged_in")
    assert blog.posts() == []


def test_what_is_not_there_is_told(blog: Blog) -> None:
    assert fault(blog.rest("GET", "/wp/v2/nothing")) == (404, "rest_no_route")
    assert fault(blog.rest("DELETE", "/wp/v2/posts")) == (404, "rest_no_route")
    assert fault(blog.page("/?rest_route=/nothing/v1")) == (404, "rest_no_route")
    missing = blog.page("/nothing-here/")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=UTF-8")


def test_a_body_that_is_no_json_is_told(blog: Blog) -> None:
    bad = blog.rest("POST", "/wp/v2/posts", content=b"{bad", headers={"Content-Type": "application/json"})
    assert fault(bad) == (400, "rest_invalid_json")
    assert bad.json()["data"]["json_error_message"] == "Syntax error"
