"""Providers of models as real HTTP servers, with the answers that a test asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.live import serving

KEY: Final = "sk-live-canary-0123456789-wxyz"


@dataclass
class Provider:
    """OpenAI's list of models and Runware's authentication; `answer` replaces what they say."""

    url: str = ""
    answer: Response | None = None
    keys: set[str] = field(default_factory=lambda: {KEY})
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def respond(self, request: Request) -> Response:
        self.asked.append((request.method, request.url.path, dict(request.headers)))
        if self.answer is not None:
            return self.answer
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.keys:
            return JSONResponse({"error": {"message": "Incorrect API key provided."}}, 401)
        if request.method == "POST":
            return JSONResponse({"data": [{"taskType": "authentication"}]})
        return JSONResponse({"object": "list", "data": [{"id": "gpt-text"}, {"id": "gpt-image"}]})


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    provider = Provider()
    paths = [Route(path, provider.respond, methods=["GET", "POST"]) for path in ("/v1/models", "/v1")]
    with serving(Starlette(routes=paths)) as url:
        provider.url = f"{url}/v1"
        yield provider
