"""A server in front of a blog that counts what is asked of the blog, and misbehaves as it was told to.

It stands before the sandbox's blogs, and in tests before a real WordPress.
"""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from igny8.devstack.sandbox.wordpress import misbehaviour
from igny8.devstack.sandbox.wordpress.misbehaviour import Rule
from igny8.devstack.sandbox.wordpress.requests import Asked

CONTROL: Final = "/_sandbox"
_KEPT: Final = 20_000


#: WordPress calls itself to do what is due.
_OWN_CALL: Final = "/wp-cron.php"
#: Requests with this header are a test's own looks at the blog: served well, and not counted.
UNCOUNTED: Final = "x-sandbox-uncounted"


class Acts(Protocol):
    """What a blog does on command, beside misbehaving."""

    async def act(self, act: str, given: dict[str, str]) -> Response: ...


@dataclass(slots=True)
class Visit:
    """One request. `status` is what WordPress answered, None when it was not asked; it may not have arrived."""

    number: int
    method: str
    path: str
    route: str | None
    behaviour: str | None
    at: float
    status: int | None = None


@dataclass
class Control:
    """The rules of one blog and the requests that came, the last of them."""

    acts: Acts
    rules: list[Rule] = field(default_factory=list)
    visits: deque[Visit] = field(default_factory=lambda: deque(maxlen=_KEPT))
    begun: int = 0

    def begin(self, asked: Asked) -> Visit:
        rule = next((rule for rule in self.rules if rule.takes(asked)), None)
        self.rules = [rule for rule in self.rules if not rule.over]
        self.begun += 1
        behaviour = rule.behaviour if rule else None
        visit = Visit(self.begun, asked.method, asked.path, asked.route, behaviour, time.time())
        self.visits.append(visit)
        return visit

    async def answer(self, request: Request, path: str) -> Response:
        """`/_sandbox/rules`: POST adds one, DELETE ends all. `/_sandbox/calls`: GET lists, DELETE forgets.

        POST to another word is an act of the blog; `empty` ends rules and forgets calls, too.
        """
        match request.method, path.removeprefix(f"{CONTROL}/"):
            case "POST", "rules":
                try:
                    self.rules.append(Rule(**await request.json()))
                except (TypeError, ValueError) as error:
                    return JSONResponse({"error": str(error)}, 400)
            case "DELETE", "rules":
                self.rules.clear()
            case "GET", "calls":
                return JSONResponse({"calls": [asdict(visit) for visit in self.visits]})
            case "DELETE", "calls":
                self.visits.clear()
            case "POST", act:
                if act == "empty":
                    self.rules.clear()
                    self.visits.clear()
                return await self.acts.act(act, await request.json() if await request.body() else {})
            case _:
                return JSONResponse({"error": f"There is no {request.method} {path}."}, 404)
        return Response(status_code=204)


async def controlled(control: Control, app: ASGIApp, path: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve `path` of a blog by `app`, or as the rules say. `send` must be the server's own."""
    if path.startswith(f"{CONTROL}/"):
        answer = await control.answer(Request(scope, receive), path)
        await answer(scope, receive, send)
    elif UNCOUNTED in Headers(scope=scope) or path == _OWN_CALL:
        await app(scope, receive, send)
    else:
        await _unreliably(control, app, path, scope, receive, send)


async def _unreliably(control: Control, app: ASGIApp, path: str, scope: Scope, receive: Receive, send: Send) -> None:
    visit = control.begin(Asked.of(scope, path))
    behaviour = visit.behaviour
    if await _ended_before(behaviour, scope, receive, send):
        return
    if behaviour == misbehaviour.STRIPPED:
        scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"authorization"]}
    answered = await _answered(app, scope, receive)
    visit.status = answered.status_code
    if behaviour == misbehaviour.DROPPED:
        await _hung_up(receive, send)
    elif behaviour == misbehaviour.STALLED:
        await _until_gone(receive)
    else:
        await misbehaviour.spoiled(behaviour, answered)(scope, receive, send)


async def _ended_before(behaviour: str | None, scope: Scope, receive: Receive, send: Send) -> bool:
    """Whether the request came to its end before WordPress heard of it."""
    if (refusal := misbehaviour.refusal(behaviour)) is not None:
        await _read(receive)  # as proxies do; else the sender might not hear the refusal
        await refusal(scope, receive, send)
        return True
    if behaviour == misbehaviour.LOST:
        await _read(receive)
        await _hung_up(receive, send)
        return True
    if behaviour == misbehaviour.HANG:
        await _until_gone(receive)
        return True
    await misbehaviour.slowed(behaviour)
    return False


async def _answered(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """The whole answer of the application, which is not sent yet."""
    answer = Response()
    pieces: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status_code, answer.raw_headers = message["status"], list(message["headers"])
        else:
            pieces.append(message.get("body", b""))

    await app(scope, receive, keep)
    answer.body = b"".join(pieces)
    return answer


async def _read(receive: Receive) -> None:
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _until_gone(receive: Receive) -> None:
    """Until the one who asks has given up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hung_up(receive: Receive, send: Any) -> None:
    """End the connection without a word. ASGI has no word for it, so uvicorn's own connection is taken."""
    send.__self__.transport.abort()
    await _until_gone(receive)
