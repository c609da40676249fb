"""Accounts to test with: rows made directly, tokens signed as the API signs them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from igny8.tokens import ACCESS_LIFETIME, AccessTokens


@dataclass
class Person:
    """A user with a live session."""

    account_id: UUID
    id: UUID
    session_id: UUID
    role: Role
    token: str
    email: str

    @property
    def public_id(self) -> str:
        return ids.show("usr", self.id)


@dataclass
class Tenant:
    """An account on the Scale plan: one user of each role, sites `a` and `b`; editor and viewer are granted `a`."""

    id: UUID
    slug: str
    people: dict[Role, Person] = field(default_factory=dict)
    sites: dict[str, UUID] = field(default_factory=dict)
    sectors: dict[str, UUID] = field(default_factory=dict)

    @property
    def public_id(self) -> str:
        return ids.show("acc", self.id)

    def site(self, name: str) -> str:
        return ids.show("sit", self.sites[name])

    def sector(self, name: str) -> str:
        return ids.show("sec", self.sectors[name])

    def __getitem__(self, role: Role) -> Person:
        return self.people[role]


class World:
    """Makes tenants in the test database, as its superuser."""

    def __init__(self, connection: psycopg.Connection[Any], tokens: AccessTokens) -> None:
        self.sql = connection
        self._tokens = tokens

    def tenant(self, *, plan: str = "scale", status: str = "ACTIVE") -> Tenant:
        account_id = new_id()
        tenant = Tenant(account_id, f"t-{account_id.hex[-12:]}")
        self.sql.execute(
            "INSERT INTO account (id, name, slug, status) VALUES (%s, 'Tenant', %s, %s)",
            (account_id, tenant.slug, status),
        )
        self._subscribe(tenant, plan)
        for role in (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER):
            self.person(tenant, role)
        for name in ("a", "b"):
            self.site(tenant, name)
        for role in (Role.EDITOR, Role.VIEWER):
            self.grant(tenant, role, "a")
        return tenant

    def fund(self, tenant: Tenant, amount: int) -> None:
        """Let the account have bought so many credits, and nothing before."""
        self.sql.execute("UPDATE wallet SET balance = %s, entries = 1 WHERE account_id = %s", [amount, tenant.id])
        self.sql.execute(
            "INSERT INTO credit_entry (account_id, id, number, key, transaction_type, amount, balance_after,"
            " description) VALUES (%s, %s, 1, 'first', 'PURCHASE', %s, %s, 'Bought')",
            [tenant.id, new_id(), amount, amount],
        )

    def operators(self) -> Tenant:
        """The system account with a new developer and a new bot; its `public_id` is never a tenant's."""
        found = self.sql.execute("SELECT id, slug FROM account WHERE is_system").fetchone()
        system = Tenant(*found) if found else self._system_account()
        for role in (Role.DEVELOPER, Role.SYSTEM_BOT):
            self.person(system, role)
        return system

    def _system_account(self) -> Tenant:
        system = Tenant(new_id(), "igny8-system")
        self.sql.execute(
            "INSERT INTO account (id, name, slug, status, is_system) VALUES (%s, 'System', %s, 'ACTIVE', true)",
            (system.id, system.slug),
        )
        self._subscribe(system, "free-trial")
        return system

    def _subscribe(self, tenant: Tenant, plan: str) -> None:
        self.sql.execute(
            "INSERT INTO subscription (account_id, id, plan_id, status, current_period_start, current_period_end)"
            " SELECT %s, %s, id, 'ACTIVE', now(), now() + interval '30 days' FROM plan WHERE slug = %s",
            (tenant.id, new_id(), plan),
        )
        self.sql.execute("INSERT INTO wallet (account_id) VALUES (%s)", (tenant.id,))

    def person(self, tenant: Tenant, role: Role, *, status: str = "ACTIVE") -> Person:
        """A user of this role; the tenant's own, unless it has one already."""
        user_id = new_id()
        email = f"{role.lower()}-{user_id.hex[-8:]}@example.com"
        self.sql.execute(
            "INSERT INTO app_user (account_id, id, email, email_key, email_verified, name, role, status)"
            " VALUES (%s, %s, %s, %s, true, %s, %s, %s)",
            (tenant.id, user_id, email, email, f"{role.title()} person", role.value, status),
        )
        person = self.session(tenant.id, user_id, role, email)
        tenant.people.setdefault(role, person)
        return person

    def session(self, account_id: UUID, user_id: UUID, role: Role, email: str) -> Person:
        session_id, now = new_id(), datetime.now(UTC)
        self.sql.execute(
            "INSERT INTO session (account_id, id, user_id, expires_at) VALUES (%s, %s, %s, %s)",
            (account_id, session_id, user_id, now + timedelta(days=30)),
        )
        person = Person(account_id, user_id, session_id, role, "", email)
        return replace(person, token=self.token(person))

    def token(self, person: Person, *, lasts: timedelta = ACCESS_LIFETIME) -> str:
        """An access token of the person's session."""
        token, _ = self._tokens.issue(
            user_id=person.id,
            account_id=person.account_id,
            session_id=person.session_id,
            role=person.role,
            now=datetime.now(UTC) - ACCESS_LIFETIME + lasts,
        )
        return token

    def site(self, tenant: Tenant, name: str) -> UUID:
        """A site with one sector of the same name."""
        site_id, sector_id = new_id(), new_id()
        self.sql.execute(
            "INSERT INTO site (account_id, id, name, slug, language, timezone) VALUES (%s, %s, %s, %s, 'en', 'UTC')",
            (tenant.id, site_id, f"Site {name}", name),
        )
        self.sql.execute(
            "INSERT INTO sector (account_id, site_id, id, name, slug) VALUES (%s, %s, %s, %s, %s)",
            (tenant.id, site_id, sector_id, f"Sector {name}", name),
        )
        tenant.sites[name], tenant.sectors[name] = site_id, sector_id
        return site_id

    def grant(self, tenant: Tenant, role: Role, site: str) -> UUID:
        grant_id = new_id()
        self.sql.execute(
            "INSERT INTO site_user_access (account_id, site_id, id, user_id) VALUES (%s, %s, %s, %s)",
            (tenant.id, tenant.sites[site], grant_id, tenant[role].id),
        )
        return grant_id
