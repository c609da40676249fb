"""Posts over REST: the sandbox and a real WordPress answer alike."""

from tests.support.wordpress import Blog


def test_a_draft_has_no_slug_until_it_is_published(blog: Blog) -> None:
    made = blog.rest("POST", "/wp/v2/posts", json={"title": "Red roses"})
    assert made.status_code == 201
    draft = made.json()
    assert (draft["slug"], draft["status"], draft["link"]) == ("", "draft", f"{blog.url}/?p={draft['id']}")
    published = blog.rest("POST", f"/wp/v2/posts/{draft['id']}", json={"status": "publish"}).json()
    assert (published["slug"], published["link"]) == ("red-roses", f"{blog.url}/red-roses/")
    assert [post["id"] for post in blog.posts()] == [draft["id"]]
