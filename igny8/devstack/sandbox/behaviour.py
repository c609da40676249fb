"""How a sandbox misbehaves when a test asks it to, by a header or by the model (`sandbox-text:slow-3`)."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse, Response

HEADER: Final = "x-sandbox-behaviour"
#: Behaviours of what is answered; the others are of whether and how.
OF_CONTENT: Final = frozenset({"truncated", "wrong-schema", "hostile", "huge", "injected", "refused", "short"})
_KNOWN: Final = re.compile(
    r"unauthorized|rate-limited|error-500|slow(-\d+)?|dropped|flaky-\d+|" + "|".join(sorted(OF_CONTENT))
)
_SLOW_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`name` as it was asked for; None is good behaviour."""

    name: str | None

    @classmethod
    def of(cls, model: str, header: str | None) -> "Behaviour":
        """Raises ValueError for a behaviour that nobody knows, so that a mistyped test does not pass."""
        name = header or model.partition(":")[2] or None
        if name is not None and _KNOWN.fullmatch(name) is None:
            raise ValueError(f"The sandbox knows no behaviour '{name}'.")
        return cls(name)

    @property
    def number(self) -> int | None:
        digits = re.search(r"\d+$", self.name or "")
        return int(digits.group()) if digits and not self.is_("error-500") else None

    def is_(self, name: str) -> bool:
        return self.name is not None and (self.name == name or re.fullmatch(rf"{name}-\d+", self.name) is not None)

    def refusal(self, times_asked: int) -> Response | None:
        """The answer that is none, for a question that was asked so many times."""
        if self.is_("unauthorized"):
            return fault(401, "Incorrect API key provided.", "invalid_api_key")
        if self.is_("rate-limited"):
            return fault(429, "Rate limit reached.", "rate_limit_exceeded", {"Retry-After": "1"})
        if self.is_("error-500") or (self.is_("flaky") and times_asked <= (self.number or 0)):
            return fault(500, "The server had an error while processing your request.", "server_error")
        return None

    async def wait(self) -> None:
        if self.is_("slow"):
            await asyncio.sleep(self.number if self.number is not None else _SLOW_SECONDS)


def fault(status: int, message: str, code: str, headers: dict[str, str] | None = None) -> Response:
    """An error as OpenAI words it."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return JSONResponse(body, status, headers)
