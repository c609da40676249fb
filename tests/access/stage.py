"""Where the cells of the table are played: an account, another one beside it, and whoever calls."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from igny8 import tokens
from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from igny8.tokens import SecretKind
from tests.support.graph import Graph
from tests.support.world import Person, Tenant, World

PASSWORD = "violet bicycle 9"
OTHER_PASSWORD = "copper umbrella 7"
#: Kinds of rows that lie in a sector.
IN_SECTORS = {"clu", "con", "ide", "img", "key", "rev", "tsk"}
_ROLE_OF = {"V": Role.VIEWER, "E": Role.EDITOR, "A": Role.ADMIN, "O": Role.OWNER}
_OPERATOR_OF = {"B": Role.SYSTEM_BOT, "D": Role.DEVELOPER}
_numbers = itertools.count(1)


@dataclass
class Caller:
    """Who sends a request; None is nobody."""

    column: str
    person: Person | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def site_bound(self) -> bool:
        return self.column in "VE"

    @property
    def names_no_account(self) -> bool:
        return self.column in "bd"


class Stage:
    """One account to act on, with whatever a call needs to be a good one; every name it makes is new."""

    def __init__(self, world: World, password_hash: str) -> None:
        self.world, self.password_hash = world, password_hash
        self.tenant = world.tenant()
        self._foreign: Tenant | None = None
        self._graphs: dict[tuple[UUID, str], dict[str, UUID]] = {}
        self._made: dict[tuple[UUID, str], dict[str, str]] = {}

    @property
    def foreign(self) -> Tenant:
        """Another account; made when it is first asked for."""
        if self._foreign is None:
            self._foreign = self.world.tenant()
        return self._foreign

    def caller(self, column: str) -> Caller:
        if column == "-":
            return Caller(column)
        if column in _ROLE_OF:
            return Caller(column, self.tenant[_ROLE_OF[column]])
        operator = self._operator(_OPERATOR_OF[column.upper()])
        headers = {} if column.islower() else {"X-Igny8-Account": self.tenant.public_id}
        return Caller(column, operator, headers)

    def _operator(self, role: Role) -> Person:
        return self.world.operators()[role]

    def word(self) -> str:
        return f"word{next(_numbers)}-{new_id().hex[-6:]}"

    def email(self) -> str:
        return f"{self.word()}@example.com"

    def user(self, *, status: str = "ACTIVE", role: Role = Role.VIEWER) -> Person:
        return self.world.person(self.tenant, role, status=status)

    def user_with_password(self) -> Person:
        return self.with_password(self.user())

    def with_password(self, person: Person) -> Person:
        self._insert("credential", account_id=person.account_id, user_id=person.id, password_hash=self.password_hash)
        return person

    def unverified(self) -> Person:
        person = self.user_with_password()
        self.world.sql.execute("UPDATE app_user SET email_verified = false WHERE id = %s", (person.id,))
        return person

    def mailed(self, person: Person, purpose: str) -> str:
        """A secret that was mailed to the person."""
        secret = tokens.new_secret(SecretKind.MAIL)
        self._insert_expiring(
            "mail_token", person, user_id=person.id, purpose=purpose, digest=tokens.digest(secret), email=person.email
        )
        return secret

    def refresh_token(self, person: Person) -> str:
        secret = tokens.new_secret(SecretKind.REFRESH)
        self._insert_expiring("refresh_token", person, session_id=person.session_id, digest=tokens.digest(secret))
        return secret

    def other_session(self, person: Person) -> str:
        made = self.world.session(person.account_id, person.id, person.role, person.email)
        return ids.show("ses", made.session_id)

    def granted(self, site: str) -> str:
        """A viewer who was granted this site."""
        person = self.user()
        self._insert(
            "site_user_access",
            account_id=self.tenant.id, id=new_id(), site_id=self.tenant.sites[site], user_id=person.id,
        )  # fmt: skip
        return person.public_id

    def some(self, table: str, prefix: str, condition: str = "true") -> str:
        """The id of any row of a global table."""
        return ids.show(prefix, self._value(f"SELECT id FROM {table} WHERE {condition} ORDER BY id LIMIT 1"))

    def plan_for_all(self) -> str:
        """A plan by the year that costs nothing and allows everything; `leave` takes it away."""
        plan_id = new_id()
        self.world.sql.execute(
            "INSERT INTO plan (id, name, slug, price, currency, billing_cycle, included_credits, limits, features,"
            " is_active, is_default) SELECT %s, 'For tests', %s, 0, currency, 'ANNUAL', 0, limits, features,"
            " true, false FROM plan WHERE slug = 'scale'",
            (plan_id, self.word()),
        )
        return ids.show("pln", plan_id)

    @staticmethod
    def leave(world: World) -> None:
        """Let the global tables be as they were."""
        scale = "(SELECT id FROM plan WHERE slug = 'scale')"
        made = "(SELECT id FROM plan WHERE name = 'For tests')"
        world.sql.execute(f"UPDATE subscription SET plan_id = {scale} WHERE plan_id IN {made}")
        world.sql.execute("DELETE FROM plan WHERE name = 'For tests'")

    def id_of(self, kind: str, tenant: Tenant, site: str) -> str:
        """An id of this kind in the account; where it belongs to a site, in that one."""
        if kind == "sit":
            return tenant.site(site)
        if kind == "sec":
            return tenant.sector(site)
        if kind in IN_SECTORS:
            return ids.show(kind, self._graph(tenant, site)[kind])
        if kind == "acc":
            return tenant.public_id
        if kind == "usr":
            return tenant[Role.EDITOR].public_id
        if kind == "ses":
            return ids.show("ses", tenant[Role.EDITOR].session_id)
        if kind == "sub":
            subscribed = "SELECT id FROM subscription WHERE account_id = %s"
            return ids.show("sub", self._value(subscribed, tenant.id))
        if kind == "uac":
            grants = "SELECT id FROM site_user_access WHERE account_id = %s AND site_id = %s LIMIT 1"
            return ids.show("uac", self._value(grants, tenant.id, tenant.sites[site]))
        if kind == "str":
            return self._kept((tenant.id, site), kind, lambda: self.new_strategy(site, tenant))
        if kind in ("aut", "ist"):
            make = self.new_author_profile if kind == "aut" else self.new_settings
            return self._kept((tenant.id, ""), kind, lambda: make(tenant))
        if kind == "ctr":
            return self._kept((tenant.id, ""), kind, lambda: ids.show("ctr", self._transaction(tenant)))
        if kind == "cus":
            return self._kept((tenant.id, site), kind, lambda: ids.show("cus", self._usage(tenant, site)))
        if kind == "upl":
            return self._kept((tenant.id, site), kind, lambda: self._upload(tenant, site))
        if kind == "job":
            return self._kept((tenant.id, site), kind, lambda: self.ended_job(tenant, site))
        raise AssertionError(f"no account has ids of the kind {kind}")

    def _kept(self, place: tuple[UUID, str], kind: str, make: Callable[[], str]) -> str:
        """The id that was made for this place before, or a new one."""
        made = self._made.setdefault(place, {})
        if kind not in made:
            made[kind] = make()
        return made[kind]

    def new_author_profile(self, tenant: Tenant | None = None) -> str:
        profile_id = new_id()
        self._insert("author_profile", account_id=(tenant or self.tenant).id, id=profile_id, name=self.word())
        return ids.show("aut", profile_id)

    def new_strategy(self, site: str, tenant: Tenant | None = None) -> str:
        """A strategy of the site's sector."""
        tenant, strategy_id = tenant or self.tenant, new_id()
        self._insert(
            "strategy",
            account_id=tenant.id, id=strategy_id, site_id=tenant.sites[site], sector_id=tenant.sectors[site],
            name=self.word(), prompt_types=["IDEAS"],
        )  # fmt: skip
        return ids.show("str", strategy_id)

    def new_settings(self, tenant: Tenant | None = None) -> str:
        """Settings with a key that nobody can open, so that a test of them calls nobody."""
        settings_id = new_id()
        self._insert(
            "integration_settings",
            account_id=(tenant or self.tenant).id, id=settings_id, integration_type="OPENAI",
            api_key=b"sealed by nobody", api_key_last4="last",
        )  # fmt: skip
        return ids.show("ist", settings_id)

    def saved_settings(self) -> str:
        """The provider that the account has settings for."""
        self.id_of("ist", self.tenant, "a")
        return "OPENAI"

    def saved_prompt(self) -> str:
        """The type of a prompt that the account has changed."""
        return self._kept((self.tenant.id, ""), "prompt", self._save_prompt)

    def _save_prompt(self) -> str:
        owner = self.tenant[Role.OWNER].id
        place = {"account_id": self.tenant.id, "prompt_type": "IDEAS", "version": 1}
        self._insert("ai_prompt_version", id=new_id(), value="{{data}}", created_by_id=owner, **place)
        self._insert("ai_prompt", id=new_id(), last_version=1, updated_by_id=owner, **place)
        return "IDEAS"

    def _graph(self, tenant: Tenant, site: str) -> dict[str, UUID]:
        """By kind: a keyword in a cluster, an idea of it, its task, the content of that and an image in it."""
        found = self._graphs.get((tenant.id, site))
        if found is None:
            made, word = Graph(self.world, tenant, site), self.word()
            found = self._graphs[(tenant.id, site)] = {"clu": made.cluster(word)}
            found["key"] = made.keyword(self.word(), word)
            found["ide"] = made.idea(word, cluster_id=found["clu"])
            found["tsk"] = made.task(word, cluster_id=found["clu"], idea_id=found["ide"])
            profile = ids.parse("aut", self.id_of("aut", tenant, site))
            found["con"] = made.content(
                word, cluster_id=found["clu"], task_id=found["tsk"], author_profile_id=profile
            )
            found["rev"] = made.revision(word, 1)
            self._generation(tenant, site, found["con"])
            found["img"] = made.image(word, content_id=found["con"], task_id=found["tsk"], cost_usd="0.04")
        return found

    def _transaction(self, tenant: Tenant) -> UUID:
        """An entry of the ledger, by a user of the account."""
        made = new_id()
        funded = self.world.sql.execute(
            "UPDATE wallet SET balance = balance + 50, entries = entries + 1 WHERE account_id = %s"
            " RETURNING balance, entries",
            [tenant.id],
        ).fetchone()
        assert funded is not None
        self._insert(
            "credit_entry",
            account_id=tenant.id, id=made, number=funded[1], key=self.word(), transaction_type="PURCHASE", amount=50,
            balance_after=funded[0], description="Bought", user_id=tenant[Role.OWNER].id,
        )  # fmt: skip
        return made

    def new_plain_content(self) -> str:
        """A content without images, in an account that can have it illustrated."""
        self._let_draw()
        return ids.show("con", Graph(self.world, self.tenant).content(self.word()))

    def new_image(self) -> str:
        """An image that is not drawn yet, in an account that can have it drawn."""
        self._let_draw()
        content_id = Graph(self.world, self.tenant).content(self.word())
        return ids.show("img", Graph(self.world, self.tenant).image(self.word(), content_id=content_id))

    def _let_draw(self) -> None:
        self.saved_settings()
        self.id_of("ctr", self.tenant, "a")

    def _upload(self, tenant: Tenant, site: str) -> str:
        """An upload whose file is noted, and not there."""
        upload_id, key = new_id(), f"{tenant.id.hex}/{new_id().hex * 2}.png"
        place = {"account_id": tenant.id, "site_id": tenant.sites[site]}
        soon = datetime.now(UTC) + timedelta(hours=1)
        self._insert("stored_file", **place, key=key, bytes=1, expires_at=soon)
        self._insert(
            "upload",
            **place, id=upload_id, filename="a.png", mime_type="image/png", bytes=1, file_key=key, expires_at=soon,
        )  # fmt: skip
        return ids.show("upl", upload_id)

    def fund(self) -> None:
        """Let the account have enough credits for a small job."""
        self._transaction(self.tenant)

    def new_keyword(self) -> str:
        return ids.show("key", Graph(self.world, self.tenant).keyword(self.word()))

    def new_cluster(self) -> str:
        return ids.show("clu", Graph(self.world, self.tenant).cluster(self.word()))

    def new_member(self) -> tuple[str, str]:
        """A cluster and the keyword that is in it."""
        graph, word = Graph(self.world, self.tenant), self.word()
        return ids.show("clu", graph.cluster(word)), ids.show("key", graph.keyword(word + " keyword", word))

    def new_idea(self) -> str:
        return ids.show("ide", Graph(self.world, self.tenant).idea(self.word()))

    def new_task(self, *, funded: bool = False) -> str:
        """A task that nobody has written; `funded`: and the credits to have it written."""
        if funded:
            self._transaction(self.tenant)
        return ids.show("tsk", Graph(self.world, self.tenant).task(self.word()))

    def new_content(self) -> str:
        made, word = Graph(self.world, self.tenant), self.word()
        content_id = made.content(word)
        made.revision(word, 1)
        return ids.show("con", content_id)

    def _generation(self, tenant: Tenant, site: str, content_id: UUID) -> None:
        """That a model wrote the content."""
        self._insert(
            "content_generation",
            account_id=tenant.id, content_id=content_id, site_id=tenant.sites[site], provider="OPENAI", model="gpt",
            credits_used=9, cost_usd="0.01",
        )  # fmt: skip

    def ended_job(self, tenant: Tenant, site: str) -> str:
        """A job of the site that failed, with an item and its one event."""
        job_id, scope = new_id(), tenant.sites[site]
        owned = {"account_id": tenant.id, "scope_id": scope, "job_id": job_id}
        subject = {"subject_kind": "cluster", "subject_id": self._graph(tenant, site)["clu"]}
        self._insert(
            "job",
            account_id=tenant.id, id=job_id, scope_id=scope, kind="GENERATE_IDEAS", queue="ai", state="FAILED",
            items_total=1, items_failed=1, max_attempts=3, arguments="{}", started_by_id=tenant[Role.OWNER].id,
            finished_at=datetime.now(UTC),
        )  # fmt: skip
        self._insert("job_item", **owned, **subject, id=new_id(), position=0, state="FAILED")
        self._insert(
            "job_event", **owned, **subject, cursor=1, state="FAILED", phase="DONE", percent=100, message="Failed",
            items_done=0, items_failed=1, items_total=1,
        )  # fmt: skip
        self._insert(
            "credit_usage",
            account_id=tenant.id, id=new_id(), operation_type="IDEA_GENERATION", credits_used=0, cost_usd="0.01",
            provider="openai", model="gpt", job_id=job_id, site_id=scope,
        )  # fmt: skip
        return ids.show("job", job_id)

    def waiting_job(self) -> str:
        """A job that no worker has taken yet."""
        job_id = self.ended_job(self.tenant, "a")
        waits = "state = 'QUEUED', finished_at = NULL, items_failed = 0"
        self.world.sql.execute(f"UPDATE job SET {waits} WHERE id = %s", [ids.parse("job", job_id)])
        return job_id

    def _usage(self, tenant: Tenant, site: str) -> UUID:
        """A row of the usage log."""
        made = new_id()
        self._insert(
            "credit_usage",
            account_id=tenant.id, id=made, operation_type="CLUSTERING", credits_used=10, cost_usd="0.01",
            provider="openai", model="gpt", tokens_input=1, tokens_output=1, site_id=tenant.sites[site],
            user_id=tenant[Role.OWNER].id,
        )  # fmt: skip
        return made

    def _value(self, statement: str, *values: object) -> UUID:
        row = self.world.sql.execute(statement, values).fetchone()
        assert row is not None, statement
        found: UUID = row[0]
        return found

    def _insert(self, table: str, **values: Any) -> None:
        places = ", ".join(["%s"] * len(values))
        self.world.sql.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", tuple(values.values()))

    def _insert_expiring(self, table: str, person: Person, **values: Any) -> None:
        columns = {"account_id": person.account_id, "id": new_id(), **values}
        places = ", ".join(["%s"] * len(columns))
        self.world.sql.execute(
            f"INSERT INTO {table} ({', '.join(columns)}, expires_at) VALUES ({places}, now() + interval '1 hour')",
            tuple(columns.values()),
        )
