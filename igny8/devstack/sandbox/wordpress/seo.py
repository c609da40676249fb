"""Plugins for SEO: Rank Math has a route; Yoast's texts can be read, and written where they are registered."""

from typing import Any, Final

from starlette.responses import JSONResponse, Response

from igny8.devstack.sandbox.wordpress import arguments, texts
from igny8.devstack.sandbox.wordpress.blog import YOAST_META, Blog, Post
from igny8.devstack.sandbox.wordpress.calls import Call
from igny8.devstack.sandbox.wordpress.faults import denied
from igny8.devstack.sandbox.wordpress.rights import may_change

NAMESPACES: Final = {"none": [], "rank-math": ["rankmath/v1"], "yoast": ["yoast/v1"], "yoast-writable": ["yoast/v1"]}


def keep_registered(blog: Blog, post: Post, meta: dict[str, Any]) -> None:
    """What is not registered is ignored without a word."""
    if blog.seo == "yoast-writable":
        post.seo |= {name: texts.plain(str(meta[name])) for name in YOAST_META if name in meta}


def update_rank_math(call: Call) -> Response:
    """`rankmath/v1/updateMeta`: an empty value deletes, the key `permalink` changes the slug."""
    schema = {"objectType": arguments.string, "objectID": arguments.integer, "meta": arguments.mapping}
    asked = arguments.checked(call.given, schema, ["objectType", "objectID", "meta"])
    post = call.blog.posts.get(asked["objectID"])
    if post is None or not may_change(call, post):
        raise denied("rest_forbidden", "do that")
    for name, value in asked["meta"].items():
        if name == "permalink":
            post.slug = call.blog.free_slug(texts.slug(str(value)), post)
        elif name.startswith("rank_math_"):
            post.seo[name] = texts.plain(str(value))
    post.seo = {name: value for name, value in post.seo.items() if value}
    return JSONResponse({"slug": True, "schemas": []})


def title_and_description(blog: Blog, post: Post) -> tuple[str, str]:
    """What the page's head says; empty where the plugin has no text."""
    if blog.seo == "rank-math":
        return post.seo.get("rank_math_title", ""), post.seo.get("rank_math_description", "")
    if blog.seo.startswith("yoast"):
        return post.seo.get("_yoast_wpseo_title", ""), post.seo.get("_yoast_wpseo_metadesc", "")
    return "", ""
