"""What a keyword may be, and how given ones meet those that are there."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import case, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth.tables import SearchIntent
from igny8.db import new_id
from igny8.planner.keyword_report import Rejection
from igny8.planner.tables import Keyword, KeywordSource

LONGEST: Final = 300
#: Result pages of a keyword; more are left out.
MOST_PAGES: Final = 10
LONGEST_PAGE: Final = 2_000
LARGEST_VOLUME: Final = 2_147_483_647
LARGEST_CPC: Final = Decimal("99999999.99")


@dataclass(frozen=True, slots=True)
class GivenKeyword:
    """A keyword as somebody gives it; what is None leaves the stored value."""

    keyword: str
    volume: int | None = None
    difficulty: int | None = None
    cpc: Decimal | None = None
    intent: SearchIntent | None = None
    serp_urls: Sequence[str] = ()


class Kept(NamedTuple):
    """Ids by their keys, of rows that a statement made or changed."""

    created: Mapping[str, UUID]
    updated: Mapping[str, UUID]


def written(text: str) -> str:
    """A keyword as it is shown: NFKC, trimmed, single spaces."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.split())


def folded(text: str) -> str:
    """A keyword as it is compared: as it is written, without regard to case."""
    return written(text).casefold()


def checked(row: int, given: GivenKeyword) -> dict[str, Any] | Rejection:
    """The columns of a keyword, or why there can be none."""
    text = written(given.keyword)
    if not text:
        return Rejection(row, "The keyword is empty.", "keyword")
    if len(text) > LONGEST:
        return Rejection(row, f"A keyword has at most {LONGEST} characters; this has {len(text):,}.", "keyword", text)
    if not text.isprintable() and any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        return Rejection(row, "The keyword holds a control character or a broken one.", "keyword")
    if given.volume is not None and not 0 <= given.volume <= LARGEST_VOLUME:
        return Rejection(row, "The volume is a whole number from 0 on.", "volume", str(given.volume))
    if given.difficulty is not None and not 0 <= given.difficulty <= 100:
        return Rejection(row, "The difficulty is a whole number from 0 to 100.", "difficulty", str(given.difficulty))
    if given.cpc is not None and not (given.cpc.is_finite() and 0 <= given.cpc <= LARGEST_CPC):
        return Rejection(row, "The cost per click is an amount from 0 on.", "cpc", str(given.cpc))
    for page in given.serp_urls[:MOST_PAGES]:
        if not page.startswith(("https://", "http://")) or len(page) > LONGEST_PAGE or not page.isprintable():
            return Rejection(row, "A result page begins with https:// or http://.", "serpUrls", page)
    return {
        "keyword": text,
        "keyword_key": text.casefold(),
        "volume": given.volume,
        "difficulty": given.difficulty,
        "cpc": given.cpc,
        "intent": (given.intent or SearchIntent.UNKNOWN).value,
        "serp_urls": list(given.serp_urls[:MOST_PAGES]),
    }


async def keep(
    session: AsyncSession,
    account_id: UUID,
    rows: Sequence[Mapping[str, Any]],
    *,
    site_id: UUID,
    sector_id: UUID,
    source: KeywordSource,
) -> Kept:
    """Make the keywords that are new, and change those that differ; no key may be given twice."""
    owned = {"account_id": account_id, "site_id": site_id, "sector_id": sector_id, "source": source.value}
    # In the order of their keys, so that two who give the same ones wait for each other and do not lock up.
    given = {row["keyword_key"]: {**owned, **row, "id": new_id()} for row in sorted(rows, key=_key)}
    made, changed = dict[str, UUID](), dict[str, UUID]()
    for key, id_ in await session.execute(_UPSERT, list(given.values())):
        (made if id_ == given[key]["id"] else changed)[key] = id_
    return Kept(made, changed)


def _key(row: Mapping[str, Any]) -> str:
    key: str = row["keyword_key"]
    return key


_GIVEN: Final = insert(Keyword)
#: An empty value of a keyword that is there leaves what is stored.
_STORED: Final = {
    "volume": func.coalesce(_GIVEN.excluded.volume, Keyword.volume),
    "difficulty": func.coalesce(_GIVEN.excluded.difficulty, Keyword.difficulty),
    "cpc": func.coalesce(_GIVEN.excluded.cpc, Keyword.cpc),
    "intent": case((_GIVEN.excluded.intent != SearchIntent.UNKNOWN, _GIVEN.excluded.intent), else_=Keyword.intent),
    "serp_urls": case(
        (func.cardinality(_GIVEN.excluded.serp_urls) > 0, _GIVEN.excluded.serp_urls), else_=Keyword.serp_urls
    ),
}
_UPSERT: Final = _GIVEN.on_conflict_do_update(
    index_elements=["account_id", "site_id", "sector_id", "keyword_key"],
    set_={**_STORED, "updated_at": func.now()},
    where=or_(*(getattr(Keyword, name).is_distinct_from(value) for name, value in _STORED.items())),
).returning(Keyword.keyword_key, Keyword.id)
