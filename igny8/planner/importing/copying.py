"""Many keywords into a sector: by COPY into a temporary table, then by one statement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.db import copying, new_id
from igny8.planner.tables import KeywordSource

_COLUMNS: Final = ("id", "keyword", "keyword_key", "volume", "difficulty", "cpc", "intent", "serp_urls")

_MAKE: Final = text("""
    CREATE TEMPORARY TABLE given_keyword (
        number bigint GENERATED ALWAYS AS IDENTITY, id uuid NOT NULL, keyword text NOT NULL,
        keyword_key text COLLATE "C" NOT NULL, volume integer, difficulty integer, cpc numeric(10, 2),
        intent text NOT NULL, serp_urls text[] NOT NULL
    ) ON COMMIT DROP
""")
_COPY: Final = f"COPY pg_temp.given_keyword ({', '.join(_COLUMNS)}) FROM STDIN"
#: What is as it was is not touched: an unchanged row costs a look at it. An empty value leaves what is stored.
_MERGE: Final = text("""
    WITH latest AS (
        SELECT DISTINCT ON (keyword_key) * FROM pg_temp.given_keyword ORDER BY keyword_key, number DESC
    ),
    changed AS (
        SELECT l.* FROM latest l
        LEFT JOIN keyword k ON k.account_id = :account AND k.site_id = :site AND k.sector_id = :sector
            AND k.keyword_key = l.keyword_key
        WHERE k.id IS NULL
            OR (coalesce(l.volume, k.volume), coalesce(l.difficulty, k.difficulty), coalesce(l.cpc, k.cpc))
                IS DISTINCT FROM (k.volume, k.difficulty, k.cpc)
            OR (l.intent <> 'UNKNOWN' AND l.intent <> k.intent)
            OR (cardinality(l.serp_urls) > 0 AND l.serp_urls <> k.serp_urls)
    ),
    kept AS (
        INSERT INTO keyword (account_id, site_id, sector_id, source,
            id, keyword, keyword_key, volume, difficulty, cpc, intent, serp_urls)
        SELECT :account, :site, :sector, :source, id, keyword, keyword_key, volume, difficulty, cpc, intent, serp_urls
        FROM changed ORDER BY keyword_key
        ON CONFLICT (account_id, site_id, sector_id, keyword_key) DO UPDATE SET
            volume = coalesce(excluded.volume, keyword.volume),
            difficulty = coalesce(excluded.difficulty, keyword.difficulty),
            cpc = coalesce(excluded.cpc, keyword.cpc),
            intent = CASE WHEN excluded.intent <> 'UNKNOWN' THEN excluded.intent ELSE keyword.intent END,
            serp_urls = CASE
                WHEN cardinality(excluded.serp_urls) > 0 THEN excluded.serp_urls ELSE keyword.serp_urls
            END,
            updated_at = now()
        RETURNING id
    )
    SELECT count(*) FILTER (WHERE c.id IS NOT NULL) AS created, count(*) FILTER (WHERE c.id IS NULL) AS updated
    FROM kept LEFT JOIN changed c USING (id)
""")


@dataclass(frozen=True, slots=True)
class Merged:
    """How many keywords were made, and how many changed."""

    created: int
    updated: int


async def prepare(session: AsyncSession) -> None:
    """A place for what is given, which is gone after the transaction."""
    await session.execute(text("SET LOCAL statement_timeout = '20min'"))
    await session.execute(_MAKE)


async def put(session: AsyncSession, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put some more there."""
    async with copying(session, _COPY) as copy:
        copy.set_types(["uuid", "text", "text", "int4", "int4", "numeric", "text", "text[]"])
        for row in rows:
            await copy.write_row([new_id(), *(row[name] for name in _COLUMNS[1:])])


async def merge(session: AsyncSession, account_id: UUID, *, site_id: UUID, sector_id: UUID) -> Merged:
    """Make and change keywords; of equal ones that were given the last one counts."""
    place = {"account": account_id, "site": site_id, "sector": sector_id, "source": KeywordSource.IMPORT.value}
    row = (await session.execute(_MERGE, place)).one()
    return Merged(row.created, row.updated)
