"""Open connections are looked at again and again: whether their session lives, as what, and for which sites."""

import time
from typing import Protocol
from uuid import UUID

import structlog

from igny8.db import Database
from igny8.errors import Unauthenticated
from igny8.transactions import SIGNED_OUT, Credentials, Standing, standings

log = structlog.get_logger()


class Watched(Protocol):
    """A connection of a viewer who is signed in; `expires_at` is its token's end in seconds since 1970."""

    credentials: Credentials
    expires_at: float

    def moved(self, standing: Standing) -> None:
        """Role or sites are others now."""

    def signed_out(self) -> None:
        """The session has ended."""

    def expired(self) -> None:
        """The token has; the session may live on."""


class Watch:
    """All connections of one process, by their sessions."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._standings: dict[UUID, Standing] = {}
        self._watched: dict[UUID, set[Watched]] = {}

    async def admit(self, watched: Watched) -> Standing:
        """How the connection's session stands; from now on it is told of every change. Raises Unauthenticated."""
        credentials = watched.credentials
        session_id = credentials.session_id
        known = self._standings.get(session_id)
        if known is None:
            found = await standings(self._db, {session_id: credentials.account_id})
            known = self._standings.get(session_id) or found.get(session_id)
            if known is None:
                raise Unauthenticated(SIGNED_OUT)
            self._standings[session_id] = known
        self._watched.setdefault(session_id, set()).add(watched)
        return known

    def dismiss(self, watched: Watched) -> None:
        """The connection is closed."""
        session_id = watched.credentials.session_id
        others = self._watched.get(session_id)
        if others is not None:
            others.discard(watched)
            if not others:
                self._forget(session_id)

    async def look(self) -> None:
        """Look at all sessions, in one statement."""
        asked = {id_: next(iter(watched)).credentials.account_id for id_, watched in self._watched.items()}
        if not asked:
            return
        found = await standings(self._db, asked)
        now = time.time()
        for session_id in asked:
            standing = found.get(session_id)
            watched = list(self._watched.get(session_id, ()))
            if standing is None:
                self._forget(session_id)
                for one in watched:
                    one.signed_out()
                continue
            moved = standing != self._standings.get(session_id)
            self._standings[session_id] = standing
            for one in watched:
                if one.expires_at <= now:
                    one.expired()
                elif moved:
                    one.moved(standing)

    def _forget(self, session_id: UUID) -> None:
        self._watched.pop(session_id, None)
        self._standings.pop(session_id, None)
