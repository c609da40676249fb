"""What the flows of people who are not signed in work with."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from igny8.auth.outbox import Outbox
from igny8.changes import Actor
from igny8.db import Database
from igny8.gql.rate import Throttle
from igny8.settings import Settings
from igny8.tokens import AccessTokens, RefreshTokens


@dataclass(frozen=True, slots=True)
class Desk:
    """Shared by all requests of a process. These flows open their own short transactions, because checking a
    password takes long; `mail_waiting` wakes the sender after one that has written a mail."""

    db: Database
    settings: Settings
    throttle: Throttle
    outbox: Outbox
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    mail_waiting: asyncio.Event


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, as far as we can see it; `action` is the mutation's name."""

    request_id: str
    action: str
    ip_address: str | None = None
    user_agent: str | None = None

    def actor(self, account_id: UUID, user_id: UUID) -> Actor:
        return Actor(account_id, user_id, self.request_id, self.ip_address, self.action)
