"""The prompts of an account: saved as versions, reset to the built-in ones, chosen for a call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes
from igny8.access import Viewer
from igny8.changes import ChangeKind
from igny8.db import new_id
from igny8.inputs import Field
from igny8.system import tables as t
from igny8.system import templates
from igny8.system.prompt_types import VARIABLES, default
from igny8.system.tables import PromptType

_NAMES: Final = UUID("0a4f8f5e-3e0c-4a9b-8a0e-6f0d2c9f7b11")


def kind_id(prompt_type: PromptType) -> UUID:
    """The id of the row that stands for a type of prompt; the same everywhere."""
    return uuid5(_NAMES, prompt_type.value)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text that a call uses, and where it is from: version None is the text of a request's own."""

    prompt_type: PromptType
    text: str
    version: int | None

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with a value in the place of each variable."""
        return templates.filled(self.text, VARIABLES[self.prompt_type], values)


async def save(session: AsyncSession, viewer: Viewer, prompt_type: PromptType, value: str) -> None:
    """A new version, used from now on. Raises ValidationFailed."""
    text = templates.checked(value, VARIABLES[prompt_type], ("value",))
    by = None if viewer.acts_abroad else viewer.user_id
    row = insert(t.AIPrompt).values(
        account_id=viewer.account_id,
        id=new_id(),
        prompt_type=prompt_type.value,
        version=1,
        last_version=1,
        updated_by_id=by,
    )
    # The row's lock gives each version its number.
    row = row.on_conflict_do_update(
        index_elements=[t.AIPrompt.account_id, t.AIPrompt.prompt_type],
        set_={
            "version": t.AIPrompt.last_version + 1,
            "last_version": t.AIPrompt.last_version + 1,
            "updated_at": sa.func.now(),
            "updated_by_id": by,
        },
    )
    id_, version = (await session.execute(row.returning(t.AIPrompt.id, t.AIPrompt.version))).one()
    await session.execute(
        sa.insert(t.AIPromptVersion).values(
            account_id=viewer.account_id,
            id=new_id(),
            prompt_type=prompt_type.value,
            version=version,
            value=text,
            created_by_id=by,
        )
    )
    changes.record(session, ChangeKind.UPDATED, "AIPrompt", [id_], prompt_type=prompt_type.value, version=version)


async def reset(session: AsyncSession, viewer: Viewer, prompt_type: PromptType) -> None:
    """Use the built-in text from now on; the versions stay to be read."""
    own = sa.and_(t.AIPrompt.account_id == viewer.account_id, t.AIPrompt.prompt_type == prompt_type.value)
    changed = (
        sa.update(t.AIPrompt)
        .where(own, t.AIPrompt.version.is_not(None))
        .values(
            version=None,
            updated_at=sa.func.now(),
            updated_by_id=None if viewer.acts_abroad else viewer.user_id,
        )
        .returning(t.AIPrompt.id)
    )
    id_ = (await session.execute(changed)).scalar_one_or_none()
    if id_ is not None:
        changes.record(session, ChangeKind.UPDATED, "AIPrompt", [id_], prompt_type=prompt_type.value, version=0)


async def chosen(
    session: AsyncSession,
    account_id: UUID,
    prompt_type: PromptType,
    *,
    override: str | None = None,
    field: Field = ("input", "promptOverride"),
) -> Prompt:
    """The prompt for a call: the request's own, else the account's, else the built-in one (version 0).

    Raises ValidationFailed, which names `field`, for a bad text of the request's own.
    """
    if override is not None:
        return Prompt(prompt_type, templates.checked(override, VARIABLES[prompt_type], field), None)
    version = t.AIPromptVersion
    saved = (
        sa.select(version.value, version.version)
        .join(
            t.AIPrompt,
            sa.and_(
                t.AIPrompt.account_id == version.account_id,
                t.AIPrompt.prompt_type == version.prompt_type,
                t.AIPrompt.version == version.version,
            ),
        )
        .where(version.account_id == account_id, version.prompt_type == prompt_type.value)
    )
    found = (await session.execute(saved)).one_or_none()
    if found is None:
        return Prompt(prompt_type, default(prompt_type), 0)
    return Prompt(prompt_type, found.value, found.version)
