"""Tries a provider as it is set up, and says what is wrong and what to do, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import httpx2

from igny8 import outgoing
from igny8.system.tables import IntegrationType

_SECONDS: Final = 15
_MOST_BYTES: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Setup:
    """What is tried."""

    provider: IntegrationType
    base_url: str
    api_key: str
    text_model: str | None = None
    image_model: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One step; a report is good when all that are blocking have passed."""

    id: str
    passed: bool
    message: str
    remedy: str | None = None
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    checks: tuple[Check, ...]
    tested_at: datetime

    @property
    def ok(self) -> bool:
        return all(check.passed for check in self.checks if check.blocking)

    def document(self) -> dict[str, Any]:
        """As it is stored: by the names of the schema."""
        checks = [
            {
                "id": check.id,
                "passed": check.passed,
                "blocking": check.blocking,
                "message": check.message,
                "remedy": check.remedy,
            }
            for check in self.checks
        ]
        return {"ok": self.ok, "checks": checks, "testedAt": self.tested_at.isoformat()}


class _Stopped(Exception):
    """A step that was not passed: nothing after it can be tried."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.message)
        self.check = check


class _Probe(Protocol):
    """How a provider is asked something that costs nothing."""

    async def __call__(self, client: httpx2.AsyncClient, setup: Setup) -> list[Check]: ...


async def run(setup: Setup | Check, *, allow_private: bool) -> Report:
    """All steps up to the first that fails, or the one that failed before. Calls the provider; spends nothing."""
    if isinstance(setup, Check):
        return Report((setup,), datetime.now(UTC))
    checks: list[Check] = []
    try:
        url = outgoing.parsed(setup.base_url, allow_private=allow_private)
        await outgoing.vet(url, allow_private=allow_private)
        checks.append(Check("address", True, f"The address {setup.base_url} may be called."))
        async with outgoing.client(allow_private, timeout=_SECONDS, max_bytes=_MOST_BYTES) as client:
            checks += await _PROBES[setup.provider](client, setup)
    except outgoing.Refused as refused:
        checks.append(Check("address", False, refused.message, "Correct the address, or clear it for the usual one."))
    except _Stopped as stopped:
        if stopped.check.id != "reachable":
            checks.append(_REACHABLE)
        checks.append(stopped.check)
    return Report(tuple(checks), datetime.now(UTC))


_REACHABLE: Final = Check("reachable", True, "The server answers.")


async def _ask_openai(client: httpx2.AsyncClient, setup: Setup) -> list[Check]:
    """The list of models: the one call of the protocol that needs a key and costs nothing."""
    response = await _sent(
        client,
        "GET",
        f"{setup.base_url}/models",
        headers={"Authorization": f"Bearer {setup.api_key}"},
    )
    _refuse_by_status(response)
    names = {one.get("id") for one in _list(response, "data")}
    checks = [_REACHABLE, Check("key", True, "The key is accepted.")]
    for id_, what, name in (
        ("text-model", "text model", setup.text_model),
        ("image-model", "image model", setup.image_model),
    ):
        if name is not None:
            checks.append(_model_check(id_, what, name, there=name in names))
    return checks


async def _ask_runware(client: httpx2.AsyncClient, setup: Setup) -> list[Check]:
    """An authentication task, which makes no image."""
    response = await _sent(
        client,
        "POST",
        setup.base_url,
        headers={"Authorization": f"Bearer {setup.api_key}"},
        json=[{"taskType": "authentication", "apiKey": setup.api_key}],
    )
    _refuse_by_status(response)
    _list(response, "data")
    return [_REACHABLE, Check("key", True, "The key is accepted.")]


_PROBES: Final[Mapping[IntegrationType, _Probe]] = {
    IntegrationType.OPENAI: _ask_openai,
    IntegrationType.RUNWARE: _ask_runware,
}


async def _sent(client: httpx2.AsyncClient, method: str, url: str, **given: Any) -> httpx2.Response:
    try:
        return await client.request(method, url, **given)
    except (outgoing.TooSlow, httpx2.TimeoutException):
        message, remedy = "The server did not answer in time.", "Try again; if it stays so, check the address."
    except outgoing.TooLarge as error:
        message, remedy = error.message, "Check that the address is that of the provider's API."
    except httpx2.ConnectError:
        message = "The server cannot be reached, or its certificate is not good for this name."
        remedy = "Check the spelling of the address, and that the server is running with a valid certificate."
    except httpx2.HTTPError:
        message, remedy = "The server broke off or does not speak HTTP.", "Check the address and its port."
    raise _Stopped(Check("reachable", False, message, remedy))


def _refuse_by_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status in (401, 403):
        raise _Stopped(
            Check("key", False, f"The key is not accepted (status {status}).", "Make a new key with the provider.")
        )
    if status == 429:
        raise _Stopped(
            Check(
                "limit",
                False,
                "The provider's limit for this key is reached (status 429).",
                "Wait, or raise the limit or the balance with the provider.",
            )
        )
    if status >= 500:
        raise _Stopped(Check("service", False, f"The provider has a fault (status {status}).", "Try again later."))
    if status != 200:
        raise _Stopped(_no_api(f"The address answers with status {status}."))


def _list(response: httpx2.Response, name: str) -> list[dict[str, Any]]:
    try:
        found = response.json()[name]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _Stopped(_no_api("The server answers, but not as the provider's API does."))
    return found


def _no_api(message: str) -> Check:
    return Check(
        "api", False, message, "Check the path of the address; for OpenAI's protocol it usually ends in /v1."
    )


def _model_check(id_: str, what: str, name: str, *, there: bool) -> Check:
    if there:
        return Check(id_, True, f"The {what} {name} is there.")
    return Check(
        id_, False, f"The provider lists no model {name}.", f"Choose another {what}, or one that this key may use."
    )
