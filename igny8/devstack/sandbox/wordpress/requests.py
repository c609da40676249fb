"""Which REST route a request is for: WordPress is asked by path (`/wp-json/...`) or by `?rest_route=`."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import Scope

API = "/wp-json"


@dataclass(frozen=True, slots=True)
class Asked:
    """`route` like `/wp/v2/posts`, or None when a page or a file is asked for; `pretty` when it came by path."""

    method: str
    path: str
    route: str | None
    pretty: bool

    @classmethod
    def of(cls, scope: Scope, path: str) -> "Asked":
        """`path` is the one inside the blog."""
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if "rest_route" in query:
            return cls(scope["method"], path, _tidy(query["rest_route"]), pretty=False)
        if path == API or path.startswith(f"{API}/"):
            return cls(scope["method"], path, _tidy(path.removeprefix(API)), pretty=True)
        return cls(scope["method"], path, None, pretty=True)


def _tidy(route: str) -> str:
    return "/" + route.strip("/")
