"""What examinations find: a sentence for each thing that must hold in an account and does not."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in an account, in a sentence."""

    account_id: UUID
    says: str


async def by_rules(session: AsyncSession, rules: Iterable[str]) -> list[Fault]:
    """What these queries find, account by account; each answers (account, sentence) for what is wrong.

    The session is one of the system role on which nothing was read yet: all is looked at in one snapshot, so that
    work which goes on meanwhile is never mistaken for a fault.
    """
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    found = [Fault(*row) for rule in rules for row in (await session.execute(text(rule))).all()]
    return sorted(found, key=lambda fault: fault.account_id)
