"""The stored password of a user, which the writing roles can replace and never read."""

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth import tables as t


async def store(session: AsyncSession, *, account_id: UUID, user_id: UUID, password_hash: str) -> None:
    """Let the user sign in with the password that has this hash, and with no other one."""
    # A sign-in that has checked the former password at this moment sees that the user changed, and starts over.
    user = update(t.User).where(t.User.account_id == account_id, t.User.id == user_id)
    await session.execute(user.values(updated_at=func.now()))
    row = insert(t.Credential).values(account_id=account_id, user_id=user_id, password_hash=password_hash)
    # Not `excluded.password_hash`: reading it would need the privilege to read the stored one.
    replaced = row.on_conflict_do_update(
        index_elements=[t.Credential.account_id, t.Credential.user_id],
        set_={"password_hash": password_hash, "changed_at": func.now()},
    )
    await session.execute(replaced)
