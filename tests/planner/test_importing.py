"""Importing as a job, and keywords changed by hand."""

from pathlib import Path
from typing import Any

import pytest

from igny8.access import Role
from igny8.settings import Settings
from tests.support.workshop import Providers, Workshop, workshop
from tests.support.world import World

pytestmark = pytest.mark.anyio

SAMPLES = Path(__file__).with_name("samples")
REPORT = """query($id: ID!) { job(id: $id) { state error { code message } events { percent message }
  outcome { ... on ImportReport { rows created updated unchanged rejected columns
    rejections { row column value reason } } } } }"""
KEYWORDS = """query($sector: [ID!]) { keywords(filter: {sectorId: $sector}, first: 100, orderBy: [{field: KEYWORD, direction: ASC}]) {
  nodes { id keyword volume difficulty cpc intent source status clusters { totalCount } } } }"""


async def start(shop: Workshop, **input: Any) -> Any:
    given = {"sectorId": shop.tenant.sector("a"), **input}
    return await shop.mutate("importKeywords", "job { id creditsHeld }", **given)


async def imported(shop: Workshop, csv: str, **input: Any) -> dict[str, Any]:
    """The job with its report."""
    started = await start(shop, csv=csv, **input)
    assert started["errors"] == []
    await shop.ended(started["job"]["id"])
    found: dict[str, Any] = (await shop.api.data(REPORT, as_=shop.editor, id=started["job"]["id"]))["job"]
    return found


async def keywords(shop: Workshop) -> list[dict[str, Any]]:
    data = await shop.api.data(KEYWORDS, as_=shop.editor, sector=[shop.tenant.sector("a")])
    found: list[dict[str, Any]] = data["keywords"]["nodes"]
    return found


def counts(job: dict[str, Any]) -> tuple[int, ...]:
    return tuple(job["outcome"][name] for name in ("rows", "created", "updated", "unchanged", "rejected"))


async def test_a_file_is_imported_and_told(shop: Workshop) -> None:
    job = await imported(shop, (SAMPLES / "semrush.csv").read_text())
    assert (job["state"], counts(job)) == ("SUCCEEDED", (3, 3, 0, 0, 0))
    assert job["outcome"]["columns"] == {
        "keyword": "Keyword", "volume": "Volume", "difficulty": "Keyword Difficulty", "cpc": "CPC (USD)",
        "intent": "Intent",
    }  # fmt: skip
    assert [(one["keyword"], one["volume"], one["source"]) for one in await keywords(shop)] == [
        ("best burr grinder", 9_900, "IMPORT"),
        ("buy v60 filters", None, "IMPORT"),
        ("pour over coffee", 27_100, "IMPORT"),
    ]
    assert counts(await imported(shop, (SAMPLES / "semrush.csv").read_text())) == (3, 0, 0, 3, 0)


async def test_empty_cells_leave_what_is_stored_and_the_last_of_equal_rows_counts(shop: Workshop) -> None:
    await imported(shop, "keyword,volume,kd,intent\nRed Rose,10,5,I\n")
    job = await imported(
        shop, "keyword,volume,kd,intent\nred rose,20,,\nRED  ROSE,,7,\nred\u00a0rose,30,,n/a\nblue,x,1,\n"
    )
    assert counts(job) == (4, 0, 1, 2, 1)
    assert job["outcome"]["rejections"] == [
        {"row": 4, "column": "volume", "value": "x", "reason": "This is no number of searches."}
    ]
    (one,) = await keywords(shop)
    assert (one["keyword"], one["volume"], one["difficulty"], one["intent"]) == ("Red Rose", 30, 5, "INFORMATIONAL")


async def test_a_dry_run_says_what_would_be_and_changes_nothing(shop: Workshop) -> None:
    await imported(shop, "keyword,volume\nred,1\nblue,2\n")
    before = await keywords(shop)
    job = await imported(shop, "keyword,volume\nred,5\nblue,2\ngreen,3\n", dryRun=True)
    assert (job["state"], counts(job)) == ("SUCCEEDED", (3, 1, 1, 1, 0))
    assert await keywords(shop) == before


async def test_ten_thousand_equal_rows_are_one_keyword(shop: Workshop) -> None:
    job = await imported(shop, "keyword,volume\n" + "".join(f"same,{number}\n" for number in range(10_000)))
    assert counts(job) == (10_000, 1, 0, 9_999, 0)
    assert [one["volume"] for one in await keywords(shop)] == [9_999]


async def test_the_plans_limit_keeps_nothing(settings: Settings, world: World, providers: Providers) -> None:
    async with workshop(settings, world, providers, plan="free-trial") as shop:
        job = await imported(shop, "keyword\n" + "".join(f"word {number}\n" for number in range(20_000)))
        assert (job["state"], job["error"]["code"]) == ("FAILED", "LIMIT_REACHED")
        assert await keywords(shop) == []


EXPORT = """query($id: ID!) { job(id: $id) { state outcome { ... on ExportReport { url rows } } } }"""


async def test_an_export_imports_again_unchanged(shop: Workshop) -> None:
    await imported(shop, (SAMPLES / "semrush.csv").read_text())
    odd = ["=1+1", "\u05e9\u05dc\u05d5\u05dd", '27\\" monitor, black', "'quoted'", "@home; and away"]
    given = [{"keyword": word, "serpUrls": ["https://example.com/a", "https://example.com/b"]} for word in odd]
    await shop.mutate("createKeywords", "keywords { id }", sectorId=shop.tenant.sector("a"), keywords=given)
    before = await keywords(shop)
    started = await shop.mutate("exportRecords", "job { id }", type="KEYWORDS", format="CSV")
    await shop.ended(started["job"]["id"])
    report = (await shop.api.data(EXPORT, as_=shop.editor, id=started["job"]["id"]))["job"]["outcome"]
    csv = (await shop.api.http.get(report["url"])).text
    job = await imported(shop, csv)
    assert counts(job) == (8, 0, 0, 8, 0), job["outcome"]
    assert await keywords(shop) == before


async def test_an_upload_is_imported(shop: Workshop) -> None:
    data = ("keyword,volume\n" + "".join(f"word {number},{number}\n" for number in range(40_000))).encode()
    text = """mutation($site: ID!, $bytes: Int!) { createUpload(siteId: $site, filename: "all.csv", mimeType: "text/csv",
      bytes: $bytes) { errors { message } upload { id url headers } } }"""
    made = await shop.api.data(text, as_=shop.editor, site=shop.tenant.site("a"), bytes=len(data))
    upload = made["createUpload"]["upload"]
    early = await start(shop, uploadId=upload["id"])
    assert [error["code"] for error in early["errors"]] == ["NOT_ALLOWED_NOW"]
    put = await shop.api.http.put(upload["url"], content=data, headers=upload["headers"])
    assert put.is_success, put.text
    started = await start(shop, uploadId=upload["id"])
    assert started["errors"] == []
    await shop.ended(started["job"]["id"])
    job = (await shop.api.data(REPORT, as_=shop.editor, id=started["job"]["id"]))["job"]
    assert (job["state"], counts(job)) == ("SUCCEEDED", (40_000, 40_000, 0, 0, 0))
    told = [event["percent"] for event in job["events"]]
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("input", "field", "says"),
    [
        ({}, ["input"], "either csv or uploadId"),
        ({"csv": ""}, ["input", "csv"], "The file is empty."),
        ({"csv": "clicks,ctr\n1,2"}, ["input", "csv"], "The columns are: 'clicks', 'ctr'"),
        ({"csv": "keyword\n" + "x" * 600_000}, ["input", "csv"], "createUpload"),
        ({"csv": "keyword\na", "mapping": {"colour": "x"}}, ["input", "mapping"], "no field colour"),
        ({"csv": "keyword\na", "mapping": {"volume": "x"}}, ["input", "csv"], "lacks a column"),
    ],
)
async def test_what_cannot_be_imported_starts_nothing(
    shop: Workshop, input: dict[str, Any], field: list[str], says: str
) -> None:
    refused = await start(shop, **input)
    (error,) = refused["errors"]
    assert (refused["job"], error["code"], error["field"]) == (None, "VALIDATION", field)
    assert says in error["message"]


async def update(shop: Workshop, **input: Any) -> Any:
    return await shop.mutate("updateKeyword", "keyword { keyword volume status sector { id } }", **input)


async def test_a_keyword_is_changed_by_hand(shop: Workshop) -> None:
    await imported(shop, "keyword,volume\nred,1\nblue,2\n")
    blue, red = await keywords(shop)
    changed = await update(
        shop, id=red["id"], keyword=" Red  rose ", volume=None, difficulty=9, cpc="1.25", intent="COMMERCIAL",
        status="ARCHIVED",
    )  # fmt: skip
    assert changed["keyword"] == {
        "keyword": "Red rose", "volume": None, "status": "ARCHIVED", "sector": {"id": shop.tenant.sector("a")},
    }  # fmt: skip
    (row,) = [one for one in await keywords(shop) if one["id"] == red["id"]]
    assert (row["difficulty"], row["cpc"], row["intent"]) == (9, "1.25", "COMMERCIAL")
    for input, code, field in (
        ({"keyword": "BLUE"}, "ALREADY_EXISTS", "keyword"),
        ({"keyword": None}, "VALIDATION", "keyword"),
        ({"difficulty": 101}, "VALIDATION", "difficulty"),
        ({"serpUrls": ["ftp://x"]}, "VALIDATION", "serpUrls"),
        ({"status": "CLUSTERED"}, "NOT_ALLOWED_NOW", "status"),
        ({"sectorId": shop.tenant.sector("b")}, "NOT_FOUND", "sectorId"),
    ):
        (error,) = (await update(shop, id=red["id"], **input))["errors"]
        assert (error["code"], error["field"]) == (code, ["input", field])
    assert [one["keyword"] for one in await keywords(shop)] == ["Red rose", "blue"]
    assert blue["status"] == "NEW"


async def test_many_are_archived_brought_back_and_deleted(shop: Workshop) -> None:
    await imported(shop, "keyword\nprune roses\nprune old roses\nprune young roses\nunlike\n")
    job = await shop.mutate("clusterKeywords", "job { id }", sectorId=shop.tenant.sector("a"), method="LEXICAL")
    await shop.ended(job["job"]["id"])
    ids = [one["id"] for one in await keywords(shop)]

    async def run(field: str, arguments: str, selection: str, **variables: Any) -> Any:
        text = f"mutation($ids: [ID!]!) {{ {field}({arguments}) {{ errors {{ code field }} {selection} }} }}"
        return (await shop.api.data(text, as_=shop.tenant[Role.EDITOR], ids=variables.get("ids", ids)))[field]

    archived = await run("setKeywordsStatus", "ids: $ids, status: ARCHIVED", "keywords { id status }")
    assert [(one["id"], one["status"]) for one in archived["keywords"]] == [(id_, "ARCHIVED") for id_ in ids]
    back = await run("setKeywordsStatus", "ids: $ids, status: NEW", "keywords { id }")
    assert back["errors"] == [{"code": "NOT_ALLOWED_NOW", "field": ["status"]}]
    clustered = [one["id"] for one in await keywords(shop) if one["clusters"]["totalCount"]]
    back = await run("setKeywordsStatus", "ids: $ids, status: CLUSTERED", "keywords { status }", ids=clustered)
    assert {one["status"] for one in back["keywords"]} == {"CLUSTERED"}
    gone = await run("deleteKeywords", "ids: $ids", "deletedIds", ids=clustered[:2])
    assert gone["deletedIds"] == clustered[:2]
    count = (await shop.api.data("{ clusters { nodes { keywordsCount } } }", as_=shop.editor))["clusters"]["nodes"]
    assert count == [{"keywordsCount": len(clustered) - 2}]
    assert (await run("deleteKeywords", "ids: $ids", "deletedIds", ids=clustered[:1]))["errors"][0][
        "code"
    ] == "NOT_FOUND"
    assert (await run("deleteKeywords", "ids: $ids", "deletedIds", ids=[]))["errors"][0]["code"] == "VALIDATION"


async def test_more_imports_at_once_than_there_are_connections_all_end(shop: Workshop) -> None:
    rows = "".join(f"word {number}\n" for number in range(3_000))
    started = [
        (await start(shop, csv=f"keyword\n{rows}", dryRun=number % 2 == 0))["job"]["id"] for number in range(12)
    ]
    for job_id in started:
        assert (await shop.ended(job_id))["state"] == "SUCCEEDED"
    assert len(await keywords(shop)) == 100
