"""One REST request as the routes see it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from igny8.devstack.sandbox.wordpress.blog import Blog
from igny8.devstack.sandbox.wordpress.faults import Fault
from igny8.devstack.sandbox.wordpress.people import User


@dataclass(frozen=True, slots=True)
class Call:
    """`base` is the blog's address as asked for. `given` are parameters of body, query and route, unchecked."""

    blog: Blog
    base: str
    method: str
    route: str
    user: User | None
    headers: Mapping[str, str]
    body: bytes
    given: Mapping[str, Any]

    def may(self, capability: str) -> bool:
        return self.user is not None and self.user.may(capability)


def given(query: bytes, headers: Mapping[str, str], body: bytes, in_route: Mapping[str, str]) -> dict[str, Any]:
    """The parameters: those of the body are stronger than those of the query, and these than the route's own."""
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    of_body: dict[str, Any] = {}
    if content_type == "application/json" and body:
        try:
            read = json.loads(body)
        except ValueError:
            data = {"json_error_code": 4, "json_error_message": "Syntax error"}
            raise Fault("rest_invalid_json", "Invalid JSON body passed.", 400, data) from None
        of_body = read if isinstance(read, dict) else {}
    elif content_type == "application/x-www-form-urlencoded":
        of_body = _pairs(body)
    return {**in_route, **_pairs(query), **of_body}


def _pairs(encoded: bytes) -> dict[str, Any]:
    """`a=1`, and PHP's lists `a[]=1&a[]=2` or `a[0]=1`."""
    found: dict[str, Any] = {}
    for key, value in parse_qsl(encoded.decode(), keep_blank_values=True):
        name, bracket, _ = key.partition("[")
        if bracket:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found
