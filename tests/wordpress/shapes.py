"""Short forms for what many tests of the protocol say."""

from typing import Any

import httpx


def fault(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, after a look at its shape."""
    body = answer.json()
    assert body["data"]["status"] == answer.status_code
    assert body["message"]
    return answer.status_code, body["code"]


def fields(shown: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(shown[name] for name in names)
