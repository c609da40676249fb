"""The smallest GraphQL client that can be: one request, its data, or a sentence about what went wrong."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
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
        data = _data_of(answer)
        for payload in data.values():
            if isinstance(payload, dict) and payload.get("errors"):
                raise Unexpected("; ".join(error["message"] for error in payload["errors"]))
        return data

    def follow(self, subscription: str, **variables: object) -> Iterator[dict[str, Any]]:
        """The data of each event of a subscription, by server-sent events, until it ends. Raises Unexpected."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        body = json.dumps({"query": subscription, "variables": variables}).encode()
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self.address}/graphql", body, {**headers, "Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as lines:  # noqa: S310  # our own address
            for line in lines:
                if line.startswith(b"event: complete"):
                    return
                if line.startswith(b"data: "):
                    yield _data_of(json.loads(line.removeprefix(b"data: ")))


def _data_of(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("errors"):
        raise Unexpected("; ".join(error["message"] for error in answer["errors"]))
    data: dict[str, Any] = answer["data"]
    return data
