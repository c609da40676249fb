"""A row that the schema promises and the database does not show: nulls rise as graphql-core lets them."""

from collections.abc import Iterator

import psycopg
import pytest
from graphql import GraphQLSchema, build_schema, print_schema

from igny8 import logs
from igny8.access import Role
from igny8.app import create_app
from igny8.schema import make_schema
from igny8.settings import Settings
from tests.conftest import running
from tests.differential.comparison import Court, fill_two_sites, wide
from tests.differential.operations import drawn
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

#: Every third row of these is hidden, so that required references lead to nothing.
HIDDEN = ("sector", "cluster", "content_idea", "task")


@pytest.fixture
def hidden(superuser: psycopg.Connection[tuple[int]]) -> Iterator[None]:
    for table in HIDDEN:
        superuser.execute(
            f"CREATE POLICY hides_some ON {table} AS RESTRICTIVE FOR SELECT TO igny8_app, igny8_member"
            f" USING (get_byte(uuid_send(id), 15) % 3 > 0)"
        )
    yield
    for table in HIDDEN:
        superuser.execute(f"DROP POLICY hides_some ON {table}")


async def test_nulls_rise_as_in_plain_resolvers(settings: Settings, world: World, hidden: None) -> None:
    schema: GraphQLSchema = build_schema(print_schema(make_schema()._schema))
    tenant: Tenant = fill_two_sites(world)
    logs.configure(settings)
    risen = 0
    async with running(create_app(wide(settings))) as client:
        court = Court(schema, wide(settings), client, world)
        known, headers = court.asker(tenant, "admin")
        for case in range(600):
            if case >= 120 and risen > 5:
                break
            asked = drawn(f"nulls-{case}", schema, known)
            difference = await court.difference(known, headers, asked)
            assert difference is None, f"case {case}\n{difference}"
            risen += bool(known.answer(asked.text, asked.variables, asked.name).errors)
    assert risen > 5


async def test_a_payload_tells_what_rose_in_it(
    api: Api, tenant: Tenant, superuser: psycopg.Connection[tuple[int]]
) -> None:
    # From reads alone: the mutation has to find its site.
    superuser.execute(
        "CREATE POLICY hides_site ON site AS RESTRICTIVE FOR SELECT TO igny8_app"
        " USING (slug <> 'a' OR current_setting('application_name') = 'igny8')"
    )
    asked = """mutation { updateSector(input: {id: "%s", name: "Renamed"}) { success sector { name s: site { name } } } }"""
    try:
        answer = await api(asked % tenant.sector("a"), as_=tenant[Role.OWNER])
    finally:
        superuser.execute("DROP POLICY hides_site ON site")
    assert answer["data"] == {"updateSector": {"success": True, "sector": None}}
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["updateSector", "sector", "s"], "INTERNAL")
