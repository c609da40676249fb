"""How many jobs a second one account can hold credits for and pay, beside PostgreSQL's own pgbench on the same SQL.

One wallet is one row, so all of its work passes through one lock: this is the most that the busiest account can do.
Commits reach the disk here, as they do in production.
"""

import asyncio
import re
import subprocess
import time
from typing import Final
from uuid import UUID

import psycopg
import uvloop
from pydantic import SecretStr

from benchmarks.lasting import commits_that_last
from benchmarks.rows import Row, ratio
from benchmarks.stack import Stack
from igny8 import credits, transactions
from igny8.credits import TransactionType
from igny8.db import POOL_SIZES, Database, LoginRole, new_id
from igny8.devstack.programs import postgres_programs
from igny8.settings import DatabaseSettings

CLIENTS: Final = 16
_HELD, _USED = 10, 7


def rows(running: Stack, *, rounds: int, seconds: float) -> list[Row]:
    """One line: cycles of hold and settlement, the best of some rounds in turn with the yardstick's."""
    account_id, urls = running.reader.account_id, _urls(running)
    with commits_that_last(running.superuser_url):
        asyncio.run(_fund(urls, account_id))
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(_pgbench(running, account_id, seconds))
            ours.append(uvloop.run(_cycles(urls, account_id, seconds)))
    _refuse_wrong_books(running, account_id)
    measure = f"hold + settle, one account, {CLIENTS} clients"
    return [ratio(measure, max(ours), max(theirs), "/s", least=0.5)]


async def _cycles(urls: dict[str, str], account_id: UUID, seconds: float) -> float:
    """Cycles a second of one process; each hold and each settlement is a transaction of its own."""
    db = Database(_settings(urls), sizes={**POOL_SIZES, LoginRole.APP: CLIENTS})
    await db.open()
    user_id, count = new_id(), 0
    begun = time.perf_counter()

    async def client() -> None:
        nonlocal count
        while time.perf_counter() - begun < seconds:
            job_id = new_id()
            async with transactions.acting_as(db, account_id, user_id) as session:
                await credits.hold(session, account_id, _HELD, job_id=job_id)
            async with transactions.acting_as(db, account_id, user_id) as session:
                await credits.settle(session, account_id, job_id, _USED, description="Work", user_id=user_id)
            count += 1

    try:
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return count / (time.perf_counter() - begun)
    finally:
        await db.close()


def _pgbench(running: Stack, account_id: UUID, seconds: float) -> float:
    """The same statements in the same transactions, sent by a program in C that does nothing else."""
    script = running.folder / "ledger.sql"
    script.write_text(_script(account_id, new_id()))
    command = [
        str(postgres_programs() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}",
        f"--time={max(1, round(seconds))}", f"--file={script}", running.app_url,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None or done.returncode or "number of failed transactions: 0 " not in done.stdout:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


def _script(account_id: UUID, user_id: UUID) -> str:
    """Ids of jobs and entries are drawn by pgbench, as the application makes them: without a round trip."""
    drawn = "\\set {} random(0, 9223372036854775806)\n"
    values = {
        "account_id": f"'{account_id}'",
        "user_id": f"'{user_id}'",
        "amount": str(_HELD),
        "used": str(_USED),
        "description": "'Work'",
        "job_id": _uuid("job"),
        "id": _uuid("entry"),
        "key": f"('job:' || {_uuid('job')})",
        "account": f"'{account_id}'",
        "user": f"'{user_id}'",
    }

    def filled(statement: str) -> str:
        return re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], " ".join(statement.split())) + ";\n"

    parts = [drawn.format("job"), drawn.format("entry")]
    for statement in (credits.HOLD, credits.SETTLE):
        parts += ["BEGIN;\n", filled(transactions.ACT_AS), filled(statement), "COMMIT;\n"]
    return "".join(parts)


def _uuid(name: str) -> str:
    return f"CAST(to_char(CAST(:{name} AS bigint), 'FM00000000000000000000000000000000') AS uuid)"


def _settings(urls: dict[str, str]) -> DatabaseSettings:
    return DatabaseSettings(**{f"database_{role}_url": SecretStr(url) for role, url in urls.items()})


def _urls(running: Stack) -> dict[str, str]:
    return {role.value: running.environment[f"IGNY8_DATABASE_{role.name}_URL"] for role in LoginRole}


async def _fund(urls: dict[str, str], account_id: UUID) -> None:
    db = Database(_settings(urls))
    await db.open()
    async with db.session(LoginRole.SYSTEM) as session:
        await credits.grant(
            session,
            account_id,
            1_000_000_000,
            key="benchmark",
            transaction_type=TransactionType.ADJUSTMENT,
            description="Enough to measure with",
        )
    await db.close()


def _refuse_wrong_books(running: Stack, account_id: UUID) -> None:
    """Raise RuntimeError when the entries do not sum to the balance, or anything is still held."""
    with psycopg.connect(running.superuser_url) as sql:
        right = sql.execute(
            "SELECT w.held = 0 AND w.balance = (SELECT sum(amount) FROM credit_entry e WHERE e.account_id = w.account_id)"
            " FROM wallet w WHERE account_id = %s",
            [account_id],
        ).fetchone()
    if right != (True,):
        raise RuntimeError("the books of the measured account are wrong")
