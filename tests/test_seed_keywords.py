"""Sectors that begin with the seed keywords of their template."""

import pytest

from igny8.access import Role
from igny8.planner.keyword_rows import folded
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

CREATE = """mutation($input: CreateSectorInput!) { createSector(input: $input) {
  success errors { code field message }
  sector { industrySector { slug } keywords(first: 50) { totalCount nodes { keyword volume difficulty intent source status } } } } }"""


async def _template(api: Api) -> dict[str, object]:
    data = await api.data("{ industries { sectors { id slug seedKeywords { keyword volume difficulty intent } } } }")
    found: dict[str, object] = data["industries"][0]["sectors"][0]
    return found


async def test_a_sector_takes_over_the_seed_keywords_of_its_template(api: Api, tenant: Tenant) -> None:
    template = await _template(api)
    given = {"siteId": tenant.site("a"), "name": "New", "industrySectorId": template["id"], "copySeedKeywords": True}
    made = (await api.data(CREATE, as_=tenant[Role.ADMIN], input=given))["createSector"]["sector"]
    assert made["industrySector"] == {"slug": template["slug"]}
    seeds = template["seedKeywords"]
    assert isinstance(seeds, list)
    assert made["keywords"]["totalCount"] == len(seeds) >= 5
    expected = [{**seed, "source": "TEMPLATE", "status": "NEW"} for seed in seeds]
    assert sorted(made["keywords"]["nodes"], key=lambda k: k["keyword"]) == sorted(
        expected, key=lambda k: k["keyword"]
    )


async def test_without_the_wish_a_sector_begins_empty(api: Api, tenant: Tenant) -> None:
    template = await _template(api)
    given = {"siteId": tenant.site("a"), "name": "New", "industrySectorId": template["id"]}
    made = (await api.data(CREATE, as_=tenant[Role.ADMIN], input=given))["createSector"]["sector"]
    assert made["keywords"]["totalCount"] == 0


async def test_seeds_without_a_template_are_refused_and_no_sector_is_made(
    api: Api, tenant: Tenant, world: World
) -> None:
    given = {"siteId": tenant.site("a"), "name": "New", "copySeedKeywords": True}
    answer = (await api.data(CREATE, as_=tenant[Role.ADMIN], input=given))["createSector"]
    assert [(e["code"], e["field"]) for e in answer["errors"]] == [("VALIDATION", ["input", "copySeedKeywords"])]
    made = world.sql.execute("SELECT count(*) FROM sector WHERE account_id = %s", (tenant.id,)).fetchone()
    assert made == (2,)


async def test_too_many_seeds_for_the_plan_make_nothing(api: Api, tenant: Tenant, world: World) -> None:
    world.sql.execute(
        "INSERT INTO limit_usage VALUES (%s, 'KEYWORDS', 998) ON CONFLICT (account_id, \"limit\") DO UPDATE SET used = 998",
        (tenant.id,),
    )
    world.sql.execute(
        "UPDATE subscription SET plan_id = (SELECT id FROM plan WHERE slug = 'free-trial') WHERE account_id = %s",
        (tenant.id,),
    )
    template = await _template(api)
    given = {"siteId": tenant.site("a"), "name": "New", "industrySectorId": template["id"], "copySeedKeywords": True}
    answer = (await api.data(CREATE, as_=tenant[Role.ADMIN], input=given))["createSector"]
    assert [e["code"] for e in answer["errors"]] == ["LIMIT_REACHED"]
    assert world.sql.execute("SELECT count(*) FROM keyword WHERE account_id = %s", (tenant.id,)).fetchone() == (0,)


@pytest.mark.parametrize(
    ("text", "key"),
    [("  Rose\u00a0 SHEARS ", "rose shears"), ("Straße", "strasse"), ("\uff57\uff49\uff44\uff45", "wide")],
)
def test_keywords_are_folded_for_comparison(text: str, key: str) -> None:
    assert folded(text) == key
