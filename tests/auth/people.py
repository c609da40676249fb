"""What the tests of signing in share: a front desk, people who have signed up, and their mails."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import transactions
from igny8.access import Role, Viewer
from igny8.auth import invitations
from igny8.auth.desk import Desk, Origin
from igny8.auth.outbox import Outbox
from igny8.auth.sessions import SignedIn
from igny8.db import Database
from igny8.errors import Unauthenticated
from igny8.gql.rate import Throttle
from igny8.onboarding import sign_up
from igny8.secrets import Keyring
from igny8.settings import Settings
from igny8.tokens import AccessTokens, RefreshTokens
from igny8.transactions import Credentials

PASSWORD = "violet bicycle 9"
OTHER_PASSWORD = "copper umbrella 7"


@dataclass
class Letter:
    recipient: str
    subject: str
    text: str

    @property
    def token(self) -> str:
        found = re.search(r"#token=(\S+)", self.text)
        assert found is not None, self.text
        return found[1]


@dataclass
class House:
    """The flows' surroundings, and what they left in the database."""

    desk: Desk
    keyring: Keyring
    sql: psycopg.Connection[Any]
    origin: Origin = field(default_factory=lambda: Origin("req-1", "test", "192.0.2.7", "Browser/1"))

    async def sign_up(
        self, email: str = "ada@example.com", *, account: str = "Acme", password: str = PASSWORD
    ) -> SignedIn:
        return await sign_up.sign_up(
            self.desk, self.origin, email=email, password=password, name="Ada", account_name=account
        )

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        with self.sql.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> dict[str, Any]:
        (found,) = self.rows(statement, *values)
        return found

    def mails(self, recipient: str | None = None) -> list[Letter]:
        """All mails that wait, the oldest first."""
        found = self.rows("SELECT * FROM mail WHERE body IS NOT NULL ORDER BY id")
        return [
            Letter(row["recipient"], row["subject"], self._text(row))
            for row in found
            if recipient is None or row["recipient"] == recipient
        ]

    def _text(self, row: Mapping[str, Any]) -> str:
        return self.keyring.open(row["body"], bound_to=f"mail:{row['account_id']}:{row['id']}:body")

    def changes(self) -> list[tuple[str, str, dict[str, Any]]]:
        rows = self.rows("SELECT kind, node_type, details FROM change ORDER BY account_id, cursor")
        return [(row["kind"], row["node_type"], row["details"]) for row in rows]

    def everything(self) -> str:
        """All rows that can tell of a write, as text: equal before and after what must change nothing."""
        tables = ("account", "app_user", "credential", "session", "refresh_token", "mail_token", "mail", "change")
        return repr([self.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables])

    @asynccontextmanager
    async def writing(self, who: SignedIn) -> AsyncIterator[tuple[AsyncSession, Viewer]]:
        """A write transaction of a signed-in user, as mutations open it."""
        member = who.member
        credentials = Credentials(member.account_id, member.user_id, member.session_id, member.role)
        async with (
            transactions.entered(self.desk.db, credentials) as (session, entered),
            transactions.logged(session, self.origin.actor(member.account_id, member.user_id)),
        ):
            yield session, entered.viewer

    async def is_signed_in(self, who: SignedIn) -> bool:
        try:
            async with self.writing(who):
                return True
        except Unauthenticated:
            return False

    async def join(self, owner: SignedIn, email: str, role: Role, **given: Any) -> SignedIn:
        """Somebody who was invited and has accepted."""
        async with self.writing(owner) as (session, viewer):
            await invitations.invite(
                session, self.desk.outbox, viewer, email=email, name=None, role=role, **({"site_ids": []} | given)
            )
        token = self.mails(email)[-1].token
        return await invitations.accept(self.desk, self.origin, token=token, password=PASSWORD, name=None)

    def with_settings(self, **changed: object) -> "House":
        """The same house under other settings."""
        settings = self.desk.settings.model_copy(update=changed)
        return replace(self, desk=replace(self.desk, settings=settings))


def house(db: Database, settings: Settings, sql: psycopg.Connection[Any], throttle: Throttle) -> House:
    keyring = Keyring(settings.secrets_keys)
    desk = Desk(
        db=db,
        settings=settings,
        throttle=throttle,
        outbox=Outbox(keyring, settings.public_url),
        access_tokens=AccessTokens(settings.token_key),
        refresh_tokens=RefreshTokens(settings.token_key),
        mail_waiting=asyncio.Event(),
    )
    return House(desk, keyring, sql)
