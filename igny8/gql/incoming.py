"""From an HTTP request to the GraphQL request in it; what is wrong with it is told with the status it deserves."""

import asyncio
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request

from igny8.gql.operation import Asked

JSON: Final = "application/json"
RESPONSE_JSON: Final = "application/graphql-response+json"
HTML: Final = "text/html"

_BODY_SECONDS: Final = 10.0  # a body that takes longer is not being sent
_MOST_PARAMETERS: Final = 20


class Refusal(Exception):
    """The HTTP request itself is at fault; nothing of GraphQL was looked at."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


async def posted(request: Request, largest: int) -> Asked:
    """The GraphQL request in a body of at most `largest` bytes."""
    content_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if content_type.strip().lower() != JSON or not _is_utf8(parameters):
        raise Refusal(415, "Send the request as JSON in UTF-8: Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "Compressed request bodies are not accepted.")
    given = _json(await _body(request, largest), "The request body")
    if not isinstance(given, dict):
        raise Refusal(400, "The request body must be a JSON object; batches are not accepted.")
    return _asked(given)


def in_query_string(request: Request) -> Asked:
    """The GraphQL request in the address of a GET."""
    try:
        text = request.scope["query_string"].decode("ascii")
        given = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except UnicodeDecodeError:
        raise Refusal(400, "The parameters in the address are not valid UTF-8.") from None
    except ValueError:
        raise Refusal(400, f"At most {_MOST_PARAMETERS} parameters may be given.") from None
    for name, values in given.items():
        if len(values) > 1 and name in ("query", "operationName", "variables", "extensions"):
            raise Refusal(400, f"The parameter '{name}' was given more than once.")
    single: dict[str, Any] = {name: values[0] for name, values in given.items()}
    for name in ("variables", "extensions"):
        single[name] = _json(single[name].encode(), f"The parameter '{name}'") if single.get(name) else None
    return _asked({**single, "operationName": single.get("operationName") or None})


def answer_type(request: Request) -> str:
    """The media type that the client prefers. Without an Accept header: JSON, as before the specification."""
    wanted = _accepted(request)
    best, most = JSON, 0.0
    for offered in (RESPONSE_JSON, JSON):
        quality = wanted.get(offered, wanted.get("application/*", wanted.get("*/*", 0.0)))
        # What only a wildcard asks for is JSON: old clients send `*/*` and know nothing else.
        if quality > most or (quality == most and quality and RESPONSE_JSON not in wanted):
            best, most = offered, quality
    if not most:
        raise Refusal(406, f"Accept {RESPONSE_JSON} or {JSON}.")
    return best


def asks_for_page(request: Request) -> bool:
    """Whether a browser's address bar asks, and not a client for data."""
    wanted = _accepted(request)
    return HTML in wanted and not wanted.keys() & {JSON, RESPONSE_JSON} and "query" not in request.query_params


async def _body(request: Request, largest: int) -> bytes:
    too_large = Refusal(413, f"The request body is larger than {largest} bytes.")
    if int(request.headers.get("content-length", 0)) > largest:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest:
                    raise too_large
    except TimeoutError:
        raise Refusal(408, "The request body did not arrive in time.", {"Connection": "close"}) from None
    return bytes(body)


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        try:
            text.decode()
        except UnicodeDecodeError as undecodable:
            raise Refusal(400, f"{what} is not valid UTF-8 at byte {undecodable.start + 1}.") from None
        raise Refusal(400, f"{what} is not valid JSON at line {fault.lineno}, column {fault.colno}.") from None


def _asked(given: dict[str, Any]) -> Asked:
    query, operation_name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    if not isinstance(query, str):
        raise Refusal(400, "The parameter 'query' must be given, as a string.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Refusal(400, "The parameter 'operationName' must be a string.")
    for name in ("variables", "extensions"):
        if not isinstance(given.get(name), dict | None):
            raise Refusal(400, f"The parameter '{name}' must be an object.")
    return Asked(query, operation_name, variables or {})


def _accepted(request: Request) -> dict[str, float]:
    """The media ranges of the Accept header and their qualities."""
    wanted: dict[str, float] = {}
    for part in request.headers.get("accept", "*/*").split(","):
        media_range, _, parameters = part.partition(";")
        wanted[media_range.strip().lower() or "*/*"] = _quality(parameters)
    return wanted


def _quality(parameters: str) -> float:
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def _is_utf8(parameters: str) -> bool:
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True
