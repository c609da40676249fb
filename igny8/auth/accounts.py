"""An account's own settings, and its standing with the operator."""

from functools import partial
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from igny8 import changes, constraints, inputs
from igny8.auth import tables as t
from igny8.auth.tables import AccountStatus
from igny8.changes import ChangeKind
from igny8.errors import AlreadyExists, NotAllowedNow, NotFound
from igny8.inputs import KEEP, Check, Keep

SHORTEST_SLUG: Final = 3

_CHECKS: Final[dict[str, Check]] = {
    "name": inputs.name,
    "slug": partial(inputs.slug, shortest=SHORTEST_SLUG),
}


async def update(
    session: AsyncSession, account_id: UUID, *, name: str | Keep | None = KEEP, slug: str | Keep | None = KEEP
) -> None:
    """Rename the account. Slugs are unique over all accounts: one that is taken is told, as sign-in asks for it.

    Raises ValidationFailed, AlreadyExists, NotFound.
    """
    values = inputs.checked(_CHECKS, {"name": name, "slug": slug})
    if not values:
        return
    taken = AlreadyExists("This slug is taken. Choose another one.", field=("input", "slug"))
    async with constraints.told(session, {"uq_account_slug": taken}):
        changed = sa.update(t.Account).where(t.Account.id == account_id).values(values).returning(t.Account.id)
        found = (await session.execute(changed)).scalar_one_or_none()
    if found is None:
        raise NotFound("No account with this id.")
    changes.record(session, ChangeKind.UPDATED, "Account", [account_id])


async def set_status(session: AsyncSession, account_id: UUID, status: AccountStatus) -> None:
    """What an operator decides on an account; its sessions feel it from their next request on.

    Needs a session that sees the account: a developer's. Raises NotFound, NotAllowedNow for the system account.
    """
    target = sa.select(t.Account.is_system, t.Account.status).where(t.Account.id == account_id)
    found = (await session.execute(target.with_for_update(key_share=True))).one_or_none()
    if found is None:
        raise NotFound("No account with this id.", field=("accountId",))
    if found.is_system:
        raise NotAllowedNow("The status of the system account cannot be changed.", field=("accountId",))
    if found.status == status:
        return
    await session.execute(sa.update(t.Account).where(t.Account.id == account_id).values(status=status.value))
    changes.record(
        session, ChangeKind.UPDATED, "Account", [account_id], status=status.value, status_before=found.status
    )
