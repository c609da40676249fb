"""Categories and tags over REST."""

from typing import Any

import pytest

from tests.support.wordpress import Blog
from tests.wordpress.shapes import fault, fields

TAGS, CATEGORIES = "/wp/v2/tags", "/wp/v2/categories"


def made(blog: Blog, route: str = TAGS, **given: Any) -> dict[str, Any]:
    answer = blog.rest("POST", route, json=given)
    assert answer.status_code == 201, answer.text
    term: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{blog.url}/wp-json{route}/{term['id']}"
    return term


def test_a_term_is_told(blog: Blog) -> None:
    tag = made(blog, name="Red roses", description="All of them")
    assert fields(tag, "name", "slug", "taxonomy", "count", "meta") == ("Red roses", "red-roses", "post_tag", 0, [])
    assert fields(tag, "description", "link") == ("All of them", f"{blog.url}/tag/red-roses/")
    assert "parent" not in tag
    above = made(blog, CATEGORIES, name="Flowers")
    below = made(blog, CATEGORIES, name="Roses", parent=above["id"])
    assert fields(below, "parent", "taxonomy") == (above["id"], "category")
    assert below["link"] == f"{blog.url}/category/flowers/roses/"
    assert [term["slug"] for term in blog.terms("categories")] == ["uncategorized", "flowers", "roses"]


def test_names_are_kept_with_their_signs_escaped(blog: Blog) -> None:
    tag = made(blog, name='A & B <i>"x"</i>')
    assert fields(tag, "name", "slug") == ('A &amp; B "x"', "a-b-x")
    assert [term["id"] for term in blog.rest("GET", TAGS, params={"search": "A &amp; B"}).json()] == [tag["id"]]
    assert blog.rest("GET", TAGS, params={"search": "A & B"}).json() == []


@pytest.mark.parametrize("again", ["A & B", "a & b", " A  & B "])
def test_a_name_is_taken_once(blog: Blog, again: str) -> None:
    first = made(blog, name="A & B")
    answer = blog.rest("POST", TAGS, json={"name": again})
    assert fault(answer) == (400, "term_exists")
    body = answer.json()
    assert body["data"] == {"status": 400, "term_id": first["id"]}
    assert body["additional_data"] == [first["id"], first["id"]]
    assert body["message"] == "A term with the name provided already exists in this taxonomy."


def test_names_that_share_a_slug_are_told_apart(blog: Blog) -> None:
    made(blog, name="A & B")
    assert fields(made(blog, name="a b"), "name", "slug") == ("a b", "a-b-2")
    assert made(blog, name="A & B", slug="other")["slug"] == "other"
    assert made(blog, CATEGORIES, name="Roses")["slug"] == "roses"


def test_a_category_is_taken_once_for_each_parent(blog: Blog) -> None:
    flowers = made(blog, CATEGORIES, name="Flowers")
    answer = blog.rest("POST", CATEGORIES, json={"name": "flowers"})
    assert (*fault(answer), answer.json()["data"]["term_id"]) == (400, "term_exists", flowers["id"])
    assert answer.json()["message"] == "A term with the name provided already exists with this parent."
    below = made(blog, CATEGORIES, name="Flowers", parent=flowers["id"])
    assert below["slug"] == "flowers-flowers"


def test_what_is_wrong_with_a_term_is_told(blog: Blog) -> None:
    missing = blog.rest("POST", TAGS, json={})
    assert fault(missing) == (400, "rest_missing_callback_param")
    assert missing.json()["data"]["params"] == ["name"]
    for name in ("", "  "):
        empty = blog.rest("POST", TAGS, json={"name": name})
        assert (empty.status_code, empty.json()["code"], empty.json()["data"]) == (500, "empty_term_name", None)
    orphan = blog.rest("POST", CATEGORIES, json={"name": "Roses", "parent": 99999})
    assert fault(orphan) == (400, "rest_term_invalid")
    assert fault(blog.rest("GET", f"{TAGS}/99999")) == (404, "rest_term_invalid")
    assert blog.terms("tags") == []


def test_who_may_make_terms(blog: Blog) -> None:
    for role, tags, categories in (
        ("editor", 201, 201),
        ("author", 201, 403),
        ("contributor", 201, 403),
        ("subscriber", 403, 403),
        (None, 401, 401),
    ):
        for route, status in ((TAGS, tags), (CATEGORIES, categories)):
            answer = blog.rest("POST", route, role, json={"name": f"By {role}"})
            assert (answer.status_code, role, route) == (status, role, route)
            if status != 201:
                assert fault(answer) == (status, "rest_cannot_create")


def test_terms_are_found(blog: Blog) -> None:
    red, green = made(blog, name="Red"), made(blog, name="Green tea")
    post = {"title": "Roses", "status": "publish", "tags": [green["id"]]}
    number = blog.rest("POST", "/wp/v2/posts", json=post).json()["id"]
    blog.rest("POST", "/wp/v2/posts", json=post | {"status": "draft"})
    for parameters, expected in (
        ({}, [green, red]),
        ({"order": "desc"}, [red, green]),
        ({"orderby": "id"}, [red, green]),
        ({"search": "RED"}, [red]),
        ({"search": "n-t"}, [green]),
        ({"slug": "red,none"}, [red]),
        ({"include": str(red["id"])}, [red]),
        ({"exclude": str(red["id"])}, [green]),
        ({"hide_empty": "true"}, [green]),
        ({"post": str(number)}, [green]),
        ({"per_page": "1", "page": "2"}, [red]),
        ({"per_page": "1", "page": "3"}, []),
    ):
        found = blog.rest("GET", TAGS, None, params=parameters).json()
        assert ([term["id"] for term in found], parameters) == ([term["id"] for term in expected], parameters)
    paged = blog.rest("GET", TAGS, params={"per_page": "1"}).headers
    assert (paged["x-wp-total"], paged["x-wp-totalpages"]) == ("2", "2")
    assert blog.rest("GET", f"{TAGS}/{green['id']}").json()["count"] == 1


def test_a_term_is_changed_and_deleted(blog: Blog) -> None:
    tag = made(blog, name="Red")
    address = f"{TAGS}/{tag['id']}"
    assert fields(blog.rest("POST", address, json={"name": "Crimson"}).json(), "name", "slug") == ("Crimson", "red")
    assert fault(blog.rest("POST", address, "author", json={"name": "X"})) == (403, "rest_cannot_update")
    assert fault(blog.rest("DELETE", address, "author", params={"force": "true"})) == (403, "rest_cannot_delete")
    assert fault(blog.rest("DELETE", address)) == (501, "rest_trash_not_supported")
    gone = blog.rest("DELETE", address, params={"force": "true"}).json()
    assert (gone["deleted"], gone["previous"]["name"]) == (True, "Crimson")
    assert blog.terms("tags") == []


def test_a_post_has_the_terms_that_it_names(blog: Blog) -> None:
    red, green = made(blog, name="Red")["id"], made(blog, name="Green")["id"]
    roses = made(blog, CATEGORIES, name="Roses")["id"]
    given = {"title": "Roses", "status": "publish", "tags": [green, red], "categories": [roses]}
    post = blog.rest("POST", "/wp/v2/posts", json=given).json()
    assert fields(post, "tags", "categories") == ([green, red], [roses])
    changed = blog.rest("POST", f"/wp/v2/posts/{post['id']}", json={"tags": [], "categories": []}).json()
    assert fields(changed, "tags", "categories") == ([], [])
    again = blog.rest("POST", f"/wp/v2/posts/{post['id']}", json={"tags": f"{red}", "categories": [roses]}).json()
    blog.rest("DELETE", f"{CATEGORIES}/{roses}", params={"force": "true"})
    assert fields(blog.posts()[0], "tags", "categories") == ([red], [1])
    assert again["tags"] == [red]
