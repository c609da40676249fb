"""The smallest GraphQL client that can be: one request, its data, or a sentence about what went wrong."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import Any


class Unexpected(Exception):
    """An answer with errors."""


@dataclass(frozen=True, slots=True)
class Client:
    """Sends operations to one address, for whoever the token belongs to."""

    address: str
    token: str | None = None

    def signed_in(self, token: str) -> "Client":
        return replace(self, token=token)

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The data of a query or mutation. Raises Unexpected for errors of the request or of a payload."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, headers)  # noqa: S310  # our own address
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310  # our own address
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
        if answer.get("errors"):
            raise Unexpected("; ".join(error["message"] for error in answer["errors"]))
        data: dict[str, Any] = answer["data"]
        for payload in data.values():
            if isinstance(payload, dict) and payload.get("errors"):
                raise Unexpected("; ".join(error["message"] for error in payload["errors"]))
        return data
