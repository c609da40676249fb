"""The test of a provider: a list of checks that says what is wrong and what to do."""

from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from igny8.access import Role
from tests.support.api import Api
from tests.support.world import Tenant, World
from tests.system.provider import KEY, Provider
from tests.system.test_integration_settings import SAVE, TEST, listed, saved

pytestmark = pytest.mark.anyio


async def tried(api: Api, tenant: Tenant, **given: object) -> dict[str, Any]:
    given = {"integrationType": "OPENAI", **given}
    answer = (await api.data(TEST, as_=tenant[Role.OWNER], input=given))["testIntegrationSettings"]
    assert (answer["success"], answer["errors"]) == (True, [])
    report: dict[str, Any] = answer["report"]
    return report


def passed(report: dict[str, Any]) -> dict[str, bool]:
    return {check["id"]: check["passed"] for check in report["checks"]}


async def test_what_is_given_is_tried_and_not_kept(api: Api, tenant: Tenant, provider: Provider) -> None:
    report = await tried(api, tenant, apiKey=KEY, baseUrl=provider.url, textModel="gpt-text", imageModel="gpt-image")
    assert report["ok"] is True
    assert passed(report) == {
        "address": True, "reachable": True, "key": True, "text-model": True, "image-model": True
    }  # fmt: skip
    ((method, path, headers),) = provider.asked
    assert (method, path, headers["authorization"]) == ("GET", "/v1/models", f"Bearer {KEY}")
    assert await listed(api, tenant) == []


async def test_what_is_stored_is_tried_and_the_report_is_kept(api: Api, tenant: Tenant, provider: Provider) -> None:
    before = (await saved(api, tenant, apiKey=KEY, baseUrl=provider.url, textModel="gpt-text"))["settings"]
    report = await tried(api, tenant)
    assert report["ok"] is True
    (kept,) = await listed(api, tenant)
    assert kept["lastTest"] == report
    assert kept["updatedAt"] == before["updatedAt"]
    await tried(api, tenant, textModel="other")
    assert (await listed(api, tenant))[0]["lastTest"] == report
    await saved(api, tenant, isActive=False)
    assert (await listed(api, tenant))[0]["lastTest"] == report
    await saved(api, tenant, apiKey=KEY)
    assert (await listed(api, tenant))[0]["lastTest"] is None


async def test_runware_is_tried_with_an_authentication(api: Api, tenant: Tenant, provider: Provider) -> None:
    report = await tried(api, tenant, integrationType="RUNWARE", apiKey=KEY, baseUrl=provider.url)
    assert (report["ok"], passed(report)) == (True, {"address": True, "reachable": True, "key": True})
    assert provider.asked[0][:2] == ("POST", "/v1")


async def test_a_model_that_is_not_there_is_named(api: Api, tenant: Tenant, provider: Provider) -> None:
    report = await tried(api, tenant, apiKey=KEY, baseUrl=provider.url, textModel="gpt-text", imageModel="gone")
    assert report["ok"] is False
    assert report["checks"][-1] == {
        "id": "image-model",
        "passed": False,
        "blocking": True,
        "message": "The provider lists no model gone.",
        "remedy": "Choose another image model, or one that this key may use.",
    }


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (JSONResponse({"error": "no"}, 401), "key"),
        (JSONResponse({"error": "no"}, 403), "key"),
        (JSONResponse({"error": "wait"}, 429, headers={"Retry-After": "9"}), "limit"),
        (PlainTextResponse("oops", 500), "service"),
        (PlainTextResponse("oops", 503), "service"),
        (PlainTextResponse("nothing here", 404), "api"),
        (PlainTextResponse("<html>Welcome</html>"), "api"),
        (JSONResponse({"data": "x"}), "api"),
        (JSONResponse({"data": [1]}), "api"),
        (JSONResponse([]), "api"),
        (PlainTextResponse("x" * 3_000_000), "reachable"),
        (RedirectResponse("http://169.254.169.254/latest"), "address"),
        (Response(b"x", headers={"Content-Encoding": "gzip"}), "reachable"),
    ],
    ids=lambda part: part if isinstance(part, str) else str(part.status_code),
)
async def test_each_fault_has_its_check_and_remedy(
    api: Api, tenant: Tenant, provider: Provider, answer: Response, failed: str
) -> None:
    provider.answer = answer
    for kind in ("OPENAI", "RUNWARE"):
        report = await tried(api, tenant, integrationType=kind, apiKey=KEY, baseUrl=provider.url)
        assert report["ok"] is False
        (wrong,) = (check for check in report["checks"] if not check["passed"])
        assert wrong["id"] == failed
        assert wrong["blocking"] is True
        assert wrong["remedy"].endswith(".")


async def test_a_server_that_is_not_there_is_told(api: Api, tenant: Tenant) -> None:
    report = await tried(api, tenant, apiKey=KEY, baseUrl="http://127.0.0.1:1025/v1")
    assert passed(report) == {"address": True, "reachable": False}


async def test_a_key_is_sent_only_to_the_address_it_was_stored_for(
    api: Api, tenant: Tenant, provider: Provider
) -> None:
    assert passed(await tried(api, tenant)) == {"key": False}
    await saved(api, tenant, apiKey=KEY, baseUrl="http://127.0.0.1:1025/v1")
    assert passed(await tried(api, tenant, baseUrl=provider.url)) == {"key": False}
    assert passed(await tried(api, tenant, baseUrl=None)) == {"key": False}
    assert provider.asked == []


async def test_a_key_that_cannot_be_opened_is_told(
    api: Api, tenant: Tenant, world: World, provider: Provider
) -> None:
    await saved(api, tenant, apiKey=KEY, baseUrl=provider.url)
    other = world.tenant()
    await api.data(
        SAVE, as_=other[Role.OWNER], input={"integrationType": "OPENAI", "apiKey": KEY, "baseUrl": provider.url}
    )
    world.sql.execute(
        "UPDATE integration_settings SET api_key = (SELECT api_key FROM integration_settings WHERE account_id = %s)"
        " WHERE account_id = %s",
        (other.id, tenant.id),
    )
    assert passed(await tried(api, tenant)) == {"key": False}
    assert provider.asked == []


async def test_the_same_idempotency_key_gives_the_same_report(api: Api, tenant: Tenant, provider: Provider) -> None:
    await saved(api, tenant, apiKey=KEY, baseUrl=provider.url)
    given = {"integrationType": "OPENAI"}
    headers = {"Idempotency-Key": "once"}
    first = await api(TEST, as_=tenant[Role.OWNER], headers=headers, input=given)
    provider.keys.clear()
    second = await api(TEST, as_=tenant[Role.OWNER], headers=headers, input=given)
    assert first["data"] == second["data"]
    assert first["data"]["testIntegrationSettings"]["report"]["ok"] is True


@pytest.mark.parametrize(("field", "value"), [("apiKey", "a b"), ("baseUrl", "no address"), ("textModel", "a b")])
async def test_bad_input_is_refused_and_nobody_is_called(
    api: Api, tenant: Tenant, provider: Provider, field: str, value: str
) -> None:
    given = {"integrationType": "OPENAI", "apiKey": KEY, "baseUrl": provider.url, field: value}
    answer = (await api.data(TEST, as_=tenant[Role.OWNER], input=given))["testIntegrationSettings"]
    assert [(error["code"], error["field"]) for error in answer["errors"]] == [("VALIDATION", ["input", field])]
    assert (answer["report"], provider.asked) == (None, [])
