"""What refers to clusters and ideas: ideas, and tasks and contents of the domain above."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.changes import ChangeKind
from igny8.errors import Conflict
from igny8.inputs import Field


def _known_by_name(name: str, *references: str) -> sa.TableClause:
    ids = [sa.column(column, sa.Uuid()) for column in ("account_id", "site_id", "id", *references)]
    return sa.table(name, *ids, sa.column("updated_at", sa.DateTime(timezone=True)))


IDEA: Final = _known_by_name("content_idea", "cluster_id")
#: Their domain lies above this one, so that its tables are known here by name alone.
TASK: Final = _known_by_name("task", "cluster_id", "idea_id")
CONTENT: Final = _known_by_name("content", "cluster_id", "task_id")

#: By the name of their type in the log of changes.
OF_CLUSTER: Final[Mapping[str, sa.TableClause]] = {"ContentIdea": IDEA, "Task": TASK, "Content": CONTENT}
OF_IDEA: Final[Mapping[str, sa.TableClause]] = {"Task": TASK}

_WORDS: Final = {"ContentIdea": ("ideas", "idea"), "Task": ("tasks", "task"), "Content": ("contents", "content")}

Found = Mapping[str, Sequence[UUID]]


async def find(
    session: AsyncSession, account_id: UUID, tables: Mapping[str, sa.TableClause], column: str, ids: Sequence[UUID]
) -> Found:
    """The rows of each table that refer to one of these by this column."""
    found: dict[str, Sequence[UUID]] = {}
    for name, table in tables.items():
        wanted = sa.select(table.c.id).where(table.c.account_id == account_id, table.c[column].in_(ids))
        found[name] = (await session.execute(wanted.order_by(table.c.id))).scalars().all()
    return found


async def give(session: AsyncSession, account_id: UUID, found: Found, column: str, new_id: UUID) -> None:
    """Let these rows refer to another row by this column."""
    for name, ids in found.items():
        table = OF_CLUSTER[name]
        given = sa.update(table).where(table.c.account_id == account_id, table.c.id.in_(ids))
        if ids:
            await session.execute(given.values({column: new_id, "updated_at": sa.func.now()}))


def refuse(found: Found, what: str, field: Field) -> None:
    """Raise Conflict with the counts when there are any."""
    counts = {_WORDS[name][0]: len(ids) for name, ids in found.items()}
    if any(counts.values()):
        told = [f"{len(ids):,} {_WORDS[name][len(ids) == 1]}" for name, ids in found.items() if ids]
        raise Conflict(
            f"There are {', '.join(told)} of {what}. Delete with `force` to keep them without it.",
            field=field,
            details=counts,
        )


def record(session: AsyncSession, found: Found, site_id: UUID) -> None:
    """Log that these rows changed."""
    for name, ids in found.items():
        if ids:
            changes.record(session, ChangeKind.UPDATED, name, ids, site_id=site_id)
