"""The ledger and the usage log as clients read them, and what they sum to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from igny8 import credits
from igny8.access import Role
from igny8.credits import OperationType, TransactionType
from igny8.db import Database, LoginRole
from igny8.gql import ids
from tests.billing.ledgers import bought, held, noted, settled
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

TRANSACTIONS = """
    query Transactions($first: Int, $after: String, $filter: CreditTransactionFilter) {
        creditTransactions(first: $first, after: $after, filter: $filter) {
            totalCount
            pageInfo { hasNextPage endCursor }
            nodes { id transactionType amount balanceAfter description user { id name } createdAt }
            edges { cursor node { id } }
        }
    }
"""
USAGE = """
    query Usage($filter: CreditUsageFilter) {
        creditUsageLogs(filter: $filter) {
            totalCount
            nodes {
                id operationType creditsUsed costUsd provider model tokensInput tokensOutput createdAt
                site { id name } user { id }
            }
            edges { cursor node { id } }
        }
    }
"""
SUMMARY = """
    query Summary($from: DateTime!, $to: DateTime!) {
        usageSummary(from: $from, to: $to) {
            from to creditsUsed costUsd costIncomplete
            byOperation { operationType creditsUsed costUsd count }
            byDay { day creditsUsed costUsd }
            bySite { creditsUsed costUsd site { id slug sectors { totalCount } } }
        }
    }
"""


async def test_every_type_of_transaction_can_be_chosen(api: Api, db: Database, tenant: Tenant) -> None:
    for kind in TransactionType:
        if kind is TransactionType.DEDUCTION:
            await bought(db, tenant.id, 5)
            await settled(db, tenant.id, await held(db, tenant.id, 2), 2)
            continue
        async with db.session(LoginRole.SYSTEM) as session:
            await credits.grant(session, tenant.id, 10, key=kind.value, transaction_type=kind, description="Given")
    for kind in TransactionType:
        chosen = {"filter": {"transactionType": [kind.value]}}
        page = (await api.data(TRANSACTIONS, as_=tenant[Role.OWNER], **chosen))["creditTransactions"]
        assert {node["transactionType"] for node in page["nodes"]} == {kind.value}


async def test_transactions_come_newest_first_with_running_balances(api: Api, db: Database, tenant: Tenant) -> None:
    owner = tenant[Role.OWNER]
    await bought(db, tenant.id, 100)
    for used in (15, 0, 7):
        await settled(db, tenant.id, await held(db, tenant.id, 40), used, said="Clustering", user_id=owner.id)
    page = (await api.data(TRANSACTIONS, as_=owner))["creditTransactions"]
    assert page["totalCount"] == 3
    assert [(n["transactionType"], n["amount"], n["balanceAfter"], n["description"]) for n in page["nodes"]] == [
        ("DEDUCTION", -7, 78, "Clustering"),
        ("DEDUCTION", -15, 85, "Clustering"),
        ("PURCHASE", 100, 100, "Bought"),
    ]
    assert [n["user"] and n["user"]["id"] for n in page["nodes"]] == [owner.public_id, owner.public_id, None]
    first = (await api.data(TRANSACTIONS, as_=owner, first=2))["creditTransactions"]
    rest = (await api.data(TRANSACTIONS, as_=owner, after=first["pageInfo"]["endCursor"]))["creditTransactions"]
    assert first["pageInfo"]["hasNextPage"]
    assert [n["id"] for n in first["nodes"] + rest["nodes"]] == [n["id"] for n in page["nodes"]]
    bought_alone = {"transactionType": ["PURCHASE"], "createdAt": {"gte": "2026-01-01T00:00:00Z"}}
    filtered = (await api.data(TRANSACTIONS, as_=owner, filter=bought_alone))["creditTransactions"]
    assert [n["amount"] for n in filtered["nodes"]] == [100]
    node = await api.data(
        "query($id: ID!) { node(id: $id) { ... on CreditTransaction { amount } } }",
        as_=owner,
        id=page["nodes"][0]["id"],
    )
    assert node == {"node": {"amount": -7}}


async def test_usage_says_what_each_operation_used(api: Api, db: Database, tenant: Tenant) -> None:
    owner = tenant[Role.OWNER]
    a, b = tenant.sites["a"], tenant.sites["b"]
    await noted(db, tenant.id, OperationType.CLUSTERING, 10, cost="0.001234", site_id=a, user_id=owner.id)
    await noted(db, tenant.id, OperationType.IMAGE_GENERATION, 5, site_id=b)
    page = (await api.data(USAGE, as_=owner))["creditUsageLogs"]
    image, cluster = page["nodes"]
    assert (image["operationType"], image["creditsUsed"], image["costUsd"], image["user"]) == (
        "IMAGE_GENERATION",
        5,
        None,
        None,
    )
    assert cluster == {
        "id": cluster["id"],
        "operationType": "CLUSTERING",
        "creditsUsed": 10,
        "costUsd": "0.001234",
        "provider": "openai",
        "model": "gpt-5-mini",
        "tokensInput": 1200,
        "tokensOutput": 340,
        "createdAt": cluster["createdAt"],
        "site": {"id": tenant.site("a"), "name": "Site a"},
        "user": {"id": owner.public_id},
    }
    for filter in ({"siteId": tenant.site("a")}, {"operationType": ["CLUSTERING"]}):
        filtered = (await api.data(USAGE, as_=owner, filter=filter))["creditUsageLogs"]
        assert [n["id"] for n in filtered["nodes"]] == [cluster["id"]]
    past = {"createdAt": {"lt": "2020-01-01T00:00:00Z"}}
    assert (await api.data(USAGE, as_=owner, filter=past))["creditUsageLogs"]["totalCount"] == 0


async def test_usage_outlives_its_site_and_its_user(api: Api, db: Database, world: World, tenant: Tenant) -> None:
    editor = world.person(tenant, Role.EDITOR)
    site_id = world.site(tenant, "gone")
    await noted(db, tenant.id, OperationType.CLUSTERING, 10, cost="0.5", site_id=site_id, user_id=editor.id)
    world.sql.execute("DELETE FROM site WHERE id = %s", [site_id])
    world.sql.execute("DELETE FROM app_user WHERE id = %s", [editor.id])
    (node,) = (await api.data(USAGE, as_=tenant[Role.OWNER]))["creditUsageLogs"]["nodes"]
    assert (node["creditsUsed"], node["site"], node["user"]) == (10, None, None)
    summed = (await api.data(SUMMARY, as_=tenant[Role.OWNER], **around_now()))["usageSummary"]
    assert (summed["creditsUsed"], summed["bySite"]) == (10, [])


def around_now() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"from": (now - timedelta(days=1)).isoformat(), "to": (now + timedelta(days=1)).isoformat()}


async def test_a_summary_adds_up_by_operation_by_day_and_by_site(
    api: Api, db: Database, world: World, tenant: Tenant
) -> None:
    a, b = tenant.sites["a"], tenant.sites["b"]
    made = [
        (OperationType.CLUSTERING, 10, "0.01", a, "2026-03-01T23:59:59Z"),
        (OperationType.CLUSTERING, 20, "0.02", b, "2026-03-02T00:00:00Z"),
        (OperationType.CONTENT_GENERATION, 12, "0.3", a, "2026-03-02T12:00:00Z"),
        (OperationType.IMAGE_GENERATION, 5, "0.04", None, "2026-03-02T13:00:00Z"),
        (OperationType.LINKING, 1000, "9", a, "2026-03-03T00:00:00Z"),
        (OperationType.LINKING, 1000, "9", a, "2026-02-28T23:59:59Z"),
    ]
    for operation, used, cost, site_id, at in made:
        usage_id = await noted(db, tenant.id, operation, used, cost=cost, site_id=site_id)
        world.sql.execute("UPDATE credit_usage SET created_at = %s WHERE id = %s", [at, usage_id])
    other = world.tenant()
    await noted(db, other.id, OperationType.CLUSTERING, 500, cost="5")
    between = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-03T00:00:00Z"}
    summed = (await api.data(SUMMARY, as_=tenant[Role.ADMIN], **between))["usageSummary"]
    assert (summed["from"], summed["to"]) == ("2026-03-01T00:00:00+00:00", "2026-03-03T00:00:00+00:00")
    assert (summed["creditsUsed"], summed["costUsd"], summed["costIncomplete"]) == (47, "0.370000", False)
    assert summed["byOperation"] == [
        {"operationType": "CLUSTERING", "creditsUsed": 30, "costUsd": "0.030000", "count": 2},
        {"operationType": "CONTENT_GENERATION", "creditsUsed": 12, "costUsd": "0.300000", "count": 1},
        {"operationType": "IMAGE_GENERATION", "creditsUsed": 5, "costUsd": "0.040000", "count": 1},
    ]
    assert summed["byDay"] == [
        {"day": "2026-03-01", "creditsUsed": 10, "costUsd": "0.010000"},
        {"day": "2026-03-02", "creditsUsed": 37, "costUsd": "0.360000"},
    ]
    by_site = {found["site"]["id"]: (found["creditsUsed"], found["site"]["slug"]) for found in summed["bySite"]}
    assert by_site == {tenant.site("a"): (22, "a"), tenant.site("b"): (20, "b")}


async def test_a_cost_that_is_not_known_makes_the_sum_incomplete(api: Api, db: Database, tenant: Tenant) -> None:
    await noted(db, tenant.id, OperationType.CLUSTERING, 10)
    await noted(db, tenant.id, OperationType.CLUSTERING, 10, cost="0.25")
    summed = (await api.data(SUMMARY, as_=tenant[Role.OWNER], **around_now()))["usageSummary"]
    assert (summed["costUsd"], summed["costIncomplete"]) == ("0.250000", True)


async def test_a_time_without_usage_sums_to_nothing(api: Api, tenant: Tenant) -> None:
    summed = (await api.data(SUMMARY, as_=tenant[Role.OWNER], **around_now()))["usageSummary"]
    assert (summed["creditsUsed"], summed["costUsd"], summed["costIncomplete"]) == (0, "0", False)
    assert summed["byOperation"] == summed["byDay"] == summed["bySite"] == []


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2025-01-01T00:00:00Z", "2026-01-02T00:00:01Z"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ],
)
async def test_a_summary_is_of_at_most_a_year(api: Api, tenant: Tenant, start: str, end: str) -> None:
    asked: dict[str, Any] = {"from": start, "to": end}
    answer = await api(SUMMARY, as_=tenant[Role.OWNER], **asked)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert answer["errors"][0]["message"] == "'to' must be later than 'from', by at most 366 days."
    literal = f'{{ usageSummary(from: "{start}", to: "{end}") {{ creditsUsed }} }}'
    assert await api.code(literal, as_=tenant[Role.OWNER]) == "BAD_REQUEST"


async def test_two_summaries_of_one_request_are_two(api: Api, db: Database, tenant: Tenant) -> None:
    await noted(db, tenant.id, OperationType.CLUSTERING, 10)
    now = around_now()
    both = await api.data(
        "query($from: DateTime!, $to: DateTime!) {"
        " now: usageSummary(from: $from, to: $to) { creditsUsed byDay { creditsUsed } }"
        ' then: usageSummary(from: "2020-01-01T00:00:00", to: "2020-02-01T00:00:00Z") { creditsUsed __typename } }',
        as_=tenant[Role.OWNER],
        **now,
    )
    assert both == {
        "now": {"creditsUsed": 10, "byDay": [{"creditsUsed": 10}]},
        "then": {"creditsUsed": 0, "__typename": "UsageSummary"},
    }


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
@pytest.mark.parametrize(
    "field",
    [
        "creditTransactions { totalCount }",
        "creditUsageLogs { totalCount }",
        'usageSummary(from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z") { creditsUsed }',
    ],
)
async def test_money_is_not_for_editors_and_viewers(api: Api, tenant: Tenant, role: Role, field: str) -> None:
    assert await api.code(f"{{ {field} }}", as_=tenant[role]) == "FORBIDDEN"


async def test_an_entry_is_no_node_for_an_editor(api: Api, db: Database, world: World, tenant: Tenant) -> None:
    await bought(db, tenant.id, 10)
    found = world.sql.execute("SELECT id FROM credit_entry WHERE account_id = %s", [tenant.id]).fetchone()
    assert found is not None
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert await api.data(node, as_=tenant[Role.EDITOR], id=ids.show("ctr", found[0])) == {"node": None}
