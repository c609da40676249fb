"""What a resolver gets to know of its request, and the one way to write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import strawberry
from graphql import GraphQLError
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, replays, transactions
from igny8.access import PERMISSIONS, Need, Permission, Role, Viewer
from igny8.ai.catalogue import Catalogue
from igny8.db import Database
from igny8.errors import BadRequest, Forbidden, NotAllowedNow, RequestError, Unauthenticated
from igny8.events import Bus
from igny8.gql.payloads import MutationPayload, storable
from igny8.gql.rate import Throttle
from igny8.gql.read.declarations import Gate
from igny8.gql.read.objects import refuse
from igny8.jobs.hints import Hints
from igny8.secrets import Keyring
from igny8.settings import Settings
from igny8.signed import SignedAddresses
from igny8.storage import Storage
from igny8.tokens import AccessTokens, RefreshTokens
from igny8.transactions import Credentials

if TYPE_CHECKING:
    from igny8.gql.read.plans import Operation
    from igny8.gql.read.reader import Reader

Payload = TypeVar("Payload", bound=MutationPayload)

#: What is published when a session, a role, a status or a grant may be another one, and the types that they are of.
ACCESS_TOPIC: Final = "access"
ACCESS_TYPES: Final = frozenset({"Account", "Session", "SiteUserAccess", "User"})

NO_TOKEN = "Sign in first: this needs an access token."  # noqa: S105  # a sentence
SUSPENDED = "This account is suspended or cancelled: it can be read and exported, and nothing in it can be changed."


@dataclass(frozen=True, slots=True)
class Services:
    """What one process shares between its requests; made by hand in the composition root."""

    settings: Settings
    db: Database
    redis: Redis
    throttle: Throttle
    keyring: Keyring
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    replay_key: bytes
    catalogue: Catalogue
    bus: Bus
    hints: Hints
    storage: Storage
    addresses: SignedAddresses
    mail_waiting: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Mutating:
    """The mutation that runs now; root fields of a mutation run one after the other."""

    name: str
    need: Need
    anywhere: bool
    while_suspended: bool
    arguments: dict[str, Any]


@dataclass(slots=True)
class Write:
    """An open transaction of a viewer who may do what the mutation needs."""

    session: AsyncSession
    viewer: Viewer
    answer: MutationPayload | None = None

    def answered(self, payload: Payload) -> Payload:
        """Keep what the mutation answers for its idempotency key, and answer it."""
        self.answer = payload
        return payload


@dataclass(slots=True)
class Context:
    """One request. `credentials` is None for callers without a token; `refused` says why a token is not good."""

    services: Services
    request_id: str
    ip_address: str | None = None
    user_agent: str | None = None
    credentials: Credentials | None = None
    refused: RequestError | None = None
    cookie_mode: bool = False
    refresh_cookie: str | None = None
    idempotency_key: str | None = None
    cookies: list[str] = field(default_factory=list)
    mutating: Mutating | None = None
    reader: "Reader | None" = None
    operation: "Operation | None" = None
    reads: dict[str, bytes | RequestError | GraphQLError] = field(default_factory=dict)
    #: Below what was read; the executor does not see them.
    errors: list[GraphQLError] = field(default_factory=list)

    def required_credentials(self) -> Credentials:
        """The caller's credentials. Raises Unauthenticated."""
        if self.credentials is None:
            raise self.refused or Unauthenticated(NO_TOKEN)
        return self.credentials

    def actor(self, account_id: UUID, user_id: UUID | None) -> changes.Actor:
        action = self.mutating.name if self.mutating else None
        return changes.Actor(account_id, user_id, self.request_id, self.ip_address, action)

    @asynccontextmanager
    async def writing(self, *, in_account: UUID | None = None, at_home: bool = False) -> AsyncIterator[Write]:
        """The transaction of the running mutation: session, permission and account are checked inside it.

        `in_account` is where a developer's system-wide mutation logs its changes; `at_home` acts on the viewer's
        own account even when a developer names another one. Raises Unauthenticated, Forbidden, NotAllowedNow;
        Replay when the idempotency key was used before.
        """
        mutating = self._running()
        credentials = self.required_credentials()
        if at_home:
            credentials = replace(credentials, acting_on=None)
        async with transactions.entered(self.services.db, credentials) as (session, who):
            write = Write(session, who.viewer)
            if self.idempotency_key is not None:
                # Before the permission: what was carried out may have taken it away (a transferred ownership).
                await replays.take(session, who.viewer.account_id, *self._key(who.viewer))
            _refuse(who, mutating)
            actor = self.actor(in_account or who.viewer.account_id, who.viewer.user_id)
            async with transactions.logged(session, actor):
                yield write
                access_changed = changes.concern(session, ACCESS_TYPES)
                if self.idempotency_key is not None and write.answer is not None:
                    answer = storable(write.answer)
                    await replays.store(session, who.viewer.account_id, self.idempotency_key, answer)
        if session.info.get(transactions.HOLDS_MAIL):
            self.services.mail_waiting.set()
        self.services.hints.tell(session)
        if access_changed:
            await self.services.bus.publish(ACCESS_TOPIC)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Write]:
        """A look before the running mutation waits on the world: checked as `writing`, and nothing is kept."""
        mutating = self._running()
        async with transactions.entered(self.services.db, self.required_credentials()) as (session, who):
            _refuse(who, mutating)
            yield Write(session, who.viewer)

    @asynccontextmanager
    async def reading(self, gate: Gate) -> AsyncIterator[Write]:
        """A transaction of a plain resolver's. Raises Unauthenticated, Forbidden, BadRequest as compiled reads do."""
        credentials = self.required_credentials()
        async with transactions.entered(self.services.db, credentials) as (session, who):
            refused = refuse(gate, who.viewer.role, account_named=who.viewer.acts_abroad)
            if refused is not None:
                raise refused
            yield Write(session, who.viewer)

    async def look_for_replay(self) -> None:
        """For a mutation that works before its transaction at home: raises Replay when its key was used before.

        What was carried out may have made the input wrong, such as the password that was current then.
        """
        if self.idempotency_key is None:
            return
        credentials = replace(self.required_credentials(), acting_on=None)
        async with transactions.entered(self.services.db, credentials) as (session, who):
            await replays.look(session, who.viewer.account_id, *self._key(who.viewer))

    def _key(self, viewer: Viewer) -> tuple[str, bytes]:
        """The client's key, and what has to be the same for it to be used again."""
        mutating = self._running()
        key = replays.checked_key(self.idempotency_key or "")
        return key, replays.digest(self.services.replay_key, viewer.user_id, mutating.name, mutating.arguments)

    def _running(self) -> Mutating:
        if self.mutating is None:
            raise AssertionError("a mutation is running")
        return self.mutating


def _refuse(who: transactions.Entered, mutating: Mutating) -> None:
    viewer = who.viewer
    if isinstance(mutating.need, Permission) and mutating.need not in PERMISSIONS[viewer.role]:
        raise Forbidden(f"Your role ({viewer.role}) lacks the permission {mutating.need} that this mutation needs.")
    system_wide = viewer.role in (Role.DEVELOPER, Role.SYSTEM_BOT) and not viewer.acts_abroad
    if system_wide and not mutating.anywhere:
        raise BadRequest("Name the account to act on in the header X-Igny8-Account (acc_...).")
    if who.suspended and not mutating.while_suspended and not viewer.acts_abroad:
        raise NotAllowedNow(SUSPENDED)


Info = strawberry.Info[Context, None]
