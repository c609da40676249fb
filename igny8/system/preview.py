"""What a prompt says once it is filled in: with the data of a row of the account's, or with examples."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.errors import NotFound
from igny8.system import templates
from igny8.system.prompt_types import VARIABLES
from igny8.system.tables import PromptType

#: Rows that a prompt may be about, by the prefix of their ids: table, and what is shown of them under which name.
#: Their domains lie above this one, so that their tables are known here by name alone.
SUBJECTS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "key": ("keyword", {"keyword": "keyword", "volume": "volume", "intent": "intent"}),
    "clu": ("cluster", {"name": "name", "description": "description"}),
    "ide": ("content_idea", {"title": "title", "description": "description", "keyword": "target_keyword"}),
    "tsk": ("task", {"title": "title", "description": "description", "keyword": "target_keyword"}),
    "con": ("content", {"title": "title", "excerpt": "excerpt", "html": "html_content"}),
}

NOTHING_THERE: Final = "There is nothing with this id to fill the prompt with."


def of_examples(prompt_type: PromptType, value: str) -> str:
    """Raises ValidationFailed for a bad template."""
    return _filled(prompt_type, value, {})


async def of_subject(
    session: AsyncSession, account_id: UUID, prompt_type: PromptType, value: str, *, kind: str, id: UUID
) -> str:
    """Raises ValidationFailed for a bad template, NotFound."""
    name, shown = SUBJECTS[kind]
    table = sa.table(name, sa.column("account_id", sa.Uuid()), sa.column("id", sa.Uuid()))
    columns: list[sa.ColumnElement[Any]] = [sa.column(column).label(key) for key, column in shown.items()]
    row = sa.select(*columns).select_from(table)
    found = (await session.execute(row.where(table.c.account_id == account_id, table.c.id == id))).one_or_none()
    if found is None:
        raise NotFound(NOTHING_THERE)
    data: dict[str, Any] = {key: value for key, value in found._mapping.items() if value is not None}
    title = str(data.get("title") or data.get("name") or data.get("keyword"))
    return _filled(prompt_type, value, {"data": templates.delimited(data), "prompt": title})


def _filled(prompt_type: PromptType, value: str, known: Mapping[str, str]) -> str:
    variables = VARIABLES[prompt_type]
    text = templates.checked(value, variables, ("value",))
    return templates.filled(text, variables, {one.name: known.get(one.name, one.example) for one in variables})
