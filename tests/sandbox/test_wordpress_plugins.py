"""What the sandbox WordPress has and the real one of the tests has not: SEO plugins, and many blogs."""

from dataclasses import replace
from typing import Any

from tests.support.wordpress import Blog
from tests.wordpress.shapes import fault

TEXTS = {"rank_math_title": "Best roses", "rank_math_description": "All about roses"}


def published(blog: Blog, **given: Any) -> dict[str, Any]:
    post = {"title": "Roses", "status": "publish"} | given
    made: dict[str, Any] = blog.rest("POST", "/wp/v2/posts", "author", json=post).json()
    return made


def namespaces(blog: Blog) -> set[str]:
    return set(blog.rest("GET", "/").json()["namespaces"])


def test_a_plain_blog_has_no_plugin(sandbox_blog: Blog) -> None:
    assert namespaces(sandbox_blog).isdisjoint({"rankmath/v1", "yoast/v1"})
    assert fault(sandbox_blog.rest("POST", "/rankmath/v1/updateMeta", json={})) == (404, "rest_no_route")


def test_rank_math_writes_what_the_page_says(sandbox_blog: Blog) -> None:
    sandbox_blog.install_seo("rank-math")
    assert "rankmath/v1" in namespaces(sandbox_blog)
    post = published(sandbox_blog)
    given = {"objectType": "post", "objectID": post["id"], "meta": TEXTS}
    assert sandbox_blog.rest("POST", "/rankmath/v1/updateMeta", "author", json=given).json() == {
        "slug": True,
        "schemas": [],
    }
    shown = sandbox_blog.page(post["link"]).text
    assert "<title>Best roses</title>" in shown
    assert '<meta name="description" content="All about roses">' in shown
    emptied = {**given, "meta": {"rank_math_title": "", "permalink": "Red roses"}}
    assert sandbox_blog.rest("POST", "/rankmath/v1/updateMeta", "author", json=emptied).status_code == 200
    shown = sandbox_blog.page("/red-roses/").text
    assert "<title>Roses - " in shown


def test_rank_math_asks_who_may_edit(sandbox_blog: Blog) -> None:
    sandbox_blog.install_seo("rank-math")
    given = {"objectType": "post", "objectID": published(sandbox_blog)["id"], "meta": TEXTS}
    assert fault(sandbox_blog.rest("POST", "/rankmath/v1/updateMeta", "contributor", json=given)) == (
        403,
        "rest_forbidden",
    )
    missing = sandbox_blog.rest("POST", "/rankmath/v1/updateMeta", json={})
    assert fault(missing) == (400, "rest_missing_callback_param")
    assert missing.json()["data"]["params"] == ["objectType", "objectID", "meta"]


def test_yoast_is_read_only(sandbox_blog: Blog) -> None:
    sandbox_blog.install_seo("yoast")
    assert "yoast/v1" in namespaces(sandbox_blog)
    post = published(sandbox_blog, meta={"_yoast_wpseo_title": "Best roses"})
    assert (post["meta"], post["yoast_head_json"]["title"].partition(" - ")[0]) == ([], "Roses")


def test_yoast_is_writable_where_its_texts_are_registered(sandbox_blog: Blog) -> None:
    sandbox_blog.install_seo("yoast-writable")
    texts = {"_yoast_wpseo_title": "Best roses", "_yoast_wpseo_metadesc": "All about roses"}
    post = published(sandbox_blog, meta={**texts, "other": "x"})
    assert post["meta"] == {**texts, "_yoast_wpseo_focuskw": ""}
    assert post["yoast_head_json"] == {"title": "Best roses", "description": "All about roses"}
    assert "<title>Best roses</title>" in sandbox_blog.page(post["link"]).text


def test_blogs_know_nothing_of_each_other(sandbox_blog: Blog, sandbox_wordpress: str) -> None:
    published(sandbox_blog)
    other = replace(sandbox_blog, url=f"{sandbox_wordpress}/wordpress/another").fresh()
    root = replace(sandbox_blog, url=sandbox_wordpress).fresh()
    sandbox_blog.misbehave("bad-gateway", times=None)
    assert (len(sandbox_blog.posts()), other.posts(), root.posts()) == (1, [], [])
    assert published(root)["link"] == f"{sandbox_wordpress}/roses/"
