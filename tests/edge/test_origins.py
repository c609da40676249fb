"""Which pages of other sites a browser lets read our answers."""

import pytest

from tests.support.api import Api

pytestmark = pytest.mark.anyio

PLANS = {"query": "{ plans { slug } }"}
OWN, ALLOWED, FOREIGN = "http://igny8.test", "http://pages.test", "https://evil.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-igny8-session,x-igny8-account",
}


@pytest.mark.parametrize("origin", [OWN, ALLOWED])
async def test_own_and_allowed_pages_read_answers(api: Api, origin: str) -> None:
    response = await api.post(PLANS, headers={"Origin": origin})
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["vary"] == "Origin"
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert exposed == ["x-request-id", "retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-cost"]


async def test_foreign_pages_read_nothing(api: Api) -> None:
    response = await api.post(PLANS, headers={"Origin": FOREIGN})
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("origin", [OWN, ALLOWED])
async def test_own_and_allowed_pages_may_send_our_headers(api: Api, origin: str) -> None:
    response = await api.http.options("/graphql", headers={**PREFLIGHT, "Origin": origin})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    assert response.headers["x-request-id"]


async def test_foreign_pages_may_send_nothing(api: Api) -> None:
    response = await api.http.options("/graphql", headers={**PREFLIGHT, "Origin": FOREIGN})
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


async def test_refusals_can_be_read_by_allowed_pages_too(api: Api) -> None:
    response = await api.http.post("/graphql", content=b"{", headers={"Origin": ALLOWED})
    assert response.status_code == 415
    assert response.headers["access-control-allow-origin"] == ALLOWED
