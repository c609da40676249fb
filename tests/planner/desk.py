"""Somebody who plans: an account with two sites, and mutations with one input or a few arguments."""

from dataclasses import dataclass
from typing import Any

from igny8.access import Role
from igny8.gql import ids
from tests.support.api import Api
from tests.support.graph import Graph
from tests.support.world import Person, Tenant, World

TYPES = {"ids": "[ID!]!", "keywordIds": "[ID!]!", "ideaIds": "[ID!]!", "force": "Boolean", "wordCountTarget": "Int",
         "dueAt": "DateTime", "authorProfileId": "ID", "strategyId": "ID"}  # fmt: skip
CLUSTER = "id name description status locked keywordsCount volume difficulty dominantIntent mixedIntent ideasCount"


@dataclass
class Desk:
    """Mutations by a role of a new account; `site` says in which site rows are made directly."""

    api: Api
    world: World
    tenant: Tenant

    def graph(self, site: str = "a") -> Graph:
        return Graph(self.world, self.tenant, site)

    @property
    def editor(self) -> Person:
        return self.tenant[Role.EDITOR]

    async def ask(self, field: str, selection: str, *, role: Role = Role.EDITOR, **given: Any) -> dict[str, Any]:
        """The whole answer to a mutation; `input` goes as its input type, and the rest as arguments."""
        kinds = {"input": f"{field[0].upper()}{field[1:]}Input!", "status": _status_of(field), **TYPES}
        declared = ", ".join(f"${name}: {kinds.get(name, 'ID!')}" for name in given)
        passed = ", ".join(f"{name}: ${name}" for name in given)
        text = f"mutation({declared}) {{ {field}({passed}) {{ {_ERRORS} {selection} }} }}"
        return await self.api(text, as_=self.tenant[role], **given)

    async def do(self, field: str, selection: str, *, role: Role = Role.EDITOR, **given: Any) -> dict[str, Any]:
        """The payload of a mutation."""
        answer = await self.ask(field, selection, role=role, **given)
        assert "errors" not in answer, answer["errors"]
        found: dict[str, Any] = answer["data"][field]
        assert found["success"] == (found["errors"] == [])
        return found

    async def refused(self, field: str, *, role: Role = Role.EDITOR, **given: Any) -> tuple[str, list[str]]:
        """Code and place of the one error, after which nothing is changed."""
        before = self.state()
        found = await self.do(field, "message", role=role, **given)
        (error,) = found["errors"]
        assert self.state() == before
        return error["code"], error["field"]

    async def details(self, field: str, **given: Any) -> dict[str, Any]:
        (error,) = (await self.do(field, "message", **given))["errors"]
        details: dict[str, Any] = error["details"]
        return details

    async def cluster(self, cluster_id: str) -> dict[str, Any]:
        text = f"query($id: ID!) {{ node(id: $id) {{ ... on Cluster {{ {CLUSTER} keywords(first: 100) {{"
        text += " nodes { keyword } } } } }"
        found: dict[str, Any] = (await self.api.data(text, as_=self.editor, id=cluster_id))["node"]
        return found

    async def words(self, cluster_id: str) -> list[str]:
        return sorted(one["keyword"] for one in (await self.cluster(cluster_id))["keywords"]["nodes"])

    def state(self) -> list[Any]:
        """Every row of the account's that planning could touch."""
        tables = ("keyword", "cluster", "keyword_cluster", "content_idea", "idea_keyword", "task", "task_keyword",
                  "change", "job")  # fmt: skip
        return [
            self.world.sql.execute(
                f"SELECT coalesce(jsonb_agg(t ORDER BY t::text), '[]') FROM {table} t WHERE account_id = %s",
                [self.tenant.id],
            ).fetchone()
            for table in tables
        ]

    def changes(self) -> list[tuple[str, str, int]]:
        """What was logged: kind, type, how many."""
        rows = self.world.sql.execute(
            "SELECT kind, node_type, cardinality(node_ids) FROM change WHERE account_id = %s ORDER BY at, cursor",
            [self.tenant.id],
        )
        return [tuple(row) for row in rows.fetchall()]


def public(prefix: str, id_: Any) -> str:
    return ids.show(prefix, id_)


def _status_of(field: str) -> str:
    return "ClusterStatus!" if field == "setClustersStatus" else "IdeaStatus!"


_ERRORS = "success errors { code field message details }"
