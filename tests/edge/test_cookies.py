"""Browsers keep their tokens in cookies that no script reads and no other site's page can use."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.support.api import Api

pytestmark = pytest.mark.anyio

SIGN_UP = """mutation($input: SignUpInput!) {
  signUp(input: $input) { success errors { message } tokens { accessToken } viewer { role } } }"""
SIGN_IN = (
    "mutation($input: SignInInput!) { signIn(input: $input) { success tokens { accessToken } viewer { role } } }"
)
REFRESH = "mutation { refreshToken { success tokens { accessToken } } }"
VIEWER = "{ viewer { role } plans { slug } }"
COOKIES = {"X-Igny8-Session": "cookie"}
PASSWORD = "correct horse battery staple"


def person(name: str) -> dict[str, str]:
    return {"email": f"{name}@cookies.example.com", "password": PASSWORD, "name": name.title()}


def set_cookies(response: httpx.Response) -> dict[str, dict[str, str]]:
    """The attributes of every cookie that an answer sets, its value among them."""
    found = {}
    for header in response.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(header).items():
            kept = {key: str(value) for key, value in morsel.items() if value}
            found[name] = {"value": morsel.value, **kept}
    return found


async def signed_up(api: Api, name: str) -> httpx.Response:
    response = await api.post({"query": SIGN_UP, "variables": {"input": person(name)}}, headers=COOKIES)
    assert response.json()["data"]["signUp"]["errors"] == []
    return response


async def error_of(api: Api, query: str, headers: dict[str, str]) -> Any:
    answer = (await api.post({"query": query}, headers=headers)).json()
    return [(error.get("path"), error["extensions"]["code"]) for error in answer.get("errors", [])]


async def test_signing_in_sets_cookies_and_tells_no_token(api: Api) -> None:
    await signed_up(api, "ada")
    api.http.cookies.clear()
    credentials = {key: person("ada")[key] for key in ("email", "password")}
    response = await api.post({"query": SIGN_IN, "variables": {"input": credentials}}, headers=COOKIES)
    assert response.json()["data"]["signIn"] == {"success": True, "tokens": None, "viewer": {"role": "OWNER"}}
    cookies = set_cookies(response)
    assert sorted(cookies) == ["igny8_access", "igny8_refresh"]
    for cookie in cookies.values():
        assert len(cookie.pop("value")) > 40
    access, refresh = cookies["igny8_access"], cookies["igny8_refresh"]
    assert 890 <= int(access.pop("max-age")) <= 900
    assert int(refresh.pop("max-age")) > 86_400
    assert access == refresh == {"path": "/", "httponly": "True", "samesite": "Strict"}


async def test_cookies_in_production_are_bound_to_tls_and_the_host(production: Api) -> None:
    cookies = set_cookies(await signed_up(production, "grace"))
    assert sorted(cookies) == ["__Host-igny8_access", "__Host-igny8_refresh"]
    assert all(cookie["secure"] == "True" and cookie["path"] == "/" for cookie in cookies.values())
    assert all("domain" not in cookie for cookie in cookies.values())


async def test_cookies_sign_requests_that_say_so(api: Api) -> None:
    await signed_up(api, "edsger")
    answer = (await api.post({"query": VIEWER}, headers=COOKIES)).json()
    assert answer["data"]["viewer"] == {"role": "OWNER"}


@pytest.mark.parametrize("headers", [{}, {"X-Igny8-Session": "yes"}, {"Origin": "http://igny8.test"}], ids=str)
async def test_cookies_without_the_header_sign_nothing(api: Api, headers: dict[str, str]) -> None:
    await signed_up(api, f"barbara{len(headers)}{len(str(headers))}")
    assert await error_of(api, VIEWER, headers) == [(["viewer"], "FORBIDDEN")]
    assert await error_of(api, "mutation { signOut { success } }", headers) == [(["signOut"], "FORBIDDEN")]
    assert await error_of(api, "{ viewer { role } }", COOKIES) == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://igny8.test.evil.example", "https://igny8.test"]
)
async def test_foreign_pages_use_and_set_no_cookies(api: Api, origin: str) -> None:
    name = f"donald{abs(hash(origin))}"
    await signed_up(api, name)
    foreign = {**COOKIES, "Origin": origin}
    for query in (VIEWER, REFRESH, "mutation { signOut { success } }"):
        response = await api.post({"query": query}, headers=foreign)
        assert (response.status_code, set_cookies(response)) == (403, {})
        assert response.json()["errors"] == [
            {"message": "Pages of this origin may not use cookies here.", "extensions": {"code": "BAD_REQUEST"}}
        ]
    api.http.cookies.clear()
    response = await api.post({"query": SIGN_UP, "variables": {"input": person(f"x{name}")}}, headers=foreign)
    assert (response.status_code, set_cookies(response)) == (403, {})


async def test_the_own_and_allowed_origins_use_cookies(api: Api) -> None:
    await signed_up(api, "tony")
    assert await error_of(api, VIEWER, {**COOKIES, "Origin": "http://igny8.test"}) == []
    assert await error_of(api, VIEWER, {**COOKIES, "Origin": "http://pages.test"}) == []


async def test_the_refresh_token_is_taken_from_its_cookie(api: Api) -> None:
    before = set_cookies(await signed_up(api, "frances"))
    response = await api.post({"query": REFRESH}, headers=COOKIES)
    assert response.json()["data"]["refreshToken"] == {"success": True, "tokens": None}
    after = set_cookies(response)
    assert sorted(after) == ["igny8_access", "igny8_refresh"]
    assert after["igny8_refresh"]["value"] != before["igny8_refresh"]["value"]
    assert await error_of(api, VIEWER, COOKIES) == []


async def test_without_a_cookie_there_is_nothing_to_refresh(api: Api) -> None:
    assert await error_of(api, REFRESH, COOKIES) == [(["refreshToken"], "UNAUTHENTICATED")]
    assert await error_of(api, REFRESH, {}) == [(["refreshToken"], "UNAUTHENTICATED")]


async def test_signing_out_deletes_the_cookies(api: Api) -> None:
    await signed_up(api, "john")
    response = await api.post({"query": "mutation { signOut { success } }"}, headers=COOKIES)
    assert response.json()["data"] == {"signOut": {"success": True}}
    gone = {"value": "", "path": "/", "max-age": "0", "httponly": "True", "samesite": "Strict"}
    assert set_cookies(response) == {"igny8_access": gone, "igny8_refresh": gone}
    assert len(api.http.cookies) == 0


async def test_a_bearer_token_counts_before_cookies(api: Api) -> None:
    await signed_up(api, "niklaus")
    headers = {**COOKIES, "Authorization": "Bearer garbage"}
    assert await error_of(api, VIEWER, headers) == [(["viewer"], "UNAUTHENTICATED")]
