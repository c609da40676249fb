"""What goes wrong on the way to a WordPress, the sandbox's or a real one, when a test asks for it."""

import httpx
import pytest

from tests.support.wordpress import Blog

POSTS = "/wp/v2/posts"
HUNG_UP = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.fixture
def post(blog: Blog) -> int:
    number: int = blog.rest("POST", POSTS, json={"title": "Roses", "status": "publish"}).json()["id"]
    return number


def asked(blog: Blog, method: str = "GET", path: str = f"/wp-json{POSTS}", timeout: float = 60) -> httpx.Response:
    """A request as others make it: counted, and misbehaved at."""
    json = {"title": "Tulips", "status": "publish"} if method == "POST" else None
    return httpx.request(
        method, f"{blog.url}{path}", auth=tuple(blog.users["administrator"]), json=json, timeout=timeout
    )


@pytest.mark.parametrize(
    ("behaviour", "status", "content_type", "retry_after"),
    [
        ("unauthorized", 401, "application/json", None),
        ("firewall", 403, "text/html", None),
        ("too-large", 413, "text/html", None),
        ("rate-limited", 429, "text/plain", "1"),
        ("unavailable", 503, "text/html", "1"),
        ("bad-gateway", 502, "text/html", None),
        ("error-500", 500, "application/json", None),
    ],
)
def test_answers_that_are_not_wordpress_own(
    blog: Blog, behaviour: str, status: int, content_type: str, retry_after: str | None
) -> None:
    blog.misbehave(behaviour)
    answer = asked(blog, "POST")
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, content_type)
    assert answer.headers.get("retry-after") == retry_after
    assert blog.posts() == []
    assert asked(blog, "POST").status_code == 201


@pytest.mark.parametrize(("behaviour", "made"), [("lost", 0), ("dropped", 1)])
def test_a_lost_request_and_a_lost_reply_look_the_same(blog: Blog, behaviour: str, made: int) -> None:
    blog.misbehave(behaviour, method="POST", route=POSTS)
    assert asked(blog).status_code == 200
    with pytest.raises(HUNG_UP):
        asked(blog, "POST")
    assert len(blog.posts()) == made
    assert asked(blog, "POST").status_code == 201


def test_who_is_not_answered_gives_up(blog: Blog) -> None:
    blog.misbehave("hang", times=None)
    with pytest.raises(httpx.ReadTimeout):
        asked(blog, "POST", timeout=0.5)
    assert blog.posts() == []


def test_what_was_asked_may_be_done_without_an_answer(blog: Blog) -> None:
    blog.misbehave("stalled")
    with pytest.raises(httpx.ReadTimeout):
        asked(blog, "POST", timeout=0.5)
    while not blog.posts():
        pass
    assert [call["status"] for call in blog.calls()] == [201]


def test_a_gateway_may_give_up_on_what_was_done(blog: Blog) -> None:
    blog.misbehave("gateway-timeout")
    assert asked(blog, "POST").status_code == 504
    assert len(blog.posts()) == 1


def test_plain_permalinks_leave_the_query(blog: Blog, post: int) -> None:
    blog.misbehave("plain-permalinks", times=None)
    assert asked(blog).status_code == 404
    assert asked(blog, path="/wp-json/").headers["content-type"].startswith("text/html")
    assert [one["id"] for one in asked(blog, path=f"/?rest_route={POSTS}").json()] == [post]
    assert asked(blog, path="/roses/").status_code == 200
    blog.behave()
    assert asked(blog).status_code == 200


def test_a_stripped_header_lets_read_and_not_write(blog: Blog, post: int) -> None:
    blog.misbehave("stripped", times=None)
    assert asked(blog).status_code == 200
    answer = asked(blog, "POST")
    assert (answer.status_code, answer.json()["code"]) == (401, "rest_cannot_create")


def test_a_notice_stands_before_the_json(blog: Blog, post: int) -> None:
    blog.misbehave("notice")
    answer = asked(blog)
    assert (answer.status_code, answer.text[:6]) == (200, "<br />")
    assert answer.text.endswith("}]")


def test_a_slow_answer_is_a_good_one(blog: Blog, post: int) -> None:
    blog.misbehave("slow-1")
    with pytest.raises(httpx.ReadTimeout):
        asked(blog, timeout=0.2)
    blog.misbehave("slow-0")
    assert asked(blog).status_code == 200


def test_rules_wait_for_what_they_fit(blog: Blog) -> None:
    blog.misbehave("bad-gateway", method="POST", route=POSTS, skip=1, times=2)
    assert [asked(blog, "POST").status_code for _ in range(5)] == [201, 502, 502, 201, 201]
    assert [asked(blog).status_code for _ in range(2)] == [200, 200]
    assert len(blog.posts()) == 3


def test_calls_are_counted(blog: Blog) -> None:
    blog.misbehave("dropped", method="POST")
    with pytest.raises(HUNG_UP):
        asked(blog, "POST")
    asked(blog, "POST", f"/?rest_route={POSTS}")
    asked(blog, path="/")
    told = [(call["method"], call["path"], call["route"], call["behaviour"], call["status"]) for call in blog.calls()]
    assert told == [
        ("POST", f"/wp-json{POSTS}", POSTS, "dropped", 201),
        ("POST", "/", POSTS, None, 201),
        ("GET", "/", None, None, 200),
    ]
    assert blog.writes() == [("POST", POSTS)] * 2
    blog.fresh()
    assert (blog.calls(), blog.posts()) == ([], [])


def test_an_unknown_behaviour_is_refused(blog: Blog) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        blog.misbehave("no-such-thing")
