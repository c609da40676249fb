"""Everybody who follows: each site by socket and by events, and some of the jobs as they come."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import psycopg

from igny8.access import Role
from igny8.gql import ids
from tests.chaos.followers import JOB, SITE, Follower
from tests.chaos.house import House
from tests.chaos.load import Started
from tests.support.world import Person, Tenant

#: So many jobs are followed at a time.
_AT_ONCE: Final = 10
_LAST: Final = "SELECT scope_id, max(cursor) FROM job_event GROUP BY scope_id"


@dataclass
class Audience:
    """Followers come by themselves as jobs are started."""

    random: Random
    house: House
    of_sites: list[Follower] = field(default_factory=list)
    of_jobs: list[Follower] = field(default_factory=list)
    _following: set[asyncio.Task[None]] = field(default_factory=set)
    _jobs: int = 0

    @property
    def all(self) -> list[Follower]:
        return [*self.of_sites, *self.of_jobs]

    def follow_site(self, tenant: Tenant) -> None:
        """One of each kind of client, one of whom sees granted sites only."""
        for role, by_socket in ((Role.OWNER, True), (Role.VIEWER, False)):
            follower = self._follower(tenant[role], SITE, tenant.site("a"), by_socket=by_socket)
            self.of_sites.append(follower)
            self._begin(follower)

    def follow_job(self, started: Started) -> None:
        """Follow this job, unless there is enough to follow."""
        if self._jobs >= _AT_ONCE:
            return
        person = started.tenant[self.random.choice((Role.OWNER, Role.EDITOR))]
        by_socket = self.random.random() < 0.5
        follower = self._follower(person, JOB, ids.show("job", started.id), by_socket=by_socket)
        self.of_jobs.append(follower)
        self._jobs += 1
        self._begin(follower).add_done_callback(self._left)

    async def heard_all(self, sql: psycopg.Connection[Any]) -> bool:
        """Whether followers of jobs have come to the end, and those of sites to the last event."""
        last = dict(sql.execute(_LAST).fetchall())
        return all(one.complete for one in self.of_jobs) and all(
            one.seen and one.seen[-1]["cursor"] == str(last[ids.parse("sit", one.id)]) for one in self.of_sites
        )

    async def leave(self) -> None:
        """Those who follow sites, which never end, go; whoever failed raises."""
        for task in self._following:
            task.cancel()
        for outcome in await asyncio.gather(*self._following, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _follower(self, person: Person, query: str, id_: str, *, by_socket: bool) -> Follower:
        random = Random(self.random.random())
        return Follower(self.house.address, self.house.http, person, query, id_, random, by_socket)

    def _begin(self, follower: Follower) -> asyncio.Task[None]:
        task = asyncio.create_task(follower.follow())
        self._following.add(task)
        return task

    def _left(self, task: asyncio.Task[None]) -> None:
        self._jobs -= 1
