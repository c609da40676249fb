"""Contents made, edited, moved, brought back and deleted by hand."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, limits
from igny8.auth.tables import Site
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.errors import AlreadyExists, Conflict, DomainError, NotAllowedNow, NotFound, StaleVersion, ValidationFailed
from igny8.jobs.cancelling import cancel_work_on
from igny8.limits import PlanLimit
from igny8.writer import content_values, markup, places, slugs, versions
from igny8.writer.choosing import hold, site_of
from igny8.writer.content_values import ContentChange
from igny8.writer.tables import Content, ContentSource, ContentStatus, Revision, RevisionAuthor, Task

#: Where users may move a content from each status. What is published is retracted, not moved.
MOVES: Final[Mapping[ContentStatus, frozenset[ContentStatus]]] = {
    ContentStatus.DRAFT: frozenset({ContentStatus.REVIEW, ContentStatus.ARCHIVED}),
    ContentStatus.REVIEW: frozenset({ContentStatus.DRAFT}),
    ContentStatus.ARCHIVED: frozenset({ContentStatus.DRAFT}),
    ContentStatus.PUBLISHED: frozenset(),
}


async def create(
    session: AsyncSession,
    account_id: UUID,
    sector_id: UUID,
    given: ContentChange,
    *,
    task_id: UUID | None = None,
    by: UUID | None,
) -> UUID:
    """A content that somebody wrote; its id. What is left out is taken from its task, and the slug from its title.

    Raises ValidationFailed, AlreadyExists (slug), NotFound, NotAllowedNow (the task has one), LimitReached.
    """
    values = content_values.columns(given)
    for name, public in (("title", "title"), ("html_content", "htmlContent")):
        if name not in values:
            raise ValidationFailed("A content needs this.", field=("input", public))
    site_id = await places.site_of_sector(session, account_id, sector_id)
    if task_id is not None:
        values = {**await _of_task(session, account_id, site_id, task_id), **values, "task_id": task_id}
    if "language" not in values:
        language = select(Site.language).where(Site.account_id == account_id, Site.id == site_id)
        values["language"] = (await session.execute(language)).scalar_one()
    if "slug" not in values:
        values["slug"] = await slugs.free(session, account_id, site_id, slugs.suggested(str(values["title"])))
    content_id = new_id()
    owned = {"account_id": account_id, "id": content_id, "site_id": site_id, "sector_id": sector_id}
    values |= {**owned, "source": ContentSource.CUSTOM.value}
    async with constraints.told(session, _refusals(values)):
        await session.execute(insert(Content).values(values))
    await versions.keep(session, account_id, content_id, RevisionAuthor.USER, user_id=by)
    await limits.check(session, account_id, PlanLimit.CONTENTS)
    changes.record(session, ChangeKind.CREATED, "Content", [content_id], site_id=site_id)
    return content_id


async def edit(
    session: AsyncSession, account_id: UUID, content_id: UUID, given: ContentChange, *, version: int, by: UUID | None
) -> None:
    """Save what is given as a new version, if `version` is still the present one.

    Raises ValidationFailed, AlreadyExists (slug), NotFound, StaleVersion with the present version.
    """
    values = content_values.columns(given)
    mine = _this(account_id, content_id)
    if not values:
        found = (await session.execute(select(Content.version).where(mine))).scalar_one_or_none()
        _refuse_stale(found, version)
        return
    saved = update(Content).where(mine, Content.version == version)
    async with constraints.told(session, _refusals(values)):
        saving = saved.values(**values, version=version + 1).returning(Content.site_id)
        site_id = (await session.execute(saving)).scalar_one_or_none()
    if site_id is None:
        found = (await session.execute(select(Content.version).where(mine))).scalar_one_or_none()
        _refuse_stale(found, version)
    await versions.keep(session, account_id, content_id, RevisionAuthor.USER, user_id=by)
    changes.record(session, ChangeKind.UPDATED, "Content", [content_id], site_id=site_id, version=version + 1)


async def restore(
    session: AsyncSession, account_id: UUID, content_id: UUID, version: int, *, by: UUID | None
) -> None:
    """Save an earlier version as a new one. Raises NotFound, AlreadyExists (its slug was taken meanwhile)."""
    mine = _this(account_id, content_id)
    place = select(Content.site_id).where(mine).with_for_update(key_share=True)
    site_id = (await session.execute(place)).scalar_one_or_none()
    if site_id is None:
        raise NotFound("No content with this id.", field=("contentId",))
    kept = select(*(Revision.__table__.c[name] for name in versions.KEPT)).where(
        Revision.account_id == account_id, Revision.content_id == content_id, Revision.version == version
    )
    found = (await session.execute(kept)).one_or_none()
    if found is None:
        raise NotFound(f"This content has no version {version}.", field=("version",))
    values = dict(found._mapping)
    values["word_count"] = markup.words(values["html_content"])
    taken = AlreadyExists(f"Another content has the slug {values['slug']} by now.", field=("version",))
    async with constraints.told(session, {"uq_content_slug": taken}):
        await session.execute(update(Content).where(mine).values(**values, version=Content.version + 1))
    note = f"Version {version} brought back."
    await versions.keep(session, account_id, content_id, RevisionAuthor.RESTORE, user_id=by, note=note)
    changes.record(session, ChangeKind.UPDATED, "Content", [content_id], site_id=site_id, restored=version)


async def set_status(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], wanted: ContentStatus) -> None:
    """Move contents; those that are there already stay. Raises ValidationFailed, NotFound, NotAllowedNow."""
    site_id = await site_of(session, account_id, Content, ids, ("ids",))
    await hold(session, account_id, Content, ids)
    present = select(Content.id, Content.status).where(Content.account_id == account_id, Content.id.in_(ids))
    statuses = {id_: ContentStatus(status) for id_, status in await session.execute(present)}
    for number, id_ in enumerate(ids):
        now = statuses[id_]
        if wanted is not now and wanted not in MOVES[now]:
            raise NotAllowedNow(_told(now, wanted), field=("ids", str(number)))
    moved = [id_ for id_ in ids if statuses[id_] is not wanted]
    if moved:
        changed = update(Content).where(Content.account_id == account_id, Content.id.in_(moved))
        await session.execute(changed.values(status=wanted.value))
        changes.record(session, ChangeKind.UPDATED, "Content", moved, site_id=site_id, status=wanted.value)


async def delete(session: AsyncSession, account_id: UUID, ids: Sequence[UUID], *, force: bool = False) -> None:
    """Delete contents with their images and versions; published ones with `force` alone.

    Raises ValidationFailed, NotFound, Conflict with the number of published ones.
    """
    await cancel_work_on(session, ids)
    site_id = await site_of(session, account_id, Content, ids, ("ids",))
    await hold(session, account_id, Content, ids)
    mine = (Content.account_id == account_id, Content.id.in_(ids))
    published = select(func.count()).where(*mine, Content.status == ContentStatus.PUBLISHED.value)
    count = (await session.execute(published)).scalar_one()
    if count and not force:
        raise Conflict(
            f"{count} of these are published. With `force` they are deleted here; what is published stays out there.",
            details={"published": count},
        )
    await session.execute(deletion(Content).where(*mine))
    changes.record(session, ChangeKind.DELETED, "Content", ids, site_id=site_id)


def _this(account_id: UUID, content_id: UUID) -> ColumnElement[bool]:
    return (Content.account_id == account_id) & (Content.id == content_id)


def _refuse_stale(current: int | None, given: int) -> None:
    if current is None:
        raise NotFound("No content with this id.", field=("input", "id"))
    if current != given:
        raise StaleVersion(given=given, current=current, field=("input", "version"))


async def _of_task(session: AsyncSession, account_id: UUID, site_id: UUID, task_id: UUID) -> dict[str, object]:
    """What a content has of its task. Raises NotFound for one that is not in the site."""
    taken = select(
        Task.cluster_id,
        Task.content_type,
        Task.content_structure,
        Task.author_profile_id,
        Task.target_keyword.label("primary_keyword"),
    ).where(Task.account_id == account_id, Task.site_id == site_id, Task.id == task_id)
    found = (await session.execute(taken)).one_or_none()
    if found is None:
        raise NotFound("No task with this id.", field=("input", "taskId"))
    return dict(found._mapping)


def _told(now: ContentStatus, wanted: ContentStatus) -> str:
    if wanted is ContentStatus.PUBLISHED:
        return f"A content becomes PUBLISHED by being published. This one is {now}."
    if now is ContentStatus.PUBLISHED:
        return "This content is PUBLISHED: retract it first."
    possible = " or ".join(status for status in ContentStatus if status in MOVES[now])
    return f"A content that is {now} can become {possible}, and not {wanted}."


def _refusals(values: Mapping[str, object]) -> dict[str, DomainError]:
    slug = AlreadyExists(
        f"Another content of this site has the slug {values.get('slug')}. Choose another one.",
        field=("input", "slug"),
    )
    written = NotAllowedNow("The task has a content already: edit that one.", field=("input", "taskId"))
    return {**places.missing("content"), "uq_content_slug": slug, "uq_content_task_id": written}
