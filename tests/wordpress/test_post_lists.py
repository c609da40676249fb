"""Lists of posts: filters, order, pages of the list."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.wordpress import Blog
from tests.wordpress.shapes import fault

POSTS = "/wp/v2/posts"


@pytest.fixture
def ids(blog: Blog) -> list[int]:
    """Three published posts, a day after another, a draft and a scheduled one."""
    given: Sequence[dict[str, Any]] = (
        {"title": "Cherry", "content": "<p>Red fruit</p>", "date_gmt": "2024-01-01T10:00:00", "status": "publish"},
        {"title": "Apple", "excerpt": "green", "date_gmt": "2024-01-02T10:00:00", "status": "publish"},
        {"title": "Banana", "date_gmt": "2024-01-03T10:00:00", "status": "publish"},
        {"title": "Damson", "date_gmt": "2024-01-04T10:00:00", "slug": "apple"},
        {"title": "Elderberry", "date_gmt": "2040-01-01T10:00:00", "status": "future"},
    )
    return [blog.rest("POST", POSTS, json=one).json()["id"] for one in given]


def listed(blog: Blog, ids: list[int], **parameters: str) -> str:
    """The posts of the answer, by the first letters of their titles."""
    answer = blog.rest("GET", POSTS, params=parameters | {"_fields": "id"})
    assert answer.status_code == 200, answer.text
    return "".join("CABDE"[ids.index(post["id"])] for post in answer.json())


def test_filters_and_orders(blog: Blog, ids: list[int]) -> None:
    every = "publish,draft,future"
    asked: list[tuple[str, dict[str, str]]] = [
        ("BAC", {}),
        ("EDBAC", {"status": every}),
        ("EDBAC", {"status": "any"}),
        ("DE", {"status[]": "draft", "status[1]": "future", "order": "asc"}),
        ("ABC", {"orderby": "title", "order": "asc"}),
        ("CAB", {"orderby": "id", "order": "asc"}),
        ("CAB", {"order": "asc"}),
        ("CB", {"include": f"{ids[2]},{ids[0]}", "order": "asc"}),
        ("BC", {"include": f"{ids[2]},{ids[0]}", "orderby": "include"}),
        ("BA", {"exclude": str(ids[0])}),
        ("A", {"slug": "apple"}),
        ("DA", {"slug": "apple,none", "status": every}),
        ("C", {"search": "red"}),
        ("A", {"search": "GREEN"}),
        ("B", {"after": "2024-01-02T10:00:00Z"}),
        ("C", {"before": "2024-01-02T10:00:00Z"}),
        ("BAC", {"modified_after": "2023-01-01T00:00:00Z"}),
        ("", {"modified_after": "2039-01-01T00:00:00Z"}),
        ("BAC", {"modified_before": "2039-01-01T00:00:00"}),
        ("BAC", {"categories": "1"}),
        ("", {"categories": "999"}),
        ("", {"tags": "999"}),
        ("BAC", {"author": "1"}),
        ("", {"author": "2"}),
        ("A", {"offset": "1", "per_page": "1"}),
    ]
    assert [(listed(blog, ids, **parameters), parameters) for _, parameters in asked] == asked


def test_the_list_comes_in_pages(blog: Blog, ids: list[int]) -> None:
    second = blog.rest("GET", POSTS, params={"per_page": "2", "page": "2"})
    assert [post["id"] for post in second.json()] == [ids[0]]
    assert (second.headers["x-wp-total"], second.headers["x-wp-totalpages"]) == ("3", "2")
    beyond = blog.rest("GET", POSTS, params={"per_page": "2", "page": "3"})
    assert fault(beyond) == (400, "rest_post_invalid_page_number")
    empty = blog.rest("GET", POSTS, params={"search": "nothing like it"})
    assert (empty.json(), empty.headers["x-wp-total"], empty.headers["x-wp-totalpages"]) == ([], "0", "0")


def test_modified_after_is_the_blogs_time_unless_it_has_a_zone(blog: Blog) -> None:
    post = blog.rest("POST", POSTS, json={"title": "Roses", "status": "publish"}).json()
    for after, found in ((post["modified"], 0), (post["modified_gmt"] + "Z", 0), ("2020-01-01T00:00:00", 1)):
        answer = blog.rest("GET", POSTS, params={"modified_after": after})
        assert (answer.headers["x-wp-total"], after) == (str(found), after)


def test_fields_are_picked(blog: Blog, ids: list[int]) -> None:
    answer = blog.rest("GET", POSTS, params={"include": str(ids[0]), "_fields": "id,title.rendered,nothing"})
    assert answer.json() == [{"id": ids[0], "title": {"rendered": "Cherry"}}]


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("per_page", "101", "rest_out_of_bounds", "per_page must be between 1 (inclusive) and 100 (inclusive)"),
        ("page", "0", "rest_out_of_bounds", "page must be greater than or equal to 1"),
        ("per_page", "x", "rest_invalid_type", "per_page is not of type integer."),
        ("order", "up", "rest_not_in_enum", "order is not one of asc and desc."),
        (
            "orderby",
            "up",
            "rest_not_in_enum",
            "orderby is not one of author, date, id, include, modified, parent, relevance, slug, include_slugs, and title.",
        ),
        ("modified_after", "junk", "rest_invalid_date", "Invalid date."),
        (
            "status",
            "lost",
            "rest_not_in_enum",
            "status[0] is not one of publish, future, draft, pending, private, trash, auto-draft, inherit, request-pending,"
            " request-confirmed, request-failed, request-completed, and any.",
        ),
    ],
)
def test_what_cannot_be_asked_is_told(blog: Blog, name: str, value: str, code: str, message: str) -> None:
    answer = blog.rest("GET", POSTS, params={name: value})
    assert fault(answer) == (400, "rest_invalid_param")
    body = answer.json()
    assert (body["message"], body["data"]["params"]) == (f"Invalid parameter(s): {name}", {name: message})
    assert body["data"]["details"][name]["code"] == code
