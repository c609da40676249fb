"""What a request may look like; whatever else comes is refused with one clear error."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Api

pytestmark = pytest.mark.anyio

PLANS = "{ plans { slug } }"
JSON_BODY = b'{"query": "{ plans { slug } }"}'
WANTS_JSON = "Send the request as JSON in UTF-8: Content-Type: application/json."


def refusal(response: Any) -> str:
    """The message of the one error of a refused request."""
    body = response.json()
    assert list(body) == ["errors", "extensions"]
    assert body["extensions"] == {"requestId": response.headers["x-request-id"]}
    (error,) = body["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    message: str = error["message"]
    return message


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
    ],
)
async def test_only_json_in_utf_8_is_a_body(api: Api, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await api.http.post("/graphql", content=JSON_BODY, headers=headers)
    assert (response.status_code, refusal(response)) == (415, WANTS_JSON)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON ; charset=UTF-8"])
async def test_json_in_utf_8_is_taken(api: Api, content_type: str) -> None:
    response = await api.http.post("/graphql", content=JSON_BODY, headers={"Content-Type": content_type})
    assert response.status_code == 200
    assert "errors" not in response.json()


async def test_a_compressed_body_is_refused(api: Api) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await api.http.post("/graphql", content=b"\x1f\x8b bomb", headers=headers)
    assert (response.status_code, refusal(response)) == (415, "Compressed request bodies are not accepted.")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The request body is not valid JSON at line 1, column 1."),
        (b'{"query": ', "The request body is not valid JSON at line 1, column 11."),
        (b'{"query":\n "{ plans { slug } }",}', "The request body is not valid JSON at line 2, column 22."),
        (b'{"query": "\xff\xfe"}', "The request body is not valid UTF-8 at byte 12."),
        (b'{"query": "{a}", "variables": {"n": 1e999}}', "The request body is not valid JSON at line 1, column 37."),
        (b"[" * 100_000, "The request body is not valid JSON at line 1, column 1026."),
        (b"[]", "The request body must be a JSON object; batches are not accepted."),
        (b'[{"query": "{ plans { slug } }"}]', "The request body must be a JSON object; batches are not accepted."),
        (b'"{ plans { slug } }"', "The request body must be a JSON object; batches are not accepted."),
        (b"{}", "The parameter 'query' must be given, as a string."),
        (b'{"query": null}', "The parameter 'query' must be given, as a string."),
        (b'{"query": 7}', "The parameter 'query' must be given, as a string."),
        (b'{"query": "{a}", "operationName": 7}', "The parameter 'operationName' must be a string."),
        (b'{"query": "{a}", "variables": []}', "The parameter 'variables' must be an object."),
        (b'{"query": "{a}", "variables": "{}"}', "The parameter 'variables' must be an object."),
        (b'{"query": "{a}", "extensions": 7}', "The parameter 'extensions' must be an object."),
    ],
)
async def test_a_malformed_body_is_told_by_its_place(api: Api, body: bytes, message: str) -> None:
    response = await api.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, refusal(response)) == (400, message)


async def test_variables_as_deep_as_json_allows_change_nothing(api: Api) -> None:
    deep = b"[" * 400 + b"]" * 400
    body = b'{"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": ' + deep + b"}}"
    response = await api.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert error["message"] == "Variable '$id' has invalid value: ID cannot represent value: [[[...]]]"


async def test_a_body_over_a_megabyte_is_refused(api: Api) -> None:
    body = b'{"query": "' + b" " * 1_000_000 + b'"}'
    response = await api.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, refusal(response)) == (413, "The request body is larger than 1000000 bytes.")


async def test_a_chunked_body_over_a_megabyte_is_refused(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    response = await api.http.post("/graphql", content=chunks(), headers={"Content-Type": "application/json"})
    assert "content-length" not in response.request.headers
    assert (response.status_code, refusal(response)) == (413, "The request body is larger than 1000000 bytes.")


async def test_get_serves_queries(api: Api) -> None:
    response = await api.http.get("/graphql", params={"query": PLANS, "operationName": "", "variables": ""})
    assert response.status_code == 200
    assert {"slug": "scale"} in response.json()["data"]["plans"]


async def test_get_serves_no_mutation(api: Api) -> None:
    response = await api.http.get("/graphql", params={"query": "mutation { signOut { success } }"})
    assert (response.status_code, refusal(response)) == (405, "Mutations must be sent by POST.")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/graphql", "The parameter 'query' must be given, as a string."),
        ("/graphql?query={a}&variables={", "The parameter 'variables' is not valid JSON at line 1, column 2."),
        ("/graphql?query={a}&variables=7", "The parameter 'variables' must be an object."),
        ("/graphql?query={a}&extensions=[]", "The parameter 'extensions' must be an object."),
        ("/graphql?query={a}&query={b}", "The parameter 'query' was given more than once."),
        ("/graphql?query=%ff", "The parameters in the address are not valid UTF-8."),
        ("/graphql?" + "a=1&" * 30, "At most 20 parameters may be given."),
    ],
)
async def test_malformed_parameters_are_told_by_name(api: Api, address: str, message: str) -> None:
    response = await api.http.get(address)
    assert (response.status_code, refusal(response)) == (400, message)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
async def test_other_methods_are_not_allowed(api: Api, method: str) -> None:
    response = await api.http.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
