"""The REST API: which route a request is for, and what answers there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from starlette.responses import JSONResponse, Response

from igny8.devstack.sandbox.wordpress import calls, listing, media, posts, seo, terms, views
from igny8.devstack.sandbox.wordpress.arguments import checked, one_of
from igny8.devstack.sandbox.wordpress.blog import TIMEZONE, now
from igny8.devstack.sandbox.wordpress.calls import Call
from igny8.devstack.sandbox.wordpress.faults import Fault, no_route
from igny8.devstack.sandbox.wordpress.people import User

Answer = Callable[[Call], Response]
_CHANGES: Final = ("POST", "PUT", "PATCH")


def answered(call: Call, query: bytes) -> Response:
    """The answer to a call whose parameters are not read yet."""
    try:
        answer, in_route = _found(call)
        return answer(replace(call, given=calls.given(query, call.headers, call.body, in_route)))
    except Fault as fault:
        return fault.response(signed_in=call.user is not None)


def _found(call: Call) -> tuple[Answer, Mapping[str, str]]:
    method = "GET" if call.method == "HEAD" else call.method
    for pattern, answers in _ROUTES:
        match = pattern.fullmatch(call.route)
        if match and method in answers:
            return answers[method], match.groupdict()
    if call.route == "/rankmath/v1/updateMeta" and call.blog.seo == "rank-math" and method == "POST":
        return seo.update_rank_math, {}
    raise no_route()


def _index(call: Call) -> Response:
    authorization = f"{call.base}/wp-admin/authorize-application.php"
    offset = now().astimezone(TIMEZONE).utcoffset()
    assert offset is not None, "the blog has a time zone"
    hours = offset.total_seconds() / 3600
    shown = {
        "name": call.blog.name,
        "description": "",
        "url": call.base,
        "home": call.base,
        "gmt_offset": int(hours) if hours.is_integer() else hours,
        "timezone_string": str(TIMEZONE),
        "namespaces": ["oembed/1.0", "wp/v2", *seo.NAMESPACES[call.blog.seo]],
        "authentication": {"application-passwords": {"endpoints": {"authorization": authorization}}},
        "routes": {route: _route(route, methods) for route, methods in _TOLD.items()},
    }
    return JSONResponse(views.picked(call, shown))


def _route(route: str, methods: list[str]) -> dict[str, object]:
    namespace = "/".join(route.split("/")[1:3]) if route != "/" else ""
    return {"namespace": namespace, "methods": methods, "endpoints": [{"methods": methods, "args": {}}]}


def _me(call: Call) -> Response:
    context = checked(call.given, {"context": one_of("view", "embed", "edit")}).get("context", "view")
    if call.user is None:
        raise Fault("rest_not_logged_in", "You are not currently logged in.", 401)
    return JSONResponse(views.picked(call, _user(call, call.user, context)))


def _user(call: Call, user: User, context: str) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": user.id,
        "name": user.name,
        "url": "",
        "description": "",
        "link": f"{call.base}/author/{user.login}/",
        "slug": user.login,
        "avatar_urls": {},
        "meta": [],
    }
    if context == "edit":
        shown |= {
            "username": user.login,
            "first_name": "",
            "last_name": "",
            "nickname": user.login,
            "email": f"{user.login}@example.com",
            "locale": "en_US",
            "roles": [user.role],
            "capabilities": user.capabilities,
            "extra_capabilities": {user.role: True},
        }
    return shown


def _posts(base: str, kind: str) -> dict[str, dict[str, Answer]]:
    make = media.upload if kind == "attachment" else partial(posts.make, kind=kind)
    change = media.change if kind == "attachment" else partial(posts.change, kind=kind)
    return {
        f"/wp/v2/{base}": {"GET": partial(listing.listed, kind=kind), "POST": make},
        rf"/wp/v2/{base}/(?P<id>\d+)": {
            "GET": partial(posts.read, kind=kind),
            **dict.fromkeys(_CHANGES, change),
            "DELETE": partial(posts.delete, kind=kind),
        },
    }


def _terms(base: str, taxonomy: str) -> dict[str, dict[str, Answer]]:
    return {
        f"/wp/v2/{base}": {
            "GET": partial(terms.listed, taxonomy=taxonomy),
            "POST": partial(terms.make, taxonomy=taxonomy),
        },
        rf"/wp/v2/{base}/(?P<id>\d+)": {
            "GET": partial(terms.read, taxonomy=taxonomy),
            **dict.fromkeys(_CHANGES, partial(terms.change, taxonomy=taxonomy)),
            "DELETE": partial(terms.delete, taxonomy=taxonomy),
        },
    }


_TABLE: Final[dict[str, dict[str, Answer]]] = {
    "/": {"GET": _index},
    "/wp/v2/users/me": {"GET": _me},
    **_posts("posts", "post"),
    **_posts("pages", "page"),
    **_posts("media", "attachment"),
    **_terms("categories", "category"),
    **_terms("tags", "post_tag"),
}
_ROUTES: Final = [(re.compile(route), answers) for route, answers in _TABLE.items()]
_TOLD: Final = {route.replace(r"\d", r"[\d]"): list(answers) for route, answers in _TABLE.items()}
