"""`igny8 doctor`: looks at everything that must hold and says in plain words what does not."""

from sqlalchemy import func, select

from igny8.auth import tables as t
from igny8.billing import books
from igny8.db import Database, LoginRole
from igny8.gql import ids


async def examine(db: Database) -> tuple[int, list[str]]:
    """How many accounts there are, and a line for each thing that is wrong in one of them. Changes nothing."""
    async with db.session(LoginRole.SYSTEM) as session:
        wrong = await books.faults(session)
        accounts = (await session.execute(select(func.count()).select_from(t.Account))).scalar_one()
    return accounts, [f"{ids.show('acc', fault.account_id)}: {fault.says}" for fault in wrong]
