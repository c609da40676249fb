"""Exports: records become files, for those who may read them, and never a formula."""

import csv
import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from igny8.access import Role
from igny8.csv_cells import unescaped
from igny8.db import new_id
from igny8.gql import ids
from tests.files.conftest import content
from tests.support.workshop import Workshop
from tests.support.world import Person

pytestmark = pytest.mark.anyio

START = """mutation($input: ExportRecordsInput!) { exportRecords(input: $input) {
  success errors { code field message } job { id kind creditsHeld } } }"""
OUTCOME = """query($id: ID!) { job(id: $id) { state itemsTotal error { code message }
  outcome { __typename ... on ExportReport { url bytes rows expiresAt } } } }"""


async def started(shop: Workshop, by: Person, **input: Any) -> dict[str, Any]:
    values = {"format": "CSV", **input}
    found: dict[str, Any] = (await shop.api.data(START, as_=by, input=values))["exportRecords"]
    return found


async def exported(shop: Workshop, by: Person | None = None, **input: Any) -> tuple[str, dict[str, Any]]:
    """The file's text and the report."""
    by = by or shop.tenant[Role.OWNER]
    payload = await started(shop, by, **input)
    assert payload["success"], payload
    await shop.ended_for(by, payload["job"]["id"])
    job = (await shop.api.data(OUTCOME, as_=by, id=payload["job"]["id"]))["job"]
    assert (job["state"], payload["job"]["creditsHeld"]) == ("SUCCEEDED", 0), job
    report = job["outcome"]
    response = await shop.api.http.get(report["url"])
    assert response.status_code == 200
    assert int(response.headers["content-length"]) == len(response.content) == report["bytes"]
    return response.content.decode(), report


def table(text: str) -> list[dict[str, str]]:
    assert text[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def keyword(shop: Workshop, text: str, site: str = "a", **values: Any) -> str:
    id_, tenant = new_id(), shop.tenant
    row = {
        "account_id": tenant.id,
        "site_id": tenant.sites[site],
        "sector_id": tenant.sectors[site],
        "id": id_,
        "keyword": text,
        "keyword_key": text.lower(),
        **values,
    }
    places = ", ".join(["%s"] * len(row))
    shop.world.sql.execute(f"INSERT INTO keyword ({', '.join(row)}) VALUES ({places})", list(row.values()))
    return ids.show("key", id_)


async def test_keywords_are_rows_that_can_be_imported_again(shop: Workshop) -> None:
    pages = ["https://example.com/a,b", "https://example.com/c;d"]
    first = keyword(
        shop,
        '=puppy "food", wet\nor dry',
        volume=9_900,
        difficulty=41,
        cpc="1.20",
        intent="COMMERCIAL",
        serp_urls=pages,
    )
    keyword(shop, "طعام 🐶")
    text, report = await exported(shop, type="KEYWORDS", siteId=shop.tenant.site("a"))
    rows = table(text)
    assert report["rows"] == len(rows) == 2
    assert list(rows[0])[:6] == ["Keyword", "Volume", "Difficulty", "CPC", "Intent", "SERP URLs"]
    assert rows[0]["Keyword"] == '\'=puppy "food", wet\nor dry'
    assert unescaped(rows[0]["Keyword"]) == '=puppy "food", wet\nor dry'
    assert [rows[0][name] for name in ("Volume", "Difficulty", "CPC", "Intent", "ID", "Site", "Sector")] == [
        "9900",
        "41",
        "1.20",
        "COMMERCIAL",
        first,
        "Site a",
        "Sector a",
    ]
    assert rows[0]["SERP URLs"].split(" ") == pages
    assert [rows[1][name] for name in ("Keyword", "Volume", "CPC", "Intent", "SERP URLs")] == [
        "طعام 🐶",
        "",
        "",
        "",
        "",
    ]
    assert urlsplit(report["url"]).query.count("name=keywords-") == 1


async def test_json_lines_keep_their_types(shop: Workshop) -> None:
    keyword(shop, "-x", volume=5, cpc="0.10", serp_urls=["https://example.com"])
    text, report = await exported(shop, type="KEYWORDS", format="JSONL")
    [row] = [json.loads(line) for line in text.splitlines()]
    assert (row["keyword"], row["volume"], row["cpc"], row["serpUrls"], row["intent"]) == (
        "-x",
        5,
        "0.10",
        ["https://example.com"],
        None,
    )
    assert row["createdAt"].endswith("Z")
    assert report["rows"] == 1


async def test_more_than_a_page_comes_whole_and_once(shop: Workshop) -> None:
    tenant = shop.tenant
    shop.world.sql.execute(
        "INSERT INTO keyword (account_id, site_id, sector_id, id, keyword, keyword_key)"
        " SELECT %s, %s, %s, gen_random_uuid(), 'k' || n, 'k' || n FROM generate_series(1, 4500) n",
        [tenant.id, tenant.sites["a"], tenant.sectors["a"]],
    )
    text, report = await exported(shop, type="KEYWORDS")
    assert report["rows"] == 4_500
    assert {row["Keyword"] for row in table(text)} == {f"k{n}" for n in range(1, 4_501)}


@pytest.mark.parametrize("type_", ["KEYWORDS", "CLUSTERS", "IDEAS", "TASKS", "CONTENTS", "IMAGES", "CREDIT_USAGE"])
async def test_every_type_has_its_columns_with_and_without_records(shop: Workshop, type_: str) -> None:
    nothing, report = await exported(shop, type=type_)
    assert (table(nothing), report["rows"]) == ([], 0)
    empty, _ = await exported(shop, type=type_, format="JSONL")
    assert empty == ""
    everything(shop)
    text, report = await exported(shop, type=type_)
    [row] = table(text)
    assert report["rows"] == 1
    assert row["ID"][3] == "_"
    assert row["Site"] == "Site a"
    lines, _ = await exported(shop, type=type_, format="JSONL")
    [line] = [json.loads(one) for one in lines.splitlines()]
    assert len(line) == len(row)
    assert line["id"] == row["ID"]


def everything(shop: Workshop) -> None:
    """One record of each type."""
    tenant, run = shop.tenant, shop.world.sql.execute
    place = [tenant.id, tenant.sites["a"], tenant.sectors["a"]]
    head = "(account_id, site_id, sector_id, id,"
    key_id = ids.parse("key", keyword(shop, "puppy food"))
    cluster_id = new_id()
    run(f"INSERT INTO cluster {head} name) VALUES (%s, %s, %s, %s, 'Food')", [*place, cluster_id])
    run(
        "INSERT INTO keyword_cluster (account_id, site_id, keyword_id, cluster_id) VALUES (%s, %s, %s, %s)",
        [*place[:2], key_id, cluster_id],
    )
    outline = json.dumps([{"heading": "One", "level": 2}])
    run(
        f"INSERT INTO content_idea {head} cluster_id, title, outline) VALUES (%s, %s, %s, %s, %s, '+Idea', %s)",
        [*place, new_id(), cluster_id, outline],
    )
    run(f"INSERT INTO task {head} title, due_at) VALUES (%s, %s, %s, %s, 'Task', now())", [*place, new_id()])
    content_id = ids.parse("con", content(shop))
    run(
        f"INSERT INTO image {head} content_id, image_type, prompt) VALUES (%s, %s, %s, %s, %s, 'FEATURED', '@prompt')",
        [*place, new_id(), content_id],
    )
    run(
        "INSERT INTO credit_usage (account_id, site_id, id, operation_type, credits_used, cost_usd)"
        " VALUES (%s, %s, %s, 'CLUSTERING', 10, 0.01)",
        [*place[:2], new_id()],
    )


async def test_filters_are_those_of_the_lists(shop: Workshop) -> None:
    large = keyword(shop, "puppy food", volume=500, intent="COMMERCIAL")
    keyword(shop, "puppy toys", volume=100)
    keyword(shop, "kitten food", volume=900, site="b")
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"search": "FOOD"}, {"puppy food", "kitten food"}),
        ({"volume": {"gte": 100, "lte": 500}}, {"puppy food", "puppy toys"}),
        ({"volume": {"in": [100]}, "search": None}, {"puppy toys"}),
        ({"intent": ["COMMERCIAL"]}, {"puppy food"}),
        ({"ids": [large]}, {"puppy food"}),
        ({"siteId": [shop.tenant.site("b")]}, {"kitten food"}),
        ({"clustered": True}, set()),
        ({"createdAt": {"gte": "2020-01-01T00:00:00Z"}, "clustered": False, "search": "toys"}, {"puppy toys"}),
    ]
    for filter, expected in cases:
        text, _ = await exported(shop, type="KEYWORDS", keywordFilter=filter)
        assert {row["Keyword"] for row in table(text)} == expected, filter
    inside, _ = await exported(shop, type="KEYWORDS", siteId=shop.tenant.site("a"), keywordFilter={"search": "food"})
    assert {row["Keyword"] for row in table(inside)} == {"puppy food"}
    content(shop, title="Kept")
    content(shop, title="Left out")
    kept, _ = await exported(shop, type="CONTENTS", contentFilter={"search": "kept", "status": ["DRAFT"]})
    assert [row["Title"] for row in table(kept)] == ["Kept"]


async def test_wrong_filters_start_nothing(shop: Workshop) -> None:
    owner = shop.tenant[Role.OWNER]
    for input, field in (
        ({"type": "CLUSTERS", "keywordFilter": {}}, "keywordFilter"),
        ({"type": "KEYWORDS", "contentFilter": {"search": "x"}}, "contentFilter"),
    ):
        payload = await started(shop, owner, **input)
        assert [(e["code"], e["field"]) for e in payload["errors"]] == [("VALIDATION", ["input", field])]
    for given, code in ((shop.tenant.site("a"), "VALIDATION"), (ids.show("key", new_id()), "NOT_FOUND")):
        payload = await started(shop, owner, type="KEYWORDS", keywordFilter={"ids": [given]})
        assert [(e["code"], e["field"]) for e in payload["errors"]] == [
            (code, ["input", "keywordFilter", "ids", "0"])
        ]
    assert shop.world.sql.execute("SELECT count(*) FROM job WHERE account_id = %s", [shop.tenant.id]).fetchone() == (
        0,
    )


async def test_users_of_single_sites_export_these_alone(shop: Workshop) -> None:
    keyword(shop, "mine")
    keyword(shop, "not mine", site="b")
    viewer = shop.tenant[Role.VIEWER]
    for input in ({}, {"siteId": shop.tenant.site("a")}, {"keywordFilter": {"siteId": [shop.tenant.site("a")]}}):
        text, _ = await exported(shop, viewer, type="KEYWORDS", **input)
        assert [row["Keyword"] for row in table(text)] == ["mine"]
    foreign = await started(shop, viewer, type="KEYWORDS", keywordFilter={"siteId": [shop.tenant.site("b")]})
    assert [error["code"] for error in foreign["errors"]] == ["NOT_FOUND"]
    refused = await started(shop, viewer, type="KEYWORDS", siteId=shop.tenant.site("b"))
    assert [(e["code"], e["field"]) for e in refused["errors"]] == [("NOT_FOUND", ["input", "siteId"])]
    shop.world.grant(shop.tenant, Role.VIEWER, "b")
    refused = await started(shop, viewer, type="KEYWORDS")
    assert [(e["code"], e["field"]) for e in refused["errors"]] == [("VALIDATION", ["input", "siteId"])]


async def test_what_was_spent_is_for_those_who_see_the_balance(shop: Workshop) -> None:
    everything(shop)
    site = shop.tenant.site("a")
    for role in (Role.EDITOR, Role.VIEWER):
        wanted = {"type": "CREDIT_USAGE", "format": "CSV", "siteId": site}
        assert await shop.api.code(START, as_=shop.tenant[role], input=wanted) == "FORBIDDEN"
    payload = await started(shop, shop.tenant[Role.ADMIN], type="CREDIT_USAGE", siteId=site)
    await shop.ended_for(shop.tenant[Role.ADMIN], payload["job"]["id"])
    seen = await shop.api.data("query($id: ID!) { job(id: $id) { id } }", as_=shop.editor, id=payload["job"]["id"])
    assert seen == {"job": None}


async def test_a_suspended_account_still_gets_its_records(shop: Workshop) -> None:
    keyword(shop, "puppy food")
    shop.world.sql.execute("UPDATE account SET status = 'SUSPENDED' WHERE id = %s", [shop.tenant.id])
    text, _ = await exported(shop, type="KEYWORDS")
    assert len(table(text)) == 1
