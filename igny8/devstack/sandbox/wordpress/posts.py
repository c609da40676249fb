"""Posts and pages: one is read, made, changed, trashed, deleted."""

from typing import Any, Final

from starlette.responses import JSONResponse, Response

from igny8.devstack.sandbox.wordpress import arguments, seo, texts, views
from igny8.devstack.sandbox.wordpress.arguments import Schema
from igny8.devstack.sandbox.wordpress.blog import Post, now
from igny8.devstack.sandbox.wordpress.calls import Call
from igny8.devstack.sandbox.wordpress.faults import Fault, denied
from igny8.devstack.sandbox.wordpress.people import BY_ID
from igny8.devstack.sandbox.wordpress.rights import may_change, may_read

_FORMATS: Final = ("standard", "aside", "chat", "gallery", "link", "image", "quote", "status", "video", "audio")
_TEXT: Final[Schema] = {
    "id": arguments.integer,
    "date": arguments.local,
    "date_gmt": arguments.utc,
    "slug": arguments.string,
    "status": arguments.one_of("publish", "future", "draft", "pending", "private"),
    "password": arguments.string,
    "title": arguments.raw,
    "content": arguments.raw,
    "author": arguments.integer,
    "excerpt": arguments.raw,
    "featured_media": arguments.integer,
}
_SCHEMAS: Final[dict[str, Schema]] = {
    "post": {
        **_TEXT,
        "format": arguments.one_of(*_FORMATS),
        "meta": arguments.mapping,
        "sticky": arguments.boolean,
        "categories": arguments.integers,
        "tags": arguments.integers,
    },
    "page": {**_TEXT, "parent": arguments.integer, "menu_order": arguments.integer, "meta": arguments.mapping},
}
_CONTEXT: Final[Schema] = {"context": arguments.one_of("view", "embed", "edit")}


def read(call: Call, kind: str) -> Response:
    context = arguments.checked(call.given, _CONTEXT).get("context", "view")
    post = found(call, kind)
    if context == "edit" and not may_change(call, post):
        raise denied("rest_forbidden_context", "edit this post")
    if not may_read(call, post):
        raise denied("rest_forbidden", "do that")
    return JSONResponse(views.picked(call, views.post_json(call, post, context)))


def make(call: Call, kind: str) -> Response:
    asked = arguments.checked(call.given, _SCHEMAS[kind])
    if asked.get("id"):
        raise Fault("rest_post_exists", "Cannot create existing post.", 400)
    things = "pages" if kind == "page" else "posts"
    _check_author(call, things, asked, "create")
    if call.user is None or not call.may(f"edit_{things}"):
        raise denied("rest_cannot_create", "create posts as this user")
    post = call.blog.new_post(kind, call.user)
    if not any((asked.get("title"), asked.get("content"), asked.get("excerpt"))):
        _check_status(call, things, asked)
        raise Fault("empty_content", "Content, title, and excerpt are empty.", 400)
    _change(call, post, things, asked)
    if post.dated:
        post.modified = post.date
    call.blog.add(post)
    return views.created(call, views.post_json(call, post, "edit"))


def change(call: Call, kind: str) -> Response:
    asked = arguments.checked(call.given, _SCHEMAS[kind])
    post = found(call, kind)
    things = "pages" if kind == "page" else "posts"
    if not may_change(call, post):
        raise denied("rest_cannot_edit", "edit this post")
    _check_author(call, things, asked, "update")
    _change(call, post, things, asked)
    return JSONResponse(views.picked(call, views.post_json(call, post, "edit")))


def delete(call: Call, kind: str) -> Response:
    """Into the trash; for ever with `force`."""
    force = arguments.checked(call.given, {"force": arguments.boolean}).get("force", False)
    post = found(call, kind)
    if not may_change(call, post, "delete"):
        raise denied("rest_cannot_delete", "delete this post")
    if force:
        previous = views.post_json(call, post, "edit")
        call.blog.forget(post)
        del previous["_links"]
        return JSONResponse({"deleted": True, "previous": previous})
    if kind == "attachment":
        message = "The post does not support trashing. Set 'force=true' to delete."
        raise Fault("rest_trash_not_supported", message, 501)
    if post.status == "trash":
        raise Fault("rest_already_trashed", "The post has already been deleted.", 410)
    post.before_trash = (post.status, post.slug)
    post.status, post.slug, post.modified = "trash", f"{post.slug}__trashed", now()
    return JSONResponse(views.picked(call, views.post_json(call, post, "edit")))


def found(call: Call, kind: str) -> Post:
    """The post of the route, or of the parameter `id`, which is stronger. Raises Fault."""
    number = arguments.checked(call.given, {"id": arguments.integer})["id"]
    post = call.blog.posts.get(number)
    if post is None or post.kind != kind:
        raise Fault("rest_post_invalid_id", "Invalid post ID.", 404)
    return post


def _check_author(call: Call, things: str, asked: dict[str, Any], act: str) -> None:
    author = asked.get("author")
    if author and (call.user is None or author != call.user.id) and not call.may(f"edit_others_{things}"):
        raise denied("rest_cannot_edit_others", f"{act} posts as this user")
    if author and author not in BY_ID and call.user is not None:
        raise Fault("rest_invalid_author", "Invalid author ID.", 400)


def _check_status(call: Call, things: str, asked: dict[str, Any]) -> None:
    status = asked.get("status")
    if status in ("publish", "future") and not call.may(f"publish_{things}"):
        raise denied("rest_cannot_publish", "publish posts in this post type")
    if status == "private" and not call.may(f"publish_{things}"):
        raise denied("rest_cannot_publish", "create private posts in this post type")


def _change(call: Call, post: Post, things: str, asked: dict[str, Any]) -> None:
    _check_status(call, things, asked)
    _restore(post, asked)
    trusted = call.may("unfiltered_html")
    for name in ("title", "content", "excerpt"):
        if name in asked:
            text = asked[name]
            setattr(post, name, text if trusted else texts.filtered(text, inline=name == "title"))
    for name in ("status", "author", "format", "sticky", "parent", "menu_order", "password"):
        if name in asked:
            setattr(post, name, asked[name])
    _date(post, asked)
    post.modified = now()
    if "slug" in asked:
        post.slug = texts.slug(asked["slug"])
        if post.slug and (asked.get("status") in ("draft", "pending") or post.id in call.blog.posts):
            post.slug = call.blog.free_slug(post.slug, post)
    _refer(call, post, asked)
    seo.keep_registered(call.blog, post, asked.get("meta", {}))
    call.blog.settle(post)


def _restore(post: Post, asked: dict[str, Any]) -> None:
    """Out of the trash comes a post with the slug that it had."""
    if post.before_trash is not None and "status" in asked:
        post.slug, post.before_trash = post.before_trash[1], None


def _date(post: Post, asked: dict[str, Any]) -> None:
    for name in ("date_gmt", "date"):
        if asked.get(name) is not None:
            post.date, post.dated = asked[name], True
        elif name in asked:
            post.date, post.dated = now(), False


def _refer(call: Call, post: Post, asked: dict[str, Any]) -> None:
    """Terms and the featured picture; what there is not is left out without a word."""
    terms = call.blog.terms
    for name, taxonomy in (("categories", "category"), ("tags", "post_tag")):
        if name in asked:
            ids = [number for number in asked[name] if number in terms and terms[number].taxonomy == taxonomy]
            setattr(post, name, sorted(set(ids), key=lambda number: terms[number].name.lower()))
    if post.kind == "post" and not post.categories and "categories" not in asked:
        post.categories = [1]
    if "featured_media" in asked:
        picture = call.blog.posts.get(asked["featured_media"])
        if picture is not None and picture.kind == "attachment":
            post.featured_media = picture.id
        elif not asked["featured_media"]:
            post.featured_media = 0
