"""What a nested query answers, to whom."""

import pytest

from igny8.access import Role
from igny8.app import create_app
from igny8.settings import Settings
from tests.conftest import running
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio


async def test_a_nested_query_answers_rows_in_the_shape_that_was_asked(api: Api, tenant: Tenant) -> None:
    data = await api.data(
        "{ sites(orderBy: [{field: NAME, direction: ASC}]) {"
        " totalCount nodes { slug sectors { nodes { name site { slug } } } } } }",
        as_=tenant[Role.OWNER],
    )
    assert data["sites"] == {
        "totalCount": 2,
        "nodes": [
            {"slug": name, "sectors": {"nodes": [{"name": f"Sector {name}", "site": {"slug": name}}]}}
            for name in ("a", "b")
        ],
    }


async def test_an_editor_sees_granted_sites_alone(api: Api, tenant: Tenant) -> None:
    data = await api.data(
        "{ sites { totalCount nodes { slug } } sectors { nodes { slug } } }", as_=tenant[Role.EDITOR]
    )
    assert data == {"sites": {"totalCount": 1, "nodes": [{"slug": "a"}]}, "sectors": {"nodes": [{"slug": "a"}]}}


async def test_a_foreign_an_ungranted_and_an_unknown_id_answer_alike(api: Api, tenant: Tenant, world: World) -> None:
    foreign = world.tenant()
    query = "query($id: ID!) { site(id: $id) { name } node(id: $id) { id } }"
    unknown = "sit_" + "0" * 32
    answers = [
        await api.data(query, as_=tenant[Role.EDITOR], id=id_)
        for id_ in (foreign.site("a"), tenant.site("b"), unknown)
    ]
    assert answers == [{"site": None, "node": None}] * 3


async def test_a_role_that_changed_after_the_token_was_made_counts_at_once(
    api: Api, tenant: Tenant, world: World
) -> None:
    owner = tenant[Role.ADMIN]
    world.sql.execute("UPDATE app_user SET role = 'EDITOR' WHERE id = %s", (owner.id,))
    data = await api.data("{ sites { totalCount } viewer { role } }", as_=owner)
    assert data == {"sites": {"totalCount": 0}, "viewer": {"role": "EDITOR"}}


async def test_an_answer_that_is_too_large_is_refused_before_it_is_sent(settings: Settings, tenant: Tenant) -> None:
    small = settings.model_copy(update={"max_answer_bytes": 200})
    async with running(create_app(small)) as client:
        api = Api(client)
        assert await api.data("{ sites(first: 1) { nodes { name } } }", as_=tenant[Role.OWNER])
        answer = await api("{ sites { nodes { id name slug timezone language createdAt } } }", as_=tenant[Role.OWNER])
    assert answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"
    assert answer["errors"][0]["message"].startswith("The answer is larger than 200 bytes.")
