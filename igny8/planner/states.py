"""States of keywords, clusters and ideas: they follow from what belongs to them, but for the archive."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.errors import NotAllowedNow
from igny8.inputs import Field
from igny8.planner import dependants
from igny8.planner.tables import Cluster, ClusterStatus, Idea, IdeaStatus, Keyword, KeywordStatus

#: What a status says in either table.
ARCHIVED: Final = ClusterStatus.ARCHIVED.value


def _of_keyword(keyword: type[Keyword]) -> sa.ColumnElement[str]:
    return sa.case((keyword.clusters_count > 0, KeywordStatus.CLUSTERED.value), else_=KeywordStatus.NEW.value)


def _of_cluster(cluster: type[Cluster]) -> sa.ColumnElement[str]:
    ideas = sa.select(Idea.id).where(Idea.account_id == cluster.account_id, Idea.cluster_id == cluster.id)
    return sa.case((ideas.exists(), ClusterStatus.MAPPED.value), else_=ClusterStatus.NEW.value)


def _of_idea(idea: type[Idea]) -> sa.ColumnElement[str]:
    task, content = dependants.TASK, dependants.CONTENT
    tasks = sa.select(task.c.id).where(task.c.account_id == idea.account_id, task.c.idea_id == idea.id)
    written = tasks.join(content, sa.and_(content.c.account_id == task.c.account_id, content.c.task_id == task.c.id))
    return sa.case(
        (written.exists(), IdeaStatus.COMPLETED.value),
        (tasks.exists(), IdeaStatus.QUEUED.value),
        else_=IdeaStatus.NEW.value,
    )


#: How the status of a row follows from others, the same as in the triggers; and what people call the row by.
_DERIVED: Final[Mapping[Any, Callable[[Any], sa.ColumnElement[str]]]] = {
    Keyword: _of_keyword,
    Cluster: _of_cluster,
    Idea: _of_idea,
}
_CALLED: Final[Mapping[Any, Any]] = {Keyword: Keyword.keyword, Cluster: Cluster.name, Idea: Idea.title}


async def move(
    session: AsyncSession,
    account_id: UUID,
    table: type[Keyword] | type[Cluster] | type[Idea],
    ids: Sequence[UUID],
    status: KeywordStatus | ClusterStatus | IdeaStatus,
    field: Field,
) -> list[UUID]:
    """Put rows into the archive, or back to what follows from what belongs to them; those that changed.

    Raises NotAllowedNow, which says what is possible.
    """
    mine = sa.and_(table.account_id == account_id, table.id.in_(ids))
    # Whatever changes what the status follows from waits for this lock, and is seen by the next statement.
    await session.execute(sa.select(table.id).where(mine).order_by(table.id).with_for_update(key_share=True))
    derived = _DERIVED[table](table)
    if status.value != ARCHIVED:
        wrong = sa.select(_CALLED[table], derived).where(mine, derived != status.value).order_by(table.id).limit(1)
        if (found := (await session.execute(wrong)).one_or_none()) is not None:
            called, possible = found
            raise NotAllowedNow(
                f"{called} can be {possible} or {ARCHIVED} now: the rest follows from what belongs to it.",
                field=field,
                details={"possible": possible},
            )
    moved = sa.update(table).where(mine, table.status != status.value).values(status=status.value)
    return list((await session.execute(moved.returning(table.id))).scalars())
