"""Lists of posts, pages and files: filters, order and pages of the list."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from igny8.devstack.sandbox.wordpress import arguments, views
from igny8.devstack.sandbox.wordpress.arguments import Check, Schema
from igny8.devstack.sandbox.wordpress.blog import Post
from igny8.devstack.sandbox.wordpress.calls import Call
from igny8.devstack.sandbox.wordpress.faults import Fault, denied
from igny8.devstack.sandbox.wordpress.rights import may_read

_STATUSES: Final = [
    "publish",
    "future",
    "draft",
    "pending",
    "private",
    "trash",
    "auto-draft",
    "inherit",
    "request-pending",
    "request-confirmed",
    "request-failed",
    "request-completed",
    "any",
]
_ANY: Final = ("publish", "future", "draft", "pending", "private", "inherit")
_ORDERS: Final = (
    "author",
    "date",
    "id",
    "include",
    "modified",
    "parent",
    "relevance",
    "slug",
    "include_slugs",
    "title",
)
_COMMON: Final[Schema] = {
    "context": arguments.one_of("view", "embed", "edit"),
    "page": arguments.at_least_one,
    "per_page": arguments.page_size,
    "search": arguments.string,
    "after": arguments.utc,
    "modified_after": arguments.utc,
    "author": arguments.integers,
    "before": arguments.utc,
    "modified_before": arguments.utc,
    "exclude": arguments.integers,
    "include": arguments.integers,
    "offset": arguments.integer,
    "order": arguments.one_of("asc", "desc"),
}
_LATER: Final[Schema] = {
    "slug": arguments.strings,
    "status": arguments.some_of(*_STATUSES),
    "categories": arguments.integers,
    "tags": arguments.integers,
    "parent": arguments.integers,
}


def listed(call: Call, kind: str) -> Response:
    asked = arguments.checked(call.given, {**_COMMON, "orderby": _orders(kind), **_LATER})
    context = asked.get("context", "view")
    things = "pages" if kind == "page" else "posts"
    if context == "edit" and not call.may(f"edit_{things}"):
        raise denied("rest_forbidden_context", "edit posts in this post type")
    statuses = _statuses(call, kind, asked.get("status"))
    found = [post for post in call.blog.of_kind(kind) if post.status in statuses and _fits(post, asked)]
    _order(found, asked)
    page, per_page = asked.get("page", 1), asked.get("per_page", 10)
    if page > 1 and (page - 1) * per_page >= len(found):
        message = "The page number requested is larger than the number of pages available."
        raise Fault("rest_post_invalid_page_number", message, 400)
    first = asked.get("offset", (page - 1) * per_page)
    shown = (views.post_json(call, post, context) for post in found[first : first + per_page] if may_read(call, post))
    return views.listing(call, shown, total=len(found), page=page, per_page=per_page)


def _orders(kind: str) -> Check:
    return arguments.one_of(*_ORDERS, *(["menu_order"] if kind == "page" else []))


def _statuses(call: Call, kind: str, asked: list[str] | None) -> set[str]:
    if kind == "attachment":
        return {"inherit"}
    statuses = asked or ["publish"]
    if statuses != ["publish"] and not call.may("edit_pages" if kind == "page" else "edit_posts"):
        detail = {"code": "rest_forbidden_status", "message": "Status is forbidden."}
        data = {"status": 403 if call.user else 401}
        details = {"status": {**detail, "data": data}}
        told = {"params": {"status": detail["message"]}, "details": details}
        raise Fault("rest_invalid_param", "Invalid parameter(s): status", 400, told)
    return set(_ANY if "any" in statuses else statuses)


def _fits(post: Post, asked: dict[str, Any]) -> bool:
    return all(check(post, asked[name]) for name, check in _FILTERS.items() if asked.get(name) not in (None, []))


def _holds(post: Post, words: str) -> bool:
    text = f"{post.title} {post.excerpt} {post.content}".lower()
    return all(word in text for word in words.lower().split())


_FILTERS: Final[dict[str, Callable[[Post, Any], bool]]] = {
    "search": _holds,
    "after": lambda post, at: post.date > at,
    "before": lambda post, at: post.date < at,
    "modified_after": lambda post, at: post.modified > at,
    "modified_before": lambda post, at: post.modified < at,
    "author": lambda post, ids: post.author in ids,
    "exclude": lambda post, ids: post.id not in ids,
    "include": lambda post, ids: post.id in ids,
    "slug": lambda post, slugs: post.slug in slugs,
    "categories": lambda post, ids: not set(ids).isdisjoint(post.categories),
    "tags": lambda post, ids: not set(ids).isdisjoint(post.tags),
    "parent": lambda post, ids: post.parent in ids,
}


def _order(posts: list[Post], asked: dict[str, Any]) -> None:
    by = asked.get("orderby", "date")
    posts.sort(key=lambda post: post.id)
    if by == "include":
        places = {number: place for place, number in enumerate(asked.get("include", []))}
        posts.sort(key=lambda post: places.get(post.id, 0))
        return
    keys: dict[str, Callable[[Post], int | str | datetime]] = {
        "id": lambda post: post.id,
        "title": lambda post: post.title.lower(),
        "slug": lambda post: post.slug,
        "modified": lambda post: post.modified,
        "author": lambda post: post.author,
        "parent": lambda post: post.parent,
        "menu_order": lambda post: post.menu_order,
    }
    posts.sort(key=keys.get(by, lambda post: post.date), reverse=asked.get("order", "desc") == "desc")
