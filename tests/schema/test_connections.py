"""Pages that no other test looks at as a whole: of accounts, of grants; and a plan paid by the year."""

import pytest

from igny8.access import Role
from igny8.db import new_id
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

PAGE = "totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


async def test_a_page_of_accounts(api: Api, tenant: Tenant, world: World) -> None:
    developer = world.operators()[Role.DEVELOPER]
    query = f"query($name: String) {{ accounts(first: 5, search: $name) {{ {PAGE} }} }}"
    page = (await api.data(query, as_=developer, name=tenant.slug))["accounts"]
    (edge,) = page["edges"]
    assert edge["node"] == {"id": tenant.public_id}
    assert page["totalCount"] == 1
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": edge["cursor"],
        "endCursor": edge["cursor"],
    }


async def test_a_page_of_grants(api: Api, tenant: Tenant) -> None:
    query = f"query($id: ID!) {{ site(id: $id) {{ access(first: 1) {{ {PAGE} }} }} }}"
    page = (await api.data(query, as_=tenant[Role.OWNER], id=tenant.site("a")))["site"]["access"]
    assert page["totalCount"] == 2
    assert len(page["edges"]) == 1
    assert page["edges"][0]["cursor"] == page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is True


async def test_a_plan_paid_by_the_year(api: Api, world: World) -> None:
    world.sql.execute(
        "INSERT INTO plan (id, name, slug, price, currency, billing_cycle, included_credits, limits, features)"
        " VALUES (%s, 'Yearly', 'yearly', 990, 'USD', 'ANNUAL', 1, '[]', '{}')",
        (new_id(),),
    )
    try:
        plans = (await api.data("{ plans { slug billingCycle } }"))["plans"]
    finally:
        world.sql.execute("DELETE FROM plan WHERE slug = 'yearly'")
    assert {"slug": "yearly", "billingCycle": "ANNUAL"} in plans
