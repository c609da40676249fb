"""`igny8 doctor`: looks at everything that must hold and says in plain words what does not."""

from sqlalchemy import func, select

from igny8.auth import tables as t
from igny8.billing import books
from igny8.db import Database, LoginRole
from igny8.gql import ids
from igny8.jobs import health
from igny8.secrets import Keyring
from igny8.system import rotation


async def examine(db: Database, keyring: Keyring) -> tuple[int, list[str]]:
    """How many accounts there are, and a line for each thing that is wrong. Changes nothing."""
    async with db.session(LoginRole.SYSTEM) as session:
        wrong = await books.faults(session)
    async with db.session(LoginRole.SYSTEM) as session:
        wrong += await health.faults(session)
    async with db.session(LoginRole.SYSTEM) as session:
        accounts = (await session.execute(select(func.count()).select_from(t.Account))).scalar_one()
    told = [f"{ids.show('acc', fault.account_id)}: {fault.says}" for fault in wrong]
    return accounts, [*told, *await rotation.unreadable(db, keyring)]
