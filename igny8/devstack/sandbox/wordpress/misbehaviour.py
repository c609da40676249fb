"""How a blog misbehaves when a test asks it to: answers of proxies and plugins, lost requests, lost replies.

A rule says what happens to the next requests that it fits; `POST /_sandbox/rules` makes one.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from igny8.devstack.sandbox.wordpress.requests import Asked

_NOT_THERE: Final = "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
_FIREWALL: Final = (
    "<!doctype html><html><head><title>Access denied</title></head>"
    "<body><h1>Access denied</h1><p>A security rule of this site has blocked your request.</p></body></html>"
)
_PHP_NOTICE: Final = (
    b"<br />\n<b>Notice</b>:  Undefined variable $colour in <b>/var/www/wp-content/plugins/gallery/gallery.php</b>"
    b" on line <b>42</b><br />\n"
)
#: Those of the connection: before the work was done or after it, without a word or without an end.
LOST, DROPPED, HANG, STALLED = "lost", "dropped", "hang", "stalled"
#: The Authorization header is gone, as behind some Apaches.
STRIPPED = "stripped"
NOTICE = "notice"
#: 504 although the work was done.
GATEWAY_TIMEOUT = "gateway-timeout"
ANSWERS: Final = (
    "unauthorized",
    "firewall",
    "plain-permalinks",
    "too-large",
    "rate-limited",
    "unavailable",
    "bad-gateway",
    "error-500",
)
KNOWN: Final = re.compile(
    "|".join([*ANSWERS, LOST, DROPPED, HANG, STALLED, STRIPPED, NOTICE, GATEWAY_TIMEOUT, r"slow-\d+"])
)


@dataclass(slots=True)
class Rule:
    """`behaviour` for `times` requests (None: all) by `method` to routes or paths that begin like `route`.

    The first `skip` requests that fit are served well.
    """

    behaviour: str
    method: str | None = None
    route: str = ""
    times: int | None = 1
    skip: int = 0

    def __post_init__(self) -> None:
        if KNOWN.fullmatch(self.behaviour) is None:
            raise ValueError(f"The sandbox knows no behaviour '{self.behaviour}'.")

    def takes(self, asked: Asked) -> bool:
        """Whether this request is misbehaved at; counts it."""
        if not self._fits(asked):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    @property
    def over(self) -> bool:
        return self.times is not None and self.times <= 0

    def _fits(self, asked: Asked) -> bool:
        if self.behaviour == "plain-permalinks" and (asked.route is None or not asked.pretty):
            return False
        return (self.method or asked.method) == asked.method and (asked.route or asked.path).startswith(self.route)


def refusal(behaviour: str | None) -> Response | None:
    """The answer that is given in place of WordPress's own, if this behaviour is one."""
    match behaviour:
        case "unauthorized":
            message = "The provided password is an invalid application password."
            return JSONResponse({"code": "incorrect_password", "message": message, "data": {"status": 401}}, 401)
        case "firewall":
            return HTMLResponse(_FIREWALL, 403)
        case "plain-permalinks":
            return HTMLResponse(_NOT_THERE, 404)
        case "too-large":
            return HTMLResponse("<html><body><h1>413 Request Entity Too Large</h1></body></html>", 413)
        case "rate-limited":
            return PlainTextResponse("Too many requests.", 429, {"Retry-After": "1"})
        case "unavailable":
            return HTMLResponse("<h1>Briefly unavailable for maintenance</h1>", 503, {"Retry-After": "1"})
        case "bad-gateway":
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)
        case "error-500":
            message = "<p>There has been a critical error on this website.</p>"
            return JSONResponse({"code": "internal_server_error", "message": message, "data": {"status": 500}}, 500)
    return None


def spoiled(behaviour: str | None, answer: Response) -> Response:
    """What arrives in place of WordPress's answer: that of a proxy, or one that a broken plugin has written into."""
    if behaviour == GATEWAY_TIMEOUT:
        return HTMLResponse("<html><body><h1>504 Gateway Time-out</h1></body></html>", 504)
    if behaviour == NOTICE:
        answer.body = _PHP_NOTICE + bytes(answer.body)
        answer.headers["content-length"] = str(len(answer.body))
    return answer


async def slowed(behaviour: str | None) -> None:
    if behaviour is not None and behaviour.startswith("slow-"):
        await asyncio.sleep(int(behaviour.removeprefix("slow-")))
