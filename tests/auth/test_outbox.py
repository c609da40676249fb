"""The outbox: mails leave after the commit, once, and nothing of them stays behind."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from igny8 import transactions
from igny8.auth.mail import Message
from igny8.auth.outbox import LEASE, MOST_ATTEMPTS, MailSender
from igny8.db import Database
from igny8.secrets import Keyring
from tests.auth.people import House

pytestmark = pytest.mark.anyio

SECRET = "igm_canary"


def sender(house: House, **changed: object) -> MailSender:
    settings = house.with_settings(**changed).desk.settings
    return MailSender(house.desk.db, settings, house.keyring, house.desk.mail_waiting)


def nowhere() -> SecretStr:
    """An SMTP address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return SecretStr(f"smtp://127.0.0.1:{probe.getsockname()[1]}")


async def account_with_no_mail(house: House) -> object:
    who = await house.sign_up()
    house.sql.execute("DELETE FROM mail")
    return who.member


async def enqueue(house: House, to: str = "ada@example.com") -> None:
    account = house.row("SELECT id FROM account")["id"]
    async with transactions.acting_as(house.desk.db, account, account) as session:
        await house.desk.outbox.enqueue(session, account, Message(to, "Hello", f"Your link: {SECRET}\n"))


def files(house: House) -> list[str]:
    folder = Path(house.desk.settings.mail_folder)
    return [path.read_text() for path in sorted(folder.glob("*.eml"))] if folder.exists() else []


@pytest.fixture(autouse=True)
async def _one_account(house: House) -> None:
    await account_with_no_mail(house)


async def test_a_mail_waits_sealed_and_leaves_nothing_but_its_envelope(house: House) -> None:
    await enqueue(house)
    waiting = house.row("SELECT * FROM mail")
    assert (waiting["recipient"], waiting["subject"], waiting["attempts"]) == ("ada@example.com", "Hello", 0)
    assert SECRET.encode() not in bytes(waiting["body"])
    assert await sender(house).send_due() == 1
    (written,) = files(house)
    assert SECRET in written
    sent = house.row("SELECT * FROM mail")
    assert (sent["body"], sent["attempts"], sent["last_error"]) == (None, 1, None)
    assert sent["sent_at"] is not None
    assert await sender(house).send_due() == 0


async def test_a_rolled_back_mail_is_never_sent(house: House) -> None:
    account = house.row("SELECT id FROM account")["id"]
    with suppress(ZeroDivisionError):
        async with transactions.acting_as(house.desk.db, account, account) as session:
            await house.desk.outbox.enqueue(session, account, Message("ada@example.com", "Hello", "x\n"))
            raise ZeroDivisionError
    assert await sender(house).send_due() == 0
    assert files(house) == []


async def test_two_senders_send_each_mail_once(house: House) -> None:
    for number in range(15):
        await enqueue(house, f"ada{number}@example.com")
    one, other = sender(house), sender(house)
    counts = await asyncio.gather(one.send_due(), other.send_due(), one.send_due())
    assert sum(counts) == 15
    assert len(files(house)) == 15
    assert house.row("SELECT count(*) AS n FROM mail WHERE sent_at IS NULL") == {"n": 0}


async def test_a_server_that_is_away_is_tried_again_later_and_then_given_up(house: House) -> None:
    await enqueue(house)
    tried = sender(house, smtp_url=nowhere())
    pauses = []
    for _ in range(MOST_ATTEMPTS):
        house.sql.execute("UPDATE mail SET next_attempt_at = now()")
        assert await tried.send_due() == 1
        pauses.append(house.row("SELECT extract(epoch FROM next_attempt_at - now())::float AS s FROM mail")["s"])
        assert await tried.send_due() == 0
    assert [round(pause / 10) * 10 for pause in pauses[:4]] == [30, 90, 270, 810]
    given_up = house.row("SELECT * FROM mail")
    assert (given_up["attempts"], given_up["body"], given_up["sent_at"]) == (MOST_ATTEMPTS, None, None)
    assert given_up["failed_at"] is not None
    assert given_up["last_error"] == "The mail server cannot be reached or broke off (SMTPConnectError)."


async def test_a_mail_of_a_sender_that_died_falls_due_again(house: House) -> None:
    await enqueue(house)
    claimed = await sender(house)._claim()
    assert len(claimed) == 1
    assert await sender(house).send_due() == 0
    house.sql.execute("UPDATE mail SET next_attempt_at = next_attempt_at - %s", (LEASE,))
    assert await sender(house).send_due() == 1
    await sender(house)._note_failure(claimed[0], "late news", hopeless=True)
    mail = house.row("SELECT failed_at, last_error, attempts FROM mail")
    assert mail == {"failed_at": None, "last_error": None, "attempts": 2}


async def test_a_mail_whose_key_is_missing_waits_for_it(house: House) -> None:
    await enqueue(house)
    strange = Keyring(SecretStr("b:" + "QUFB" * 10 + "QUE="))
    other = MailSender(house.desk.db, house.desk.settings, strange, asyncio.Event())
    assert await other.send_due() == 1
    assert house.row("SELECT body IS NULL AS gone, failed_at FROM mail") == {"gone": False, "failed_at": None}
    house.sql.execute("UPDATE mail SET next_attempt_at = now()")
    assert await sender(house).send_due() == 1
    assert len(files(house)) == 1


async def test_a_woken_sender_looks_at_once_and_logs_no_secret(house: House) -> None:
    running = sender(house)
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(running.run())
        await asyncio.sleep(0.2)
        await enqueue(house)
        running.wake()
        for _ in range(40):
            await asyncio.sleep(0.05)
            if files(house):
                break
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert len(files(house)) == 1
    assert SECRET not in repr(logs)


async def test_a_sender_outlives_a_database_that_is_away(house: House) -> None:
    closed = Database(house.desk.settings)
    waiting = asyncio.Event()
    task = asyncio.create_task(MailSender(closed, house.desk.settings, house.keyring, waiting).run())
    await asyncio.sleep(0.2)
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
