"""What clusters sum up stays right while several people edit at once."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest

from igny8.access import Role
from igny8.gql import ids
from tests.planner.desk import Desk, public
from tests.support.api import Api
from tests.support.world import World

pytestmark = pytest.mark.anyio

PEOPLE = (Role.EDITOR, Role.ADMIN, Role.OWNER)
EDITS = 15
KEYWORDS, CLUSTERS = 12, 4
INTENTS = ("INFORMATIONAL", "COMMERCIAL", "TRANSACTIONAL", "UNKNOWN")
#: What may be told of an edit that came too late, or that another one was in the way of.
TOO_LATE = {"NOT_FOUND", "ALREADY_EXISTS", "NOT_ALLOWED_NOW", "CONFLICT"}
IN_THE_WAY = "UNAVAILABLE"


class Person:
    """Somebody who edits at random what was there at the start, and what they made themselves."""

    def __init__(self, desk: Desk, role: Role, random: Random, clusters: list[str], keywords: list[str]) -> None:
        self.desk, self.role, self.random = desk, role, random
        self.clusters, self.keywords = list(clusters), keywords
        self.ideas: list[str] = []

    async def edit(self, number: int) -> None:
        some = self.random.sample(self.keywords, self.random.randint(1, 4))
        one, other = self.random.sample(self.clusters, 2)
        sector = self.desk.tenant.sector("a")
        name = f"{self.role} {number}"
        new = {"sectorId": sector, "name": name, "keywordIds": some}
        edit: tuple[str, dict[str, Any]] = self.random.choice([
            ("addKeywordsToCluster", {"clusterId": one, "keywordIds": some}),
            ("addKeywordsToCluster", {"clusterId": one, "keywordIds": some}),
            ("removeKeywordsFromCluster", {"clusterId": one, "keywordIds": some}),
            ("mergeClusters", {"ids": [one], "into": other}),
            ("deleteClusters", {"ids": [one], "force": True}),
            ("createCluster", {"input": new}),
            ("createCluster", {"input": new}),
            ("createKeywords", {"input": {"sectorId": sector, "keywords": [self._keyword() for _ in range(3)]}}),
            ("createIdea", {"input": {"sectorId": sector, "title": name, "clusterId": one}}),
            ("updateIdea", {"input": {"id": self._idea(), "clusterId": other}}),
            ("deleteIdeas", {"ids": [self._idea()]}),
            ("setClustersStatus", {"ids": [one], "status": self.random.choice(("ARCHIVED", "NEW", "MAPPED"))}),
        ])  # fmt: skip
        await self._do(*edit)

    def _keyword(self) -> dict[str, Any]:
        """New values for a keyword that is there."""
        return {
            "keyword": f"keyword {self.random.randrange(KEYWORDS)}",
            "volume": self.random.choice((0, 10, 500)),
            "difficulty": self.random.choice((1, 50, 99)),
            "intent": self.random.choice(INTENTS),
        }

    def _idea(self) -> str:
        return self.random.choice(self.ideas or ["ide_" + "0" * 32])

    async def _do(self, field: str, given: dict[str, Any]) -> None:
        selection = {"createCluster": "cluster { id }", "createIdea": "idea { id }"}.get(field, "message")
        answer = await self.desk.ask(field, selection, role=self.role, **given)
        if "errors" in answer:
            assert [error["extensions"]["code"] for error in answer["errors"]] == [IN_THE_WAY]
            return
        payload = answer["data"][field]
        assert {error["code"] for error in payload["errors"]} <= TOO_LATE, (field, payload)
        if payload["success"] and field == "createCluster":
            self.clusters.append(payload["cluster"]["id"])
        if payload["success"] and field == "createIdea":
            self.ideas.append(payload["idea"]["id"])


def recomputed(desk: Desk) -> dict[Any, Any]:
    """Each cluster's sums and status, and each keyword's, out of the links alone."""
    run, account = desk.world.sql.execute, [desk.tenant.id]
    keywords = {row[0]: row[1:] for row in run(
        "SELECT id, volume, difficulty, intent, status FROM keyword WHERE account_id = %s", account
    )}  # fmt: skip
    links = run("SELECT keyword_id, cluster_id FROM keyword_cluster WHERE account_id = %s", account).fetchall()
    with_ideas = {row[0] for row in run("SELECT cluster_id FROM content_idea WHERE account_id = %s", account)}
    made: dict[Any, Any] = {}
    for cluster, status in run("SELECT id, status FROM cluster WHERE account_id = %s", account).fetchall():
        mine = [keywords[keyword] for keyword, its in links if its == cluster]
        rated = [(max(volume or 0, 1), difficulty) for volume, difficulty, _, _ in mine if difficulty is not None]
        weights = sum(weight for weight, _ in rated)
        counted = Counter(intent for _, _, intent, _ in mine)
        most = max(counted.values(), default=0)
        made[cluster] = (
            len(mine),
            sum(volume or 0 for volume, *_ in mine),
            round(sum(weight * difficulty for weight, difficulty in rated) / weights, 6) if weights else None,
            min((intent for intent, count in counted.items() if count == most), default="UNKNOWN"),
            len(counted) > 1,
            "ARCHIVED" if status == "ARCHIVED" else "MAPPED" if cluster in with_ideas else "NEW",
        )
    for keyword in keywords:
        count = sum(1 for its, _ in links if its == keyword)
        made[keyword] = (count, "CLUSTERED" if count else "NEW")
    return made


def stored(desk: Desk) -> dict[Any, Any]:
    run, account = desk.world.sql.execute, [desk.tenant.id]
    columns = (
        "id, keywords_count, volume, round(difficulty::numeric, 6)::float, dominant_intent, mixed_intent, status"
    )
    found = {row[0]: row[1:] for row in run(f"SELECT {columns} FROM cluster WHERE account_id = %s", account)}
    keywords = run("SELECT id, clusters_count, status FROM keyword WHERE account_id = %s", account)
    return found | {row[0]: row[1:] for row in keywords}


@pytest.mark.parametrize("seed", range(6))
async def test_sums_equal_a_recomputation_after_random_edits_by_several_people(
    api: Api, world: World, seed: int
) -> None:
    desk = Desk(api, world, world.tenant())
    graph, random = desk.graph(), Random(seed)
    clusters = [public("clu", graph.cluster(f"Cluster {number}")) for number in range(CLUSTERS)]
    keywords = [
        public(
            "key", graph.keyword(f"keyword {number}", f"Cluster {number % CLUSTERS}", intent=random.choice(INTENTS))
        )
        for number in range(KEYWORDS)
    ]
    people = [Person(desk, role, Random(f"{seed} {role}"), clusters, keywords) for role in PEOPLE]
    for number in range(EDITS):
        await asyncio.gather(*(person.edit(number) for person in people))
    assert stored(desk) == recomputed(desk)
    used = world.sql.execute(
        'SELECT used FROM limit_usage WHERE account_id = %s AND "limit" = %s', [desk.tenant.id, "CLUSTERS"]
    ).fetchone()
    found = await desk.api.data("{ clusters(first: 100) { totalCount nodes { id } } }", as_=desk.editor)
    assert used == (found["clusters"]["totalCount"],)
    assert all(ids.parse("clu", one["id"]) in stored(desk) for one in found["clusters"]["nodes"])
