"""From an HTTP request to the GraphQL request in it; what is wrong with it is told with the status it deserves."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from igny8.gql.interrupts import TimeLimit
from igny8.gql.operation import Asked
from igny8.gql.requests import REQUEST_ID

JSON: Final = "application/json"
RESPONSE_JSON: Final = "application/graphql-response+json"
HTML: Final = "text/html"
EVENTS: Final = "text/event-stream"

_BODY_SECONDS: Final = 10.0  # a body that takes longer is not being sent
_MOST_PARAMETERS: Final = 20


class Refusal(Exception):
    """The HTTP request itself is at fault; nothing of GraphQL was looked at."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


@dataclass(frozen=True, slots=True)
class Incoming:
    """An HTTP request. Names of headers are in lower case; of one that was sent twice the first counts."""

    id: str
    method: str
    headers: dict[str, str]
    query_string: bytes
    address: str | None
    receive: Receive

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Incoming":
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        address = scope["client"][0] if scope.get("client") else None
        return cls(scope[REQUEST_ID], scope["method"], headers, scope["query_string"], address, receive)


async def posted(request: Incoming, largest: int) -> Asked:
    """The GraphQL request in a body of at most `largest` bytes."""
    if not _is_json(request.headers.get("content-type", "")):
        raise Refusal(415, "Send the request as JSON in UTF-8: Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "Compressed request bodies are not accepted.")
    given = _json(await _body(request, largest), "The request body")
    if not isinstance(given, dict):
        raise Refusal(400, "The request body must be a JSON object; batches are not accepted.")
    return asked(given)


def in_query_string(request: Incoming) -> Asked:
    """The GraphQL request in the address of a GET."""
    try:
        text = request.query_string.decode("ascii")
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
    return asked({**single, "operationName": single.get("operationName") or None})


def answer_type(request: Incoming) -> str:
    """The media type that the client prefers. Without an Accept header: JSON, as before the specification."""
    found = _answer_type(request.headers.get("accept", "*/*"))
    if found is None:
        raise Refusal(406, f"Accept {RESPONSE_JSON}, {JSON}, or {EVENTS}.")
    return found


@lru_cache(maxsize=200)
def _answer_type(accept: str) -> str | None:
    wanted = _accepted(accept)
    best, most = JSON, 0.0
    for offered in (RESPONSE_JSON, JSON):
        quality = wanted.get(offered, wanted.get("application/*", wanted.get("*/*", 0.0)))
        # What only a wildcard asks for is JSON: old clients send `*/*` and know nothing else.
        if quality > most or (quality == most and quality and RESPONSE_JSON not in wanted):
            best, most = offered, quality
    return best if most else None


def asks_for_page(request: Incoming) -> bool:
    """Whether a browser's address bar asks, and not a client for data."""
    wanted = _accepted(request.headers.get("accept", "*/*"))
    return HTML in wanted and not wanted.keys() & {JSON, RESPONSE_JSON} and b"query=" not in request.query_string


def asks_for_events(request: Incoming) -> bool:
    """Whether the client wants its answers as server-sent events."""
    accept = request.headers.get("accept", "*/*")
    return EVENTS in accept and bool(_accepted(accept).get(EVENTS))


async def _body(request: Incoming, largest: int) -> bytes:
    if int(request.headers.get("content-length", 0)) > largest:
        raise _too_large(largest)
    body = b""
    try:
        with TimeLimit(_BODY_SECONDS):
            more = True
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > largest:
                    raise _too_large(largest)
                more = message.get("more_body", False)
    except TimeoutError:
        raise Refusal(408, "The request body did not arrive in time.", {"Connection": "close"}) from None
    return body


def _too_large(largest: int) -> Refusal:
    return Refusal(413, f"The request body is larger than {largest} bytes.")


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        try:
            text.decode()
        except UnicodeDecodeError as undecodable:
            raise Refusal(400, f"{what} is not valid UTF-8 at byte {undecodable.start + 1}.") from None
        raise Refusal(400, f"{what} is not valid JSON at line {fault.lineno}, column {fault.colno}.") from None


def asked(given: dict[str, Any]) -> Asked:
    """The GraphQL request in the parameters that carry one. Raises Refusal."""
    query, operation_name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    for name in ("variables", "extensions"):
        if not isinstance(given.get(name), dict | None):
            raise Refusal(400, f"The parameter '{name}' must be an object.")
    extensions = given.get("extensions")
    digest = _persisted(extensions) if extensions else None
    key = extensions.get("idempotencyKey") if extensions else None
    if not isinstance(key, str | None):
        raise Refusal(400, "The extension 'idempotencyKey' must be a string.")
    if not isinstance(query, str) and (query is not None or digest is None):
        raise Refusal(400, "The parameter 'query' must be given, as a string.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Refusal(400, "The parameter 'operationName' must be a string.")
    return Asked(query, operation_name, variables or {}, digest, key)


def _persisted(extensions: dict[str, Any]) -> str | None:
    """The SHA-256 of a document, by the protocol of automatic persisted queries."""
    given = extensions.get("persistedQuery")
    if given is None:
        return None
    if isinstance(given, dict) and given.get("version") == 1 and isinstance(given.get("sha256Hash"), str):
        return str(given["sha256Hash"]).lower()
    raise Refusal(400, "The extension 'persistedQuery' must say version 1 and the document's sha256Hash.")


def _accepted(accept: str) -> dict[str, float]:
    """The media ranges of an Accept header and their qualities."""
    wanted: dict[str, float] = {}
    for part in accept.split(","):
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


@lru_cache(maxsize=200)
def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.partition(";")
    return media_type.strip().lower() == JSON and _is_utf8(parameters)


def _is_utf8(parameters: str) -> bool:
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True
