"""The server: any number of blogs, each at `/wordpress/<name>` and made when first asked for, and one at `/`."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from igny8.devstack.sandbox.wordpress import api, pages
from igny8.devstack.sandbox.wordpress.blog import SEO, Blog
from igny8.devstack.sandbox.wordpress.calls import Call
from igny8.devstack.sandbox.wordpress.people import signed_in
from igny8.devstack.sandbox.wordpress.requests import Asked
from igny8.devstack.sandbox.wordpress.unreliable import Control, controlled

_MOUNT: Final = "/wordpress/"
#: What the API says of itself in every answer.
_API_HEADERS: Final = {"X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff", "Vary": "Origin"}


def wordpress_app() -> Starlette:
    """A server whose blogs live as long as it does."""
    return Starlette(routes=[Mount("/", Blogs())])


class Blogs:
    """ASGI."""

    def __init__(self) -> None:
        self._served: dict[str, Served] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key, path = _split(scope["path"])
        served = self._served.get(key) or self._served.setdefault(key, Served.new(key))
        scope = {**scope, "blog_path": path}
        await controlled(served.control, served, path, scope, receive, send)


@dataclass(frozen=True)
class Served:
    """A blog, and what is to go wrong with it. ASGI."""

    blog: Blog
    control: Control

    @classmethod
    def new(cls, key: str) -> "Served":
        blog = Blog(key)
        return cls(blog, Control(_Settings(blog)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        answer = self._answer(scope, body)
        self.blog.publish_due()  # as WordPress's cron: it runs beside the request, not before it
        await answer(scope, receive, send)

    def _answer(self, scope: Scope, body: bytes) -> Response:
        headers = Headers(scope=scope)
        path, query = scope["blog_path"], scope["query_string"]
        base = f"{scope['scheme']}://{headers['host']}{scope['path'].removesuffix(path)}"
        asked = Asked.of(scope, path)
        if asked.route is None:
            return pages.page(self.blog, base, path, dict(parse_qsl(query.decode())))
        user = signed_in(headers.get("authorization"))
        call = Call(self.blog, base, asked.method, asked.route, user, headers, body, {})
        answer = api.answered(call, query)
        answer.headers.update(_API_HEADERS | {"Link": f'<{base}/wp-json/>; rel="https://api.w.org/"'})
        return answer


@dataclass(frozen=True)
class _Settings:
    """What the control address does with the blog itself."""

    blog: Blog

    async def act(self, act: str, given: dict[str, str]) -> Response:
        match act:
            case "empty":
                self.blog.empty()
            case "due":
                self.blog.make_due(int(given["id"]))
            case "seo" if given["plugin"] in SEO:
                self.blog.seo = given["plugin"]
            case _:
                return JSONResponse({"error": f"A blog of the sandbox cannot do this: {act} {given}."}, 404)
        return Response(status_code=204)


def _split(path: str) -> tuple[str, str]:
    """The blog's name, and the path inside the blog."""
    if not path.startswith(_MOUNT):
        return "", path
    key, slash, rest = path.removeprefix(_MOUNT).partition("/")
    return key, slash + rest
