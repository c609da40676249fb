"""The graph answered by plain resolvers over rows in memory: what every compiled answer is compared with.

It shares nothing with the compiler. What a viewer may see is read with the viewer's own login role; everything else is
written out here once more, as simply as it can be.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
)

from igny8.access import PERMISSIONS, Permission, Role

Json = dict[str, Any]

#: Type -> table and prefix of ids.
TABLES = {
    "Account": ("account", "acc"),
    "User": ("app_user", "usr"),
    "Session": ("session", "ses"),
    "SiteUserAccess": ("site_user_access", "uac"),
    "Site": ("site", "sit"),
    "Sector": ("sector", "sec"),
    "Industry": ("industry", "ind"),
    "IndustrySector": ("industry_sector", "ins"),
    "SeedKeyword": ("seed_keyword", "skw"),
    "Plan": ("plan", "pln"),
    "AccountSubscription": ("subscription", "sub"),
    "Keyword": ("keyword", "key"),
    "Cluster": ("cluster", "clu"),
    "ContentIdea": ("content_idea", "ide"),
    "Task": ("task", "tsk"),
    "Content": ("content", "con"),
    "ContentRevision": ("content_revision", "rev"),
    "Image": ("image", "img"),
    "AuthorProfile": ("author_profile", "aut"),
    "Strategy": ("strategy", "str"),
    "IntegrationSettings": ("integration_settings", "ist"),
    "CreditTransaction": ("credit_entry", "ctr"),
    "CreditUsageLog": ("credit_usage", "cus"),
    "Job": ("job", "job"),
    "JobItem": ("job_item", "jit"),
}
#: Tables that only others are read through.
LINKS = ("keyword_cluster", "idea_keyword", "task_keyword", "job_result", "wallet")
TYPE_OF_PREFIX = {prefix: name for name, (_, prefix) in TABLES.items()}

MANAGES, BILLS, READS = Permission.USERS_MANAGE, Permission.BILLING_READ, Permission.CONTENT_READ
#: Fields that read as null without the permission.
NEEDS: dict[tuple[str, str], Permission] = {
    **dict.fromkeys([("User", name) for name in ("email", "emailVerified", "lastSignedInAt", "siteAccess")], MANAGES),
    **dict.fromkeys([("Site", "user"), ("Site", "access"), ("Account", "users")], MANAGES),
    **dict.fromkeys([("Account", f"credits{name}") for name in ("Available", "Held", "Balance")], BILLS),
    ("Image", "costUsd"): BILLS,
    ("Job", "costUsd"): BILLS,
}
PUBLIC_ROOTS = frozenset({"plans", "industries"})
SIGNED_IN_ROOTS = frozenset({"viewer", "sessions", "node", "nodes"})
SETS = Permission.SETTINGS_MANAGE
ROOT_NEEDS = {
    "users": MANAGES,
    "accounts": Permission.SYSTEM_ADMIN,
    "integrationSettings": SETS,
    "creditTransactions": BILLS,
    "creditUsageLogs": BILLS,
}
TYPE_NEEDS = {
    "SiteUserAccess": MANAGES,
    "IntegrationSettings": SETS,
    "CreditTransaction": BILLS,
    "CreditUsageLog": BILLS,
}
#: (name, column, descending) of the keys of lists that ask for no order, where it is not the newest first.
ORDERS = {
    "SiteUserAccess": ("GRANTED_AT", "granted_at", True),
    "CreditTransaction": ("NUMBER", "number", True),
    "ContentRevision": ("VERSION", "version", True),
    "Job": ("QUEUED_AT", "queued_at", True),
    "JobItem": ("POSITION", "position", False),
}
PUBLIC_TYPES = frozenset({"Industry", "IndustrySector", "SeedKeyword", "Plan"})
SEARCHED = {
    "User": ("name", "email"),
    "Keyword": ("keyword_key",),
    "ContentIdea": ("title",),
    "Task": ("title",),
    "Content": ("title",),
}


@dataclass(frozen=True)
class Asker:
    """Who asks, and the account that is acted on."""

    role: Role | None = None
    account_id: str = ""
    user_id: str = ""
    session_id: str = ""

    def may(self, need: Permission) -> bool:
        return self.role is not None and need in PERMISSIONS[self.role]


@dataclass(frozen=True)
class Row:
    """A row of a table, as JSON says it, under the type that shows it."""

    type_name: str
    columns: Json = field(compare=False)

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    @property
    def public_id(self) -> str:
        return f"{TABLES[self.type_name][1]}_{self['id'].replace('-', '')}"


@dataclass
class Refused(Exception):
    code: str


class Plain:
    """Answers operations from rows that one viewer may see."""

    def __init__(self, schema_text: str, rows: dict[str, list[Json]], asker: Asker, known: "Plain | None") -> None:
        """`known` holds the rows that cursors may point to, seen or not."""
        self.schema: GraphQLSchema = build_schema(schema_text)
        self.rows, self.asker, self.known = rows, asker, known or self
        self.schema.type_map["Node"].resolve_type = lambda row, *_: row.type_name  # type: ignore[attr-defined]

    def answer(self, text: str, variables: Json, operation: str | None = None) -> ExecutionResult:
        return execute_sync(
            self.schema,
            parse(text),
            root_value=None,
            variable_values=variables,
            operation_name=operation,
            field_resolver=self.resolve,
        )

    def all(self, type_name: str) -> list[Row]:
        return [Row(type_name, columns) for columns in self.rows[TABLES[type_name][0]]]

    def where(self, type_name: str, **equal: Any) -> list[Row]:
        return [row for row in self.all(type_name) if all(row[name] == value for name, value in equal.items())]

    def by_id(self, type_name: str, id: str | None) -> Row | None:
        return next(iter(self.where(type_name, id=id)), None) if id is not None else None

    def linked(self, table: str, here: str, id: str, there: str, type_name: str) -> list[Row]:
        ids = {pair[there] for pair in self.rows[table] if pair[here] == id}
        return [row for row in self.all(type_name) if row["id"] in ids]

    def resolve(self, source: Any, info: GraphQLResolveInfo, **given: Any) -> Any:
        name = info.field_name
        if source is None:
            return self.root(info, name, given)
        if isinstance(source, dict):
            return source.get(name)
        need = NEEDS.get((info.parent_type.name, name))
        if need is not None and not self.asker.may(need):
            return None
        found = self.field(source, info.parent_type.name, name, given)
        return self.shown(found, info, given)

    def shown(self, found: Any, info: GraphQLResolveInfo, given: Json) -> Any:
        type_ = get_named_type(info.return_type)
        if isinstance(type_, GraphQLObjectType) and "pageInfo" in type_.fields:
            node = get_named_type(type_.fields["nodes"].type).name
            return self.page(node, found, given)
        if type_.name == "Decimal" and found is not None:
            return str(found)
        if type_.name == "Float" and found is not None:
            return float(found)
        return found

    def root(self, info: GraphQLResolveInfo, name: str, given: Json) -> Any:
        try:
            self.refuse(name)
        except Refused as refused:
            raise GraphQLError("refused", extensions={"code": refused.code}) from None
        return self.shown(
            getattr(self, f"root_{snake(name)}", lambda **_: self.roots(info))(
                **{snake(key): value for key, value in given.items()}
            ),
            info,
            given,
        )

    def refuse(self, name: str) -> None:
        if name in PUBLIC_ROOTS:
            return
        if self.asker.role is None:
            raise Refused("UNAUTHENTICATED")
        if name not in SIGNED_IN_ROOTS and not self.asker.may(ROOT_NEEDS.get(name, READS)):
            raise Refused("FORBIDDEN")

    def roots(self, info: GraphQLResolveInfo) -> list[Row]:
        connection: Any = get_named_type(info.return_type)
        return self.all(get_named_type(connection.fields["nodes"].type).name)

    def root_viewer(self) -> Row | None:
        found = self.by_id("Account", self.asker.account_id)
        return Row("Viewer", found.columns) if found else None

    def root_account(self, id: str | None = None) -> Row | None:
        return self.by_id("Account", uuid_of(id) if id else self.asker.account_id)

    def root_accounts(self, search: str | None = None, **_: Any) -> list[Row]:
        return [row for row in self.all("Account") if matches(row, ("name", "slug"), search)]

    def root_sessions(self) -> list[Row]:
        now = datetime.now(UTC)
        live = [
            row
            for row in self.where("Session", user_id=self.asker.user_id, revoked_at=None)
            if moment(row["expires_at"]) > now
        ]
        return newest(live)

    def root_industries(self) -> list[Row]:
        return sorted(self.all("Industry"), key=lambda row: (row["name"], row["id"]))

    def root_plans(self) -> list[Row]:
        return sorted(self.where("Plan", is_active=True), key=lambda row: (Decimal(row["price"]), row["id"]))

    def root_integration_settings(self) -> list[Row]:
        return sorted(self.all("IntegrationSettings"), key=lambda row: (row["integration_type"], row["id"]))

    def root_site(self, id: str | None = None, slug: str | None = None) -> Row | None:
        if id is None and slug is None:
            return None
        return next(
            (
                row
                for row in self.all("Site")
                if (id is None or row["id"] == uuid_of(id)) and (slug is None or row["slug"] == slug)
            ),
            None,
        )

    def root_content(self, id: str | None = None, site_id: str | None = None, slug: str | None = None) -> Row | None:
        if id is None and (site_id is None or slug is None):
            return None
        for row in self.all("Content"):
            same = (id is None or row["id"] == uuid_of(id)) and (
                site_id is None or row["site_id"] == uuid_of(site_id)
            )
            if same and (slug is None or row["slug"].lower() == slug.lower()):
                return row
        return None

    def root_node(self, id: str) -> Row | None:
        type_name = TYPE_OF_PREFIX.get(id[:3])
        if type_name is None or not self.may_read(type_name):
            return None
        found = self.by_id(type_name, uuid_of(id))
        if found is not None and type_name == "Session" and found["user_id"] != self.asker.user_id:
            return None
        return found

    def root_nodes(self, ids: list[str]) -> list[Row | None]:
        return [self.root_node(id) for id in ids]

    def may_read(self, type_name: str) -> bool:
        if type_name in PUBLIC_TYPES or type_name == "Session":
            return True
        return self.asker.may(TYPE_NEEDS.get(type_name, READS))

    def field(self, row: Row, type_name: str, name: str, given: Json) -> Any:
        if name == "id":
            return row.public_id
        own = getattr(self, f"{snake(type_name)}_{snake(name)}", None)
        if own is not None:
            return own(row, **given) if takes_arguments(own) else own(row)
        if f"{snake(name)}_id" in row.columns:
            return self.by_id(self.target(type_name, name), row[f"{snake(name)}_id"])
        if snake(name) in row.columns:
            return row[snake(name)]
        return self.children(row, type_name, name, given)

    def target(self, type_name: str, name: str) -> str:
        parent: Any = self.schema.type_map[type_name]
        return get_named_type(parent.fields[name].type).name

    def children(self, row: Row, type_name: str, name: str, given: Json) -> Any:
        """A one-to-many edge by the name of this row's kind, or one row of it by `id`."""
        parent: Any = self.schema.type_map[type_name]
        target = get_named_type(parent.fields[name].type)
        many = "pageInfo" in target.fields
        kind = get_named_type(target.fields["nodes"].type).name if many else target.name
        column = {"ContentIdea": "idea_id", "User": "user_id"}.get(type_name, f"{snake(type_name)}_id")
        found = self.where(kind, **{column: row["id"]})
        return found if many else next((child for child in found if child["id"] == uuid_of(given["id"])), None)

    # What is not a column, a reference or a plain one-to-many edge.

    def viewer_user(self, _: Row) -> Row | None:
        return self.by_id("User", self.asker.user_id)

    def viewer_account(self, row: Row) -> Row:
        return Row("Account", row.columns)

    def viewer_role(self, _: Row) -> str | None:
        return self.asker.role

    def viewer_permissions(self, _: Row) -> list[str]:
        return sorted(PERMISSIONS[self.asker.role]) if self.asker.role else []

    def viewer_session(self, _: Row) -> Row | None:
        return next(iter(self.where("Session", id=self.asker.session_id, user_id=self.asker.user_id)), None)

    def account_owner(self, row: Row) -> Row | None:
        return next(iter(self.where("User", account_id=row["id"], role="OWNER")), None)

    def account_plan(self, row: Row) -> Row | None:
        (subscription,) = self.where("AccountSubscription", account_id=row["id"])
        return self.by_id("Plan", subscription["plan_id"])

    def account_subscription(self, row: Row) -> Row | None:
        return next(iter(self.where("AccountSubscription", account_id=row["id"])), None)

    def wallet(self, row: Row) -> Json:
        return next(wallet for wallet in self.rows["wallet"] if wallet["account_id"] == row["id"])

    def account_credits_available(self, row: Row) -> int:
        return int(self.wallet(row)["balance"] - self.wallet(row)["held"])

    def account_credits_held(self, row: Row) -> int:
        return int(self.wallet(row)["held"])

    def account_credits_balance(self, row: Row) -> int:
        return int(self.wallet(row)["balance"])

    def session_current(self, row: Row) -> bool:
        return bool(row["id"] == self.asker.session_id)

    def site_user_access_granted_by(self, row: Row) -> Row | None:
        return self.by_id("User", row["granted_by_id"])

    def user_site_access(self, row: Row, **_: Any) -> list[Row]:
        return self.where("SiteUserAccess", user_id=row["id"])

    def industry_sectors(self, row: Row) -> list[Row]:
        return sorted(self.where("IndustrySector", industry_id=row["id"]), key=lambda s: (s["name"], s["id"]))[:20]

    def industry_sector_seed_keywords(self, row: Row) -> list[Row]:
        seeds = self.where("SeedKeyword", industry_sector_id=row["id"])
        return sorted(seeds, key=lambda seed: (seed["keyword"], seed["id"]))[:50]

    def plan_limits(self, row: Row) -> Any:
        return row["limits"]

    def sees(self, user: Row, site_ids: list[str]) -> bool:
        if user["role"] not in ("EDITOR", "VIEWER"):
            return True
        return any(grant["site_id"] in site_ids for grant in self.where("SiteUserAccess", user_id=user["id"]))

    def site_user(self, row: Row, id: str) -> Row | None:
        found = self.by_id("User", uuid_of(id))
        return found if found and found["account_id"] == row["account_id"] and self.sees(found, [row["id"]]) else None

    def site_access(self, row: Row, **_: Any) -> list[Row]:
        return self.where("SiteUserAccess", site_id=row["id"])

    def site_stats(self, row: Row) -> Json:
        return self.stats("site_id", row)

    def sector_stats(self, row: Row) -> Json:
        return self.stats("sector_id", row)

    def stats(self, scope: str, owner: Row) -> Json:
        inside = {name: self.where(name, **{scope: owner["id"]}) for name in TABLES if name in _COUNTED}
        clustered = [row for row in inside["Keyword"] if row["status"] == "CLUSTERED"]
        return {
            "keywords": len(inside["Keyword"]),
            "keywordsClustered": len(clustered),
            "clusters": len(inside["Cluster"]),
            "ideas": len(inside["ContentIdea"]),
            "tasks": len(inside["Task"]),
            "tasksCompleted": sum(row["status"] == "COMPLETED" for row in inside["Task"]),
            "contents": len(inside["Content"]),
            "contentsPublished": sum(row["status"] == "PUBLISHED" for row in inside["Content"]),
            "images": len(inside["Image"]),
            "words": sum(row["word_count"] for row in inside["Content"]),
            "searchVolume": sum(row["volume"] or 0 for row in inside["Keyword"]),
            "searchVolumeCovered": sum(row["volume"] or 0 for row in clustered),
        }

    def keyword_clusters(self, row: Row, **_: Any) -> list[Row]:
        return self.linked("keyword_cluster", "keyword_id", row["id"], "cluster_id", "Cluster")

    def keyword_ideas(self, row: Row, **_: Any) -> list[Row]:
        return self.linked("idea_keyword", "keyword_id", row["id"], "idea_id", "ContentIdea")

    def keyword_tasks(self, row: Row, **_: Any) -> list[Row]:
        return self.linked("task_keyword", "keyword_id", row["id"], "task_id", "Task")

    def cluster_keywords(self, row: Row, **_: Any) -> list[Row]:
        return self.linked("keyword_cluster", "cluster_id", row["id"], "keyword_id", "Keyword")

    def content_idea_keywords(self, row: Row, **_: Any) -> list[Row]:
        return self.linked("idea_keyword", "idea_id", row["id"], "keyword_id", "Keyword")

    def task_keywords(self, row: Row, **_: Any) -> list[Row]:
        return self.linked("task_keyword", "task_id", row["id"], "keyword_id", "Keyword")

    def cluster_ideas_count(self, row: Row) -> int:
        return len(self.where("ContentIdea", cluster_id=row["id"]))

    def cluster_contents_count(self, row: Row) -> int:
        return len(self.where("Content", cluster_id=row["id"]))

    def task_content(self, row: Row) -> Row | None:
        return next(iter(self.where("Content", task_id=row["id"])), None)

    def task_latest_job(self, row: Row) -> Row | None:
        about = sorted(self.where("JobItem", subject_id=row["id"]), key=lambda item: item["id"])
        return self.by_id("Job", about[-1]["job_id"]) if about else None

    def content_jobs(self, row: Row, **_: Any) -> list[Row]:
        ids = {item["job_id"] for item in self.where("JobItem", subject_id=row["id"])}
        ids |= {made["job_id"] for made in self.rows["job_result"] if made["result_id"] == row["id"]}
        return [job for job in self.all("Job") if job["id"] in ids]

    def content_idea_contents(self, row: Row, **_: Any) -> list[Row]:
        tasks = {task["id"] for task in self.where("Task", idea_id=row["id"])}
        return [content for content in self.all("Content") if content["task_id"] in tasks]

    def content_idea(self, row: Row) -> Row | None:
        task = self.by_id("Task", row["task_id"])
        return self.by_id("ContentIdea", task["idea_id"]) if task else None

    def site_jobs(self, row: Row, **_: Any) -> list[Row]:
        return self.where("Job", scope_id=row["id"])

    def root_job(self, id: str) -> Row | None:
        return self.by_id("Job", uuid_of(id))

    def job_site(self, row: Row) -> Row | None:
        return self.by_id("Site", row["scope_id"])

    def job_items(self, row: Row, **_: Any) -> list[Row]:
        return self.where("JobItem", job_id=row["id"])

    def job_error(self, row: Row) -> Json | None:
        if row["error_code"] is None:
            return None
        return {name: row[f"error_{name}"] for name in ("code", "message", "retryable")}

    job_item_error = image_error = job_error

    def job_item_subject(self, row: Row) -> Row | None:
        (kind,) = [name for name, (table, _) in TABLES.items() if table == row["subject_kind"]]
        return self.by_id(kind, row["subject_id"])

    def job_cost_usd(self, row: Row) -> Decimal | None:
        costs = [usage["cost_usd"] for usage in self.where("CreditUsageLog", job_id=row["id"])]
        return sum((Decimal(cost) for cost in costs if cost is not None), Decimal("0.00")) if any(costs) else None

    def job_cost_incomplete(self, row: Row) -> bool:
        used = self.where("CreditUsageLog", job_id=row["id"]) if self.asker.may(BILLS) else []
        return any(usage["cost_usd"] is None for usage in used)

    def job_where_site_id(self, row: Row, ids: list[str]) -> bool:
        return row["scope_id"] in [uuid_of(id) for id in ids]

    def job_where_subject_id(self, row: Row, ids: list[str]) -> bool:
        wanted = {uuid_of(id) for id in ids}
        return any(item["subject_id"] in wanted for item in self.job_items(row))

    # Pages.

    def page(self, node: str, found: list[Row] | None, given: Json) -> Any:
        if found is None:
            return None
        matching = [row for row in found if self.passes(node, row, given.get("filter") or {})]
        keys = order_of(node, given)
        compare = cmp_to_key(lambda a, b: compared(a, b, keys))
        rows = sorted(matching, key=compare)
        after, before = (self.marked(node, given.get(mark)) for mark in ("after", "before"))
        inside = [
            row
            for row in rows
            if (after is None or compared(row, after, keys) > 0)
            and (before is None or compared(row, before, keys) < 0)
        ]
        backward = given.get("last") is not None
        size = given["last"] if backward else given.get("first")
        size = 20 if size is None else size
        kept = inside[-size:] if backward and size else inside[: 0 if backward else size]
        more = len(inside) > size
        passed_before = before is not None and any(compared(row, before, keys) >= 0 for row in rows)
        passed_after = after is not None and any(compared(row, after, keys) <= 0 for row in rows)
        cursors = [cursor(row, keys) for row in kept]
        return {
            "nodes": kept,
            "edges": [{"cursor": mark, "node": row} for mark, row in zip(cursors, kept, strict=True)],
            "totalCount": len(rows),
            "pageInfo": {
                "hasNextPage": passed_before if backward else more,
                "hasPreviousPage": more if backward else passed_after,
                "startCursor": cursors[0] if cursors else None,
                "endCursor": cursors[-1] if cursors else None,
            },
        }

    def marked(self, node: str, mark: str | None) -> Row | None:
        return self.known.by_id(node, json.loads(base64.b64decode(mark))[-1]) if mark is not None else None

    def passes(self, node: str, row: Row, asked: Json) -> bool:
        return all(self.holds(node, row, name, value) for name, value in asked.items() if value is not None)

    def holds(self, node: str, row: Row, name: str, value: Any) -> bool:
        own = getattr(self, f"{snake(node)}_where_{snake(name)}", None)
        if own is not None:
            return bool(own(row, value))
        if name == "search":
            return matches(row, SEARCHED.get(node, ("name",)), value)
        if name == "ids":
            return row["id"] in [uuid_of(id) for id in value]
        if name in ("tag", "category"):
            return bool(set(value) & set(row["tags" if name == "tag" else "categories"]))
        column = row[snake(name)]
        if isinstance(value, dict):
            return all(compares(column, test, limit) for test, limit in value.items() if limit is not None)
        if name.endswith("Id") and name != "externalId":
            return column in [uuid_of(id) for id in (value if isinstance(value, list) else [value])]
        return column in value if isinstance(value, list) else bool(column == value)

    def user_where_site_id(self, row: Row, ids: list[str]) -> bool:
        return self.sees(row, [uuid_of(id) for id in ids])

    def keyword_where_cluster_id(self, row: Row, ids: list[str]) -> bool:
        wanted = {uuid_of(id) for id in ids}
        return any(pair["cluster_id"] in wanted for pair in self.pairs_of(row))

    def keyword_where_clustered(self, row: Row, wanted: bool) -> bool:
        return bool(self.pairs_of(row)) is wanted

    def pairs_of(self, keyword: Row) -> list[Json]:
        return [pair for pair in self.rows["keyword_cluster"] if pair["keyword_id"] == keyword["id"]]

    def task_where_has_content(self, row: Row, wanted: bool) -> bool:
        return (self.task_content(row) is not None) is wanted

    def content_where_idea_id(self, row: Row, ids: list[str]) -> bool:
        task = self.by_id("Task", row["task_id"])
        return task is not None and task["idea_id"] in [uuid_of(id) for id in ids]


_COUNTED = frozenset({"Keyword", "Cluster", "ContentIdea", "Task", "Content", "Image"})
Keys = list[tuple[str, str, bool]]


def takes_arguments(resolver: Callable[..., Any]) -> bool:
    return resolver.__code__.co_argcount > 2 or bool(resolver.__code__.co_flags & 0x08)


def uuid_of(public_id: str) -> str:
    digits = public_id[4:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])).lower()


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def newest(rows: list[Row]) -> list[Row]:
    """The newest first; rows of one moment by their id."""
    return sorted(sorted(rows, key=lambda row: row["id"]), key=lambda row: row["created_at"], reverse=True)


def matches(row: Row, names: tuple[str, ...], text: str | None) -> bool:
    return text is None or any(text.lower() in (row[name] or "").lower() for name in names)


def order_of(node: str, given: Json) -> Keys:
    """(name, column, descending) of each key; by default the newest first."""
    asked = given.get("orderBy")
    if asked:
        return [(part["field"], part["field"].lower(), part["direction"] == "DESC") for part in asked]
    return [ORDERS.get(node, ("CREATED_AT", "created_at", True))]


def comparable(value: Any) -> Any:
    """Text in the order of its code points, numbers as numbers, times as times."""
    if isinstance(value, str) and len(value) > 18 and value[10:11] == "T":
        return moment(value)
    return value


def compared(left: Row, right: Row, keys: Keys) -> int:
    """-1, 0 or 1; null after everything, and the id in the direction of the last key."""
    for _, column, descending in [*keys, ("", "id", keys[-1][2])]:
        one, other = comparable(left[column]), comparable(right[column])
        if one == other:
            continue
        if one is None or other is None:
            return 1 if one is None else -1
        return 1 if (one > other) != descending else -1
    return 0


def cursor(row: Row, keys: Keys) -> str:
    signature = ",".join(f"{name}{'-' if descending else '+'}" for name, _, descending in keys)
    values = [None if row[column] is None else str(row[column]) for _, column, _ in keys]
    return base64.b64encode(json.dumps([signature, *values, row["id"]]).encode()).decode()


def compares(value: Any, test: str, limit: Any) -> bool:
    if test == "isNull":
        return (value is None) is limit
    if value is None:
        return False
    value, limit = comparable(value), comparable(limit)
    if isinstance(value, datetime):
        limit = limit if isinstance(limit, datetime) else moment(limit)
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "eq": lambda a, b: a == b,
        "gte": lambda a, b: a >= b,
        "lte": lambda a, b: a <= b,
        "lt": lambda a, b: a < b,
        "in": lambda a, b: a in b,
    }
    return tests[test](value, limit)
