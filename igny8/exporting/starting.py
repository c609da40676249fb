"""Starting an export: what, of which site, for whom."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.access import SITE_BOUND, Permission, Viewer
from igny8.auth.tables import Sector, Site
from igny8.db import Base
from igny8.errors import Forbidden, NotFound, ValidationFailed
from igny8.exporting.formats import ExportFormat
from igny8.exporting.job import ExportRecords, export_records
from igny8.exporting.records import ExportType
from igny8.gql import ids
from igny8.jobs import enqueue
from igny8.planner.tables import Cluster, Idea, Keyword
from igny8.system.tables import AuthorProfile
from igny8.writer.tables import Content, Task

_FIELDS: Final = {
    ExportType.KEYWORDS: ("input", "keywordFilter"),
    ExportType.CONTENTS: ("input", "contentFilter"),
}
#: What the ids in a filter are of, by its fields.
_OWN: Final = {ExportType.KEYWORDS: "key", ExportType.CONTENTS: "con"}
_KINDS: Final = {
    "siteId": "sit",
    "sectorId": "sec",
    "clusterId": "clu",
    "ideaId": "ide",
    "taskId": "tsk",
    "authorProfileId": "aut",
}
_TABLES: Final[Mapping[str, type[Base]]] = {
    "aut": AuthorProfile,
    "clu": Cluster,
    "con": Content,
    "ide": Idea,
    "key": Keyword,
    "sec": Sector,
    "sit": Site,
    "tsk": Task,
}


async def start(
    session: AsyncSession,
    viewer: Viewer,
    *,
    type: ExportType,
    format: ExportFormat,
    site_id: UUID | None,
    filters: Mapping[ExportType, Mapping[str, Any]],
) -> UUID:
    """Start the job; its id. `filters` are inputs of the schema as JSON.

    Raises Forbidden, ValidationFailed, NotFound.

    Whoever may see the job may fetch its file. So what only some may read is a job of the account, which users of
    single sites do not see.
    """
    if type is ExportType.CREDIT_USAGE and not viewer.may(Permission.BILLING_READ):
        raise Forbidden(f"Your role ({viewer.role}) lacks the permission BILLING_READ that this export needs.")
    site_id = await _site(session, viewer, site_id)
    for of, given in filters.items():
        await _require_all(session, viewer.account_id, of, given)
        if of is not type:
            raise ValidationFailed(f"This goes with {of} alone.", field=_FIELDS[of])
    filter = filters.get(type)
    arguments = ExportRecords(type=type, format=format, site_id=site_id, filter=dict(filter) if filter else None)
    return await enqueue(
        session,
        export_records,
        arguments,
        site_id=None if type is ExportType.CREDIT_USAGE else site_id,
        started_by=None if viewer.acts_abroad else viewer.user_id,
    )


async def _require_all(session: AsyncSession, account_id: UUID, of: ExportType, given: Mapping[str, Any]) -> None:
    """Every id in a filter has to be of its kind and of something here: a slip must not make an empty file."""
    for name, texts in given.items():
        kind = _OWN[of] if name == "ids" else _KINDS.get(name)
        if kind is None or not texts:
            continue
        field = (*_FIELDS[of], name)
        wanted, table = ids.all_given(kind, texts, *field), _TABLES[kind].__table__
        here = select(table.c.id).where(table.c.account_id == account_id, table.c.id == func.any(wanted))
        found = set((await session.execute(here)).scalars())
        for number, id_ in enumerate(wanted):
            if id_ not in found:
                raise NotFound(f"No {ids.KINDS[kind]} with this id.", field=(*field, str(number)))


async def _site(session: AsyncSession, viewer: Viewer, site_id: UUID | None) -> UUID | None:
    """The site to export; None is the whole account, for those who see all of it."""
    field = ("input", "siteId")
    mine = select(Site.id).where(Site.account_id == viewer.account_id)
    if site_id is not None:
        if (await session.execute(mine.where(Site.id == site_id))).first() is None:
            raise NotFound("No site with this id.", field=field)
        return site_id
    if viewer.role not in SITE_BOUND:
        return None
    granted = (await session.execute(mine.limit(2))).scalars().all()
    if len(granted) != 1:
        raise ValidationFailed("Say which of your sites to export.", field=field)
    return granted[0]
