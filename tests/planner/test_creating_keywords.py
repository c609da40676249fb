"""Keywords given by hand: normalised, once in a sector, and each refusal with its reason."""

from typing import Any

import pytest

from igny8.access import Role
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

CREATE = """mutation($input: CreateKeywordsInput!) { createKeywords(input: $input) {
  success errors { code field message details }
  keywords { id keyword volume difficulty cpc intent source serpUrls status }
  report { rows created updated unchanged rejected columns rejections { row column value reason } } } }"""


async def create(api: Api, tenant: Tenant, *keywords: Any, sector: str = "a", role: Role = Role.EDITOR) -> Any:
    given = [{"keyword": one} if isinstance(one, str) else one for one in keywords]
    sent = {"sectorId": tenant.sector(sector), "keywords": given}
    return (await api.data(CREATE, as_=tenant[role], input=sent))["createKeywords"]


async def test_keywords_are_normalised_and_told_in_their_order(api: Api, tenant: Tenant) -> None:
    pages = [f"https://example.com/{number}" for number in range(12)]
    full = {"volume": 10, "difficulty": 100, "cpc": "1.50", "intent": "COMMERCIAL", "serpUrls": pages}
    made = await create(api, tenant, {"keyword": "  Best\u00a0 SEO ﬁles ", **full}, "日本 語", "emoji 🎈")
    assert made["errors"] == []
    assert [one["keyword"] for one in made["keywords"]] == ["Best SEO files", "日本 語", "emoji 🎈"]
    first = made["keywords"][0]
    assert first == {
        "id": first["id"], "keyword": "Best SEO files", "source": "MANUAL", "status": "NEW",
        **full, "serpUrls": pages[:10],
    }  # fmt: skip
    counts = {"rows": 3, "created": 3, "updated": 0, "unchanged": 0, "rejected": 0, "rejections": []}
    names = ("keyword", "volume", "difficulty", "cpc", "intent", "serpUrls")
    assert made["report"] == {**counts, "columns": {name: name for name in names}}


async def test_equal_keywords_are_one_and_what_is_given_replaces_what_is_there(api: Api, tenant: Tenant) -> None:
    first = await create(api, tenant, {"keyword": "Red Shoes", "volume": 5, "intent": "COMMERCIAL"}, "blue shoes")
    again = await create(
        api, tenant, {"keyword": "red shoes", "volume": 1}, {"keyword": "RED  SHOES", "volume": 9}, "Blue Shoes"
    )
    assert [one["id"] for one in again["keywords"]] == [one["id"] for one in first["keywords"]]
    assert (again["keywords"][0]["volume"], again["keywords"][0]["intent"]) == (9, "COMMERCIAL")
    report = again["report"]
    assert (report["rows"], report["created"], report["updated"], report["unchanged"]) == (3, 0, 1, 2)


async def test_a_keyword_is_once_in_a_sector_and_may_be_in_others(api: Api, tenant: Tenant) -> None:
    await create(api, tenant, "shoes")
    other = await create(api, tenant, "shoes", sector="b", role=Role.OWNER)
    assert other["report"]["created"] == 1


async def test_what_cannot_be_taken_is_told_and_the_rest_is_kept(api: Api, tenant: Tenant) -> None:
    made = await create(
        api, tenant, "good", " \t ", "x" * 10_000, {"keyword": "v", "volume": -1}, {"keyword": "d", "difficulty": 101},
        {"keyword": "c", "cpc": "-0.01"}, {"keyword": "p", "serpUrls": ["javascript:alert(1)"]}, "bell \x07",
    )  # fmt: skip
    assert [one["keyword"] for one in made["keywords"]] == ["good"]
    report = made["report"]
    assert (report["rows"], report["created"], report["rejected"]) == (8, 1, 7)
    told = [(one["row"], one["column"]) for one in report["rejections"]]
    assert told == [
        (2, "keyword"), (3, "keyword"), (4, "volume"), (5, "difficulty"), (6, "cpc"), (7, "serpUrls"), (8, "keyword"),
    ]  # fmt: skip
    assert len(report["rejections"][1]["value"]) <= 101


@pytest.mark.parametrize(
    ("keywords", "field"),
    [
        ([], ["input", "keywords"]),
        ([f"k{number}" for number in range(1_001)], ["input", "keywords"]),
        (["", {"keyword": "v", "volume": -1}], ["input", "keywords", "0", "keyword"]),
    ],
    ids=["none", "too many", "none that can be taken"],
)
async def test_a_call_that_gives_nothing_to_take_is_refused(
    api: Api, tenant: Tenant, keywords: list[Any], field: list[str]
) -> None:
    made = await create(api, tenant, *keywords)
    assert [(error["code"], error["field"]) for error in made["errors"]] == [("VALIDATION", field)]
    assert made["keywords"] is None


async def test_the_plans_limit_keeps_all_out(api: Api, world: World) -> None:
    tenant = world.tenant(plan="free-trial")
    assert (await create(api, tenant, *(f"k{number}" for number in range(999))))["report"]["created"] == 999
    made = await create(api, tenant, "one", "two")
    assert [error["code"] for error in made["errors"]] == ["LIMIT_REACHED"]
    assert (await create(api, tenant, "one"))["report"]["created"] == 1
