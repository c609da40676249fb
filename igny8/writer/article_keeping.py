"""A written article becomes the content of its task: a new one, or a new version of the one that is there."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, limits
from igny8.ai.calls import Usage
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import Conflict, NotFound
from igny8.limits import PlanLimit
from igny8.writer import places, slugs, versions
from igny8.writer.briefs import Brief
from igny8.writer.tables import Content, ContentSource, Generation, RevisionAuthor, Task

#: Tries to find a slug that nobody else takes meanwhile.
_SLUG_TRIES: Final = 5


async def keep(
    session: AsyncSession,
    account_id: UUID,
    brief: Brief,
    written: Mapping[str, object],
    *,
    job_id: UUID,
    replace: bool,
) -> UUID:
    """Keep the article; the content's id. With `replace` a content that is there gets it as its next version.

    An address that may be known already stays as it is. Raises Conflict (somebody else gave the task a content),
    NotFound (the task is gone), LimitReached.
    """
    content_id = await _present(session, account_id, brief.task_id)
    values = {**written, "author_profile_id": brief.author_profile_id, "generated_at": func.now()}
    if content_id is None:
        content_id = await _add(session, account_id, brief, values)
        await limits.check(session, account_id, PlanLimit.CONTENTS)
        kind, note = ChangeKind.CREATED, None
    elif replace:
        await _replace(session, account_id, content_id, values)
        kind, note = ChangeKind.UPDATED, "Written anew."
    else:
        raise Conflict("The task got a content meanwhile. Write it anew with `replace`.")
    await versions.keep(session, account_id, content_id, RevisionAuthor.AI, job_id=job_id, note=note)
    changes.record(session, kind, "Content", [content_id], site_id=brief.site_id)
    changes.record(session, ChangeKind.UPDATED, "Task", [brief.task_id], site_id=brief.site_id)
    return content_id


async def note_generation(
    session: AsyncSession,
    account_id: UUID,
    content_id: UUID,
    brief: Brief,
    used: tuple[Usage, ...],
    *,
    credits: int,
    job_id: UUID,
) -> None:
    """Keep how the content was written, in the place of how it was written before; the first call names the model."""
    costs = [usage.cost_usd for usage in used]
    known = [cost for cost in costs if cost is not None]
    values = {
        "site_id": brief.site_id,
        "provider": used[0].provider.value,
        "model": used[0].model,
        "prompt_version": brief.prompt.version,
        "tokens_input": sum(usage.tokens_input for usage in used),
        "tokens_output": sum(usage.tokens_output for usage in used),
        "cost_usd": sum(known) if len(known) == len(costs) else None,
        "credits_used": credits,
        "job_id": job_id,
        "generated_at": func.now(),
    }
    row = insert(Generation).values(account_id=account_id, content_id=content_id, **values)
    await session.execute(row.on_conflict_do_update(index_elements=["account_id", "content_id"], set_=values))


async def _present(session: AsyncSession, account_id: UUID, task_id: UUID) -> UUID | None:
    """The task's content, with the task held: two that write it come one after the other. Raises NotFound."""
    task = select(Task.id).where(Task.account_id == account_id, Task.id == task_id)
    if (await session.execute(task.with_for_update(key_share=True))).first() is None:
        raise NotFound("The task is not there any more.")
    content = select(Content.id).where(Content.account_id == account_id, Content.task_id == task_id)
    return (await session.execute(content)).scalar_one_or_none()


async def _add(session: AsyncSession, account_id: UUID, brief: Brief, values: Mapping[str, object]) -> UUID:
    content_id, wanted = new_id(), str(values["slug"])
    owned = {
        "account_id": account_id,
        "id": content_id,
        "site_id": brief.site_id,
        "sector_id": brief.sector_id,
        "cluster_id": brief.cluster_id,
        "task_id": brief.task_id,
        "content_type": brief.content_type,
        "content_structure": brief.content_structure,
        "language": brief.language,
        "source": ContentSource.IGNY8.value,
    }
    for _ in range(_SLUG_TRIES):
        slug = await slugs.free(session, account_id, brief.site_id, wanted)
        row = insert(Content).values({**values, **owned, "slug": slug})
        async with constraints.told(session, places.missing("content")):
            made = await session.execute(row.on_conflict_do_nothing().returning(Content.id))
        if made.first() is not None:
            return content_id
    raise Conflict("Other contents took the address again and again. Try again.")


async def _replace(session: AsyncSession, account_id: UUID, content_id: UUID, values: Mapping[str, object]) -> None:
    kept = {name: value for name, value in values.items() if name != "slug"}
    changed = update(Content).where(Content.account_id == account_id, Content.id == content_id)
    await session.execute(changed.values(**kept, version=Content.version + 1))
