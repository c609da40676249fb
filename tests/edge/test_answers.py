"""In what form, with what status and under which id a request is answered."""

import pytest

from igny8.access import Role
from igny8.app import create_app
from igny8.settings import Settings
from tests.conftest import running
from tests.support.api import Api
from tests.support.logged import Lines
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

PLANS = "{ plans { slug } }"
JSON, RESPONSE_JSON = "application/json", "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (RESPONSE_JSON, RESPONSE_JSON),
        (f"{RESPONSE_JSON}, {JSON}", RESPONSE_JSON),
        (f"{JSON}, {RESPONSE_JSON}", RESPONSE_JSON),
        (f"{JSON}, {RESPONSE_JSON};q=0.5", JSON),
        (f"{RESPONSE_JSON};q=0, {JSON}", JSON),
        (f"{RESPONSE_JSON}; charset=utf-8", RESPONSE_JSON),
        (f"text/html, {JSON};q=0.9, */*;q=0.8", JSON),
        ("text/html, */*;q=0.1", JSON),
    ],
)
async def test_the_answer_has_the_media_type_that_is_preferred(api: Api, accept: str, answered: str) -> None:
    response = await api.post({"query": PLANS}, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "image/png, text/*", f"{JSON};q=0", f"{JSON};q=nonsense"])
async def test_who_takes_no_json_is_refused(api: Api, accept: str) -> None:
    response = await api.post({"query": PLANS}, headers={"Accept": accept})
    assert response.status_code == 406
    assert response.json()["errors"][0]["message"] == f"Accept {RESPONSE_JSON}, {JSON}, or text/event-stream."


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("{ plans { slug }", 400),
        ("{ plans { nothing } }", 400),
        ("query($id: ID!) { node(id: $id) { id } }", 400),
        ("{ viewer { role } }", 200),
        ("{ sites { totalCount } }", 200),
        ("mutation { signOut { success } }", 200),
    ],
)
async def test_what_was_not_begun_is_a_400_for_clients_that_know_the_new_media_type(
    api: Api, query: str, status: int
) -> None:
    new = await api.post({"query": query}, headers={"Accept": RESPONSE_JSON})
    old = await api.post({"query": query}, headers={"Accept": JSON})
    assert (new.status_code, old.status_code) == (status, 200)
    assert new.json()["errors"] == old.json()["errors"]
    assert ("data" in new.json(), "data" in old.json()) == (status == 200, status == 200)


@pytest.mark.parametrize("path", ["/graphql", "/health", "/ready", "/metrics", "/nowhere"])
async def test_every_answer_carries_an_id_and_safe_headers(api: Api, path: str) -> None:
    response = await api.http.get(path, headers={"Accept": JSON})
    assert len(response.headers["x-request-id"]) == 32
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("query", [PLANS, "{ nothing }", "{ viewer { role } }", "mutation { signOut { success } }"])
async def test_header_body_and_log_name_the_same_request(api: Api, log_lines: Lines, query: str) -> None:
    response = await api.post({"query": query})
    request_id = response.headers["x-request-id"]
    assert response.json()["extensions"]["requestId"] == request_id
    (line,) = [line for line in log_lines() if line["event"] == "answered"]
    assert line.pop("ms") < 5_000
    assert line.pop("timestamp")
    assert line == {
        "event": "answered",
        "level": "info",
        "method": "POST",
        "path": "/graphql",
        "request_id": request_id,
        "status": 200,
    }


async def test_a_harmless_id_of_the_caller_is_taken(api: Api) -> None:
    response = await api.post({"query": PLANS}, headers={"X-Request-Id": "trace-1234.A_b"})
    assert response.headers["x-request-id"] == "trace-1234.A_b"
    assert response.json()["extensions"]["requestId"] == "trace-1234.A_b"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "has spaces in it", 'quote"quote"', "sch\u00f6nes Ding", "a;b;c;d;e;f"]
)
async def test_a_harmful_id_of_the_caller_is_replaced(api: Api, given: str) -> None:
    response = await api.post({"query": PLANS}, headers={"X-Request-Id": given.encode("latin-1")})
    assert len(response.headers["x-request-id"]) == 32


async def test_answers_are_not_kept_by_caches(api: Api) -> None:
    answered, refused = await api.post({"query": PLANS}), await api.post([])
    assert (answered.headers["cache-control"], refused.headers["cache-control"]) == ("no-store", "no-store")


async def test_health_says_alive(api: Api) -> None:
    response = await api.http.get("/health")
    assert (response.status_code, response.text) == (200, "alive\n")


async def test_metrics_count_requests_by_known_path(api: Api) -> None:
    await api.post({"query": PLANS})
    await api.http.get("/a/path/nobody/knows")
    response = await api.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'igny8_http_requests_total{path="/graphql",status="200"}' in response.text
    assert 'igny8_http_requests_total{path="other",status="404"}' in response.text
    assert "nobody" not in response.text


async def test_who_spent_all_points_is_told_when_to_come_back(settings: Settings, tenant: Tenant) -> None:
    stingy = settings.model_copy(update={"points_per_minute": 1})
    async with running(create_app(stingy)) as client:
        api = Api(client)
        first = await api.post({"query": "{ __typename }"}, as_=tenant[Role.OWNER])
        assert [first.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "cost")] == ["1", "0", "1"]
        assert first.json()["extensions"]["cost"].keys() == {"requested", "limit", "remaining", "resetsAt"}
        refused = await api.post({"query": "{ __typename }"}, as_=tenant[Role.OWNER])
    assert refused.status_code == 429
    assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
