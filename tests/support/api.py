"""The front door: GraphQL text in, data out, over the real application."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support import coordinates
from tests.support.world import Person


@dataclass
class Api:
    """A client of the application; each call is one HTTP request."""

    http: httpx.AsyncClient

    async def __call__(
        self,
        query: str,
        *,
        as_: Person | None = None,
        headers: dict[str, str] | None = None,
        **variables: Any,
    ) -> dict[str, Any]:
        """The whole answer: data, errors and extensions."""
        response = await self.post({"query": query, "variables": variables}, as_=as_, headers=headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def data(self, query: str, *, as_: Person | None = None, **variables: Any) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = await self(query, as_=as_, **variables)
        assert "errors" not in answer, answer["errors"]
        found: dict[str, Any] = answer["data"]
        return found

    async def code(self, query: str, *, as_: Person | None = None, **variables: Any) -> str:
        """The code of the one error that an answer must have."""
        answer = await self(query, as_=as_, **variables)
        assert len(answer["errors"]) == 1, answer
        code: str = answer["errors"][0]["extensions"]["code"]
        return code

    async def post(
        self, body: Any, *, as_: Person | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        sent = dict(headers or {})
        if as_ is not None:
            sent["Authorization"] = f"Bearer {as_.token}"
        response = await self.http.post("/graphql", json=body, headers=sent)
        if response.headers["content-type"].startswith(("application/json", "application/graphql-response+json")):
            coordinates.note(body, response.json())
        return response
