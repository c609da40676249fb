"""The rows that operations are drawn over, what of them each viewer sees, and the comparison of two answers."""

import json
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import httpx
import psycopg
from graphql import GraphQLSchema, print_schema
from psycopg import sql

from igny8.access import Role
from igny8.db import new_id
from igny8.settings import Settings
from tests.differential.operations import Operation, first_difference, marks_in
from tests.differential.plain import LINKS, TABLES, Asker, Plain
from tests.support.graph import Graph
from tests.support.world import Person, Tenant, World


def wide(settings: Settings) -> Settings:
    """Limits that no drawn operation reaches: they have tests of their own."""
    limits = {"max_aliases": 500, "max_tokens": 20_000, "max_nodes": 10**9, "max_repeated_keys": 200, "max_depth": 40}
    return settings.model_copy(update={**limits, "max_tokens_anonymous": 20_000, "points_per_minute": 10**9})


def fill_two_sites(world: World) -> Tenant:
    """Two sites full of rows: ties, NULLs, wide letters, rows that belong to nothing; and a neighbour."""
    fill(Graph(world, world.tenant()), Random(7))
    tenant = world.tenant()
    for site in ("a", "b"):
        fill(Graph(world, tenant, site), Random(site))
    fill_ledger(world, tenant, Random(9))
    fill_jobs(world, tenant, Random(11))
    world.sql.execute("UPDATE keyword SET created_at = '2026-01-02 03:04:05.123456+00' WHERE volume = 10")
    world.sql.execute("UPDATE image SET cost_usd = 0.0450 WHERE position = 1")
    return tenant


def fill(graph: Graph, random: Random) -> None:
    words = ["Alpha", "beta", "Käse", "ÄÖÜ", "ключ", "日本", "emoji 🎈", 'quo"te', "50% off", "tab\there"]
    clusters = [f"cluster {word}" for word in words[:5]]
    for name in clusters:
        graph.cluster(name, status=random.choice(("NEW", "MAPPED")), description=random.choice((None, name.upper())))
    for number, word in enumerate(words * 2):
        belongs = random.sample(clusters, random.choice((0, 1, 1, 2)))
        volume, difficulty = random.choice((None, 10, 10, 20, 300)), random.choice((None, 0, 50, 50, 100))
        graph.keyword(
            f"{word} {number}", *belongs, volume=volume, difficulty=difficulty,
            cpc=random.choice((None, "1.50", "0.07")), intent=random.choice(("UNKNOWN", "COMMERCIAL")),
        )  # fmt: skip
    for number in range(8):
        graph.idea(
            f"Idea {number % 4}",
            priority=random.choice((1, 1, 2)),
            cluster_id=graph.ids[random.choice(clusters)] if number % 3 else None,
            outline=json.dumps([{"heading": "One", "level": 2, "notes": None}] * (number % 3)),
        )
        graph.task(
            f"Task {number}",
            idea_id=graph.ids[f"Idea {number % 4}"] if number % 2 else None,
            cluster_id=graph.ids[random.choice(clusters)] if number % 4 else None,
            status=random.choice(("QUEUED", "COMPLETED")),
            due_at=random.choice((None, "2026-05-05T05:05:05Z", "2026-05-06T00:00:00Z")),
        )
        graph.content(
            f"Content {number}",
            task_id=graph.ids[f"Task {number}"] if number % 3 else None,
            cluster_id=graph.ids[random.choice(clusters)] if number % 2 else None,
            tags=[["t1"], ["t1", "t2"], []][number % 3],
            categories=[["c1"], []][number % 2],
            score=random.choice((None, 50.5, 80)),
            word_count=random.choice((10, 10, 999)),
        )
        for version in range(1, number % 3 + 1):
            graph.revision(f"Content {number}", version)
        graph.image(
            f"Image {number}",
            content_id=graph.ids[f"Content {number}"] if number % 2 else None,
            task_id=None if number % 2 else graph.ids[f"Task {number}"],
            position=random.choice((None, 1, 2)),
        )
    fill_system(graph)
    keywords = [name for name in graph.ids if name.split()[0] in words]
    for number in range(8):
        for name in random.sample(keywords, 2):
            graph._link("task_keyword", task_id=graph.ids[f"Task {number}"], keyword_id=graph.ids[name])
    for number in range(4):
        for name in random.sample(keywords, 3):
            graph._link("idea_keyword", idea_id=graph.ids[f"Idea {number}"], keyword_id=graph.ids[name])


def fill_system(graph: Graph) -> None:
    """Strategies with a sector and without; and what an account has of its own, once."""
    tenant, site = graph.tenant, graph.site
    for number in range(4):
        placed = {"site_id": tenant.sites[site], "sector_id": tenant.sectors[site]} if number % 2 else {}
        graph._execute(
            "strategy",
            {
                "account_id": tenant.id, "id": new_id(), "name": f"{site} {number}",
                "prompt_types": [["IDEAS", "CONTENT"], []][number // 2], "instructions": json.dumps({"a": [number]}),
                **placed,
            },
        )  # fmt: skip
    if site != "a":
        return
    for number in range(3):
        profile = {"account_id": tenant.id, "id": new_id(), "name": f"P{number}", "is_default": number == 1}
        graph._execute("author_profile", profile)
    checks = [{"id": "key", "passed": False, "blocking": True, "message": "No.", "remedy": None}]
    report = {"ok": False, "checks": checks, "testedAt": "2026-01-01T00:00:00+00:00"}
    for provider, tested in (("OPENAI", json.dumps(report)), ("RUNWARE", None)):
        own = {"account_id": tenant.id, "id": new_id(), "integration_type": provider, "last_test": tested}
        graph._execute("integration_settings", own)


def fill_ledger(world: World, tenant: Tenant, random: Random) -> None:
    """Entries and usage, some of them of users and sites that are gone."""
    people = [tenant[Role.OWNER].id, tenant[Role.EDITOR].id, new_id(), None]
    sites = [*tenant.sites.values(), new_id(), None]
    for number in range(1, 13):
        world.sql.execute(
            "INSERT INTO credit_entry (account_id, id, number, key, transaction_type, amount, balance_after, description,"
            " user_id) VALUES (%s, %s, %s, %s, %s, 5, %s, 'Entry', %s)",
            (
                tenant.id, new_id(), number, f"entry {number}", random.choice(("PURCHASE", "REFUND")), number * 5,
                random.choice(people),
            ),
        )  # fmt: skip
        world.sql.execute(
            "INSERT INTO credit_usage (account_id, id, operation_type, credits_used, cost_usd, model, site_id, user_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                tenant.id, new_id(), random.choice(("CLUSTERING", "LINKING")), number, random.choice((None, "0.0100")),
                random.choice((None, "gpt")), random.choice(sites), random.choice(people),
            ),
        )  # fmt: skip
    world.sql.execute("UPDATE wallet SET balance = 60, entries = 12 WHERE account_id = %s", (tenant.id,))


def fill_jobs(world: World, tenant: Tenant, random: Random) -> None:
    """Jobs of sites and of the account, some with items, some that ended badly and were run again."""
    scopes = [*tenant.sites.values(), tenant.id]
    (cluster,) = (
        world.sql.execute("SELECT id FROM cluster WHERE account_id = %s LIMIT 1", [tenant.id]).fetchone() or ()
    )
    (task,) = world.sql.execute("SELECT id FROM task WHERE account_id = %s LIMIT 1", [tenant.id]).fetchone() or ()
    contents = world.sql.execute("SELECT id FROM content WHERE account_id = %s", [tenant.id]).fetchall()
    before: UUID | None = None
    for number in range(9):
        job_id, scope, failed = new_id(), scopes[number % 3], number % 2 == 1
        state = "FAILED" if failed else "SUCCEEDED"
        error = ("TIMEOUT", "Too slow.", True) if failed else (None, None, None)
        world.sql.execute(
            "INSERT INTO job (account_id, id, scope_id, kind, queue, state, error_code, error_message, error_retryable,"
            " items_total, max_attempts, started_by_id, retry_of_id, queued_at, finished_at)"
            " VALUES (%s, %s, %s, %s, 'work', %s, %s, %s, %s, 3, 3, %s, %s, %s, '2026-03-01')",
            (
                tenant.id, job_id, scope, random.choice(("GENERATE_IDEAS", "CLUSTER_KEYWORDS")), state, *error,
                random.choice((tenant[Role.OWNER].id, None)), before if number % 4 == 3 else None,
                random.choice(("2026-02-01", "2026-02-02")),
            ),
        )  # fmt: skip
        for position, subject in enumerate((("cluster", cluster), ("task", task), ("cluster", new_id()))):
            world.sql.execute(
                "INSERT INTO job_item (account_id, id, job_id, scope_id, position, subject_kind, subject_id, state,"
                " error_code, error_message, error_retryable) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (tenant.id, new_id(), job_id, scope, position, *subject, state, *error),
            )
        (content,) = contents[number % len(contents)]
        world.sql.execute(
            "INSERT INTO job_result (account_id, job_id, scope_id, result_kind, result_id, position)"
            " VALUES (%s, %s, %s, 'content', %s, %s)",
            (tenant.id, job_id, scope, content, new_id()),
        )
        world.sql.execute(
            "INSERT INTO credit_usage (account_id, id, operation_type, credits_used, cost_usd, model, job_id)"
            " VALUES (%s, %s, 'CLUSTERING', 1, %s, 'gpt', %s)",
            (tenant.id, new_id(), random.choice((None, "0.0100")), job_id),
        )
        before = job_id


def visible(settings: Settings, person: Person | None, account: str | None) -> dict[str, list[Any]]:
    """Every row that the policies show this person, read with their login role."""
    bound = person is not None and person.role in (Role.EDITOR, Role.VIEWER)
    url = (settings.database_member_url if bound else settings.database_app_url).get_secret_value()
    with psycopg.connect(url) as connection:
        if person is not None:
            connection.execute(
                "SELECT app_enter(%s, %s, %s, %s)", (person.account_id, person.id, person.session_id, account)
            )
        names = [table for table, _ in TABLES.values()] + list(LINKS)
        return {name: _rows(connection, name) for name in names}


def _rows(connection: psycopg.Connection[Any], table: str) -> list[Any]:
    columns = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND has_column_privilege(current_user, attrelid, attnum, 'SELECT')",
        (table,),
    ).fetchall()
    if not columns:
        return []
    listed = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
    read = sql.SQL("SELECT to_json(r)::text FROM (SELECT {} FROM {}) r").format(listed, sql.Identifier(table))
    return [json.loads(text, parse_float=Decimal) for (text,) in connection.execute(read)]


class Court:
    """Asks both, and compares."""

    def __init__(self, schema: GraphQLSchema, settings: Settings, http: httpx.AsyncClient, world: World) -> None:
        self.schema, self.settings, self.http = schema, settings, http
        self.text, self.operators = print_schema(schema), world.operators()

    def asker(self, tenant: Tenant, name: str, known: Plain | None = None) -> tuple[Plain, dict[str, str]]:
        """The plain answers for one who asks, and the headers they send."""
        if name == "anonymous":
            return Plain(self.text, visible(self.settings, None, None), Asker(), known), {}
        abroad = name == "developer"
        person = self.operators[Role.DEVELOPER] if abroad else tenant[Role(name.upper())]
        rows = visible(self.settings, person, str(tenant.id) if abroad else None)
        asker = Asker(person.role, str(tenant.id), str(person.id), str(person.session_id))
        named = {"X-Igny8-Account": tenant.public_id} if abroad else {}
        return Plain(self.text, rows, asker, known), {"Authorization": f"Bearer {person.token}", **named}

    async def difference(self, plain: Plain, headers: dict[str, str], asked: Operation) -> str | None:
        body = {"query": asked.text, "variables": asked.variables, "operationName": asked.name}
        response = await self.http.post("/graphql", json=body, headers=headers)
        compiled = response.json()
        expected = plain.answer(asked.text, asked.variables, asked.name)
        found = first_difference(_told(expected.formatted), _told(compiled))
        return None if found is None else f"{asked}\n\n{found}\n{compiled.get('errors', '')}"


def _told(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What must agree: the data, its keys in their order, and of errors where and why."""
    errors = [
        (error.get("extensions", {}).get("code", "INTERNAL"), error.get("path")) for error in answer.get("errors", ())
    ]
    return {"data": marks_in(answer.get("data")), "errors": sorted(errors, key=repr)}
