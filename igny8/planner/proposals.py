"""What clustering proposes, whichever method made it: groups of keywords under a name, and what is left over.

A model's answer is hostile until it has passed `of_answers`: it may name keywords that nobody sent, put one into
several clusters, or repeat a name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, Field

from igny8.billing.estimates import KEYWORDS_PER_REQUEST
from igny8.inputs import LONGEST_NAME
from igny8.planner import lexical
from igny8.planner.keyword_rows import folded
from igny8.planner.plain import line

LONGEST_DESCRIPTION: Final = 500
#: Result pages that two keywords must share, of the first ten of each, to be of one meaning.
SHARED_PAGES: Final = 3
_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A keyword to be clustered; `id` is its public one."""

    id: str
    keyword: str
    volume: int | None = None
    intent: str = "UNKNOWN"
    serp_urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A cluster that could be; `score` from 0 to 1 says how alike its keywords are in their words."""

    name: str
    description: str | None
    keyword_ids: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Proposals:
    """Every candidate is in exactly one proposal or left over."""

    proposals: list[Proposal]
    left_over: list[str]
    requests: int = 0


class ProposedCluster(BaseModel):
    """One cluster of a model's answer."""

    name: str = Field(description="Two to six words that say what the keywords are about.")
    description: str = Field(description="One sentence: what somebody who searches this wants.")
    keyword_ids: list[str] = Field(description="Ids of its keywords, each out of the list that was given.")


class ClusterAnswer(BaseModel):
    """What a model answers to one request."""

    clusters: list[ProposedCluster]
    left_over: list[str] = Field(description="Ids of keywords that fit nowhere.")


def requests_of(candidates: Sequence[Candidate], most: int = KEYWORDS_PER_REQUEST) -> list[list[Candidate]]:
    """The candidates in parts of at most `most`; keywords that share words stay together where they fit."""
    if len(candidates) <= most:
        return [list(candidates)] if candidates else []
    by_id = {candidate.id: candidate for candidate in candidates}
    groups, alone = lexical.group(_phrases(candidates))
    ordered = [by_id[key] for group in groups for key in group.keys] + [by_id[key] for key in alone]
    parts = -(-len(ordered) // most)
    size = -(-len(ordered) // parts)
    return [ordered[at : at + size] for at in range(0, len(ordered), size)]


def of_answers(candidates: Sequence[Candidate], answers: Iterable[ClusterAnswer]) -> Proposals:
    """What models proposed for parts of the candidates, made one: equal names are one cluster.

    Ids that were not sent and second mentions are dropped; a cluster without a name or keywords is none.
    """
    waiting = {candidate.id: candidate for candidate in candidates}
    merged: dict[str, _Draft] = {}
    requests = 0
    for answer in answers:
        requests += 1
        for cluster in answer.clusters:
            name = line(cluster.name, LONGEST_NAME)
            mine = [waiting.pop(id_) for id_ in cluster.keyword_ids if id_ in waiting] if name else []
            if mine:
                draft = merged.setdefault(folded(name), _Draft(name, line(cluster.description, LONGEST_DESCRIPTION)))
                draft.members += mine
    return Proposals([draft.proposal() for draft in merged.values()], list(waiting), requests)


def lexically(candidates: Sequence[Candidate]) -> Proposals:
    """By the words that keywords share."""
    groups, alone = lexical.group(_phrases(candidates))
    return Proposals([Proposal(line(g.name, LONGEST_NAME), None, g.keys, g.score) for g in groups], alone)


def by_result_pages(candidates: Sequence[Candidate]) -> Proposals:
    """By the result pages that keywords share: each group has a leader, the most searched keyword not yet taken."""
    pages = {c.id: frozenset(c.serp_urls[:_PAGES]) for c in candidates}
    ordered = sorted(candidates, key=lambda c: (-(c.volume or 0), c.keyword, c.id))
    holders: dict[str, list[Candidate]] = {}
    for candidate in ordered:
        for page in pages[candidate.id]:
            holders.setdefault(page, []).append(candidate)
    taken: set[str] = set()
    made, left_over = [], []
    for leader in ordered:
        if leader.id in taken:
            continue
        shared: dict[str, int] = {}
        for page in pages[leader.id]:
            for other in holders[page]:
                shared[other.id] = shared.get(other.id, 0) + 1
        members = [
            c for c in ordered if c.id not in taken and shared.get(c.id, 0) >= SHARED_PAGES and c is not leader
        ]
        if not members:
            left_over.append(leader.id)
            continue
        taken |= {leader.id, *(member.id for member in members)}
        alike = sum(shared[member.id] for member in members) / (len(members) * max(1, len(pages[leader.id])))
        ids = (leader.id, *(member.id for member in members))
        made.append(Proposal(_title(leader.keyword), None, ids, round(min(alike, 1.0), 3)))
    return Proposals(made, left_over)


@dataclass(slots=True)
class _Draft:
    name: str
    description: str
    members: list[Candidate] = field(default_factory=list)

    def proposal(self) -> Proposal:
        ids = tuple(member.id for member in self.members)
        return Proposal(self.name, self.description or None, ids, lexical.likeness([m.keyword for m in self.members]))


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, or with the first number behind it that makes it another than all `taken` ones."""
    used = {folded(other) for other in taken}
    if folded(name) not in used:
        return name
    number = 2
    while folded(numbered := f"{name[: LONGEST_NAME - 5]} ({number})") in used:
        number += 1
    return numbered


def _phrases(candidates: Sequence[Candidate]) -> list[lexical.Phrase]:
    return [lexical.Phrase(c.id, c.keyword, c.volume or 0) for c in candidates]


def _title(keyword: str) -> str:
    return line(keyword[:1].upper() + keyword[1:], LONGEST_NAME)
