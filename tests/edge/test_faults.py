"""What goes wrong inside is told by a request id alone, and logged with its stack."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.logged import Lines
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

MASKED = "Something went wrong on our side. Tell support the request id."
NAME = "a name that no log may hold"
CREATE = "mutation($input: CreateSiteInput!) { createSite(input: $input) { success } }"


@pytest.fixture
def broken(superuser: psycopg.Connection[Any], tenant: Tenant) -> Iterator[None]:
    """A column of the tenant's sites has another name for a while."""
    superuser.execute("ALTER TABLE site RENAME COLUMN timezone TO zone")
    yield
    superuser.execute("ALTER TABLE site RENAME COLUMN zone TO timezone")


def shows_nothing(text: str) -> bool:
    return not any(word in text for word in ("SELECT", "INSERT", "timezone", "psycopg", "Traceback", ".py", NAME))


@pytest.mark.usefixtures("broken")
async def test_a_broken_read_is_masked(api: Api, log_lines: Lines, tenant: Tenant) -> None:
    response = await api.post({"query": "{ sites { nodes { timezone } } }"}, as_=tenant[Role.OWNER])
    assert response.status_code == 500
    assert response.json()["errors"] == [{"message": MASKED, "extensions": {"code": "INTERNAL"}}]
    assert "data" not in response.json()
    assert shows_nothing(response.text)
    (logged,) = [line for line in log_lines() if line["level"] == "error"]
    assert logged["request_id"] == response.json()["extensions"]["requestId"]
    assert logged["exception"][0]["exc_type"] == "UndefinedColumn"
    assert len(logged["exception"][0]["frames"]) > 3


@pytest.mark.usefixtures("broken")
async def test_a_broken_mutation_is_masked_and_changes_nothing(
    api: Api, log_lines: Lines, tenant: Tenant, superuser: psycopg.Connection[Any]
) -> None:
    body = {"query": CREATE, "variables": {"input": {"name": NAME}}}
    response = await api.post(body, as_=tenant[Role.OWNER])
    assert response.status_code == 500
    (error,) = response.json()["errors"]
    assert (error["message"], error["path"], error["extensions"]) == (MASKED, ["createSite"], {"code": "INTERNAL"})
    assert response.json()["data"] is None
    assert shows_nothing(response.text)
    assert superuser.execute("SELECT count(*) FROM site WHERE account_id = %s", (tenant.id,)).fetchone() == (2,)
    lines = log_lines()
    (logged,) = [line for line in lines if line["level"] == "error"]
    assert logged["request_id"] == response.headers["x-request-id"]
    assert logged["exception"][0]["frames"]
    assert NAME not in str(lines), "values of a failed statement were logged"


async def test_all_is_well_again_afterwards(api: Api, tenant: Tenant) -> None:
    data = await api.data("{ sites { nodes { timezone } } }", as_=tenant[Role.OWNER])
    assert data["sites"]["nodes"] == [{"timezone": "UTC"}, {"timezone": "UTC"}]
