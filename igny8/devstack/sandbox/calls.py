"""What was asked of a sandbox and how it ended: tests count by it what would have been paid for."""

import json
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_KEPT: Final = 20_000

State = Literal["started", "finished", "refused", "aborted"]


@dataclass(slots=True)
class Call:
    """One call. `refused` ones cost nothing; `aborted` ones were paid for and their answer was lost."""

    number: int
    path: str
    model: str
    behaviour: str | None
    key_last4: str
    prompt_hash: str
    at: float
    state: State = "started"
    tokens_input: int = 0
    tokens_output: int = 0
    seconds: float = 0.0


class CallLog:
    """The last calls, in memory, and all of them in a file if there is one."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._begun = 0
        #: How often each question was asked, for behaviour that ends after some calls.
        self.asked: dict[str, int] = {}

    def begin(self, path: str, *, model: str, behaviour: str | None, key: str, prompt_hash: str) -> Call:
        self._begun += 1
        self.asked[prompt_hash] = self.asked.get(prompt_hash, 0) + 1
        call = Call(self._begun, path, model, behaviour, key[-4:], prompt_hash, time.time())
        self._calls.append(call)
        return call

    def end(self, call: Call, state: State) -> None:
        call.state, call.seconds = state, round(time.time() - call.at, 4)
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(json.dumps(asdict(call)) + "\n")

    def clear(self) -> None:
        self._calls.clear()
        self.asked.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(call) for call in self._calls]

    @property
    def routes(self) -> list[Route]:
        """`GET /sandbox/calls` lists the calls, `DELETE` forgets them."""

        async def calls(request: Request) -> Response:
            if request.method == "DELETE":
                self.clear()
                return Response(status_code=204)
            return JSONResponse({"calls": self.listed()})

        return [Route("/sandbox/calls", calls, methods=["GET", "DELETE"])]
