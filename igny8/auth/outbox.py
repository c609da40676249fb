"""Mails wait in the database, sealed, until the transaction that wrote them has committed and they are sent."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, insert, select, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.auth import mail
from igny8.auth import tables as t
from igny8.auth.mail import MailNotSent, Message
from igny8.db import Database, LoginRole, new_id
from igny8.errors import Unavailable
from igny8.secrets import Keyring, SecretUnreadable
from igny8.settings import Settings
from igny8.transactions import HOLDS_MAIL

#: Longer than one delivery can take: only a sender that died lets its mails fall due again.
LEASE: Final = timedelta(minutes=2)
MOST_ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = timedelta(seconds=30)
_AT_ONCE: Final = 10
_POLL_SECONDS: Final = 3.0

_log = structlog.get_logger(__name__)


class Outbox:
    """Puts mails, and the links in them, into the transaction of those who cause them."""

    def __init__(self, keyring: Keyring, public_url: str) -> None:
        self._keyring = keyring
        self._public_url = public_url.rstrip("/")

    def link(self, page: str, secret: str) -> str:
        """The address of a page with a secret. Behind the `#`, no server and no referrer ever sees it."""
        return f"{self._public_url}/{page}#token={secret}"

    async def enqueue(self, session: AsyncSession, account_id: UUID, message: Message) -> None:
        """Have the mail sent once the transaction commits; whoever commits may wake the sender."""
        mail_id = new_id()
        sealed = self._keyring.seal(message.text, bound_to=body_place(account_id, mail_id))
        row = insert(t.Mail).values(
            account_id=account_id, id=mail_id, recipient=message.to, subject=message.subject, body=sealed
        )
        await session.execute(row)
        session.info[HOLDS_MAIL] = True


@dataclass(frozen=True, slots=True)
class _Claimed:
    account_id: UUID
    id: UUID
    recipient: str
    subject: str
    body: bytes | None
    attempts: int


class MailSender:
    """Sends what is due. Several processes may run one: each mail is claimed by one of them, for a while.

    A mail is sent again when the sender dies between sending and noting it: twice is better than never.
    """

    def __init__(self, db: Database, settings: Settings, keyring: Keyring, waiting: asyncio.Event) -> None:
        self._db = db
        self._settings = settings
        self._keyring = keyring
        self._waiting = waiting

    def wake(self) -> None:
        """Look now; what was missed is found a few seconds later all the same."""
        self._waiting.set()

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for."""
        while True:
            self._waiting.clear()
            try:
                while await self.send_due():
                    pass
            except (Unavailable, DBAPIError) as error:
                _log.warning("mail_outbox_unreachable", reason=type(error).__name__)
            except Exception:  # a bug must not end the loop for good
                _log.exception("mail_outbox_failed")
            try:
                # Not `wait_for`: before Python 3.12 it may swallow a cancellation.
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._waiting.wait()
            except TimeoutError:
                continue

    async def send_due(self) -> int:
        """Try each of the mails that are due, ten at most, once; how many were tried."""
        claimed = await self._claim()
        await asyncio.gather(*(self._send(one) for one in claimed))
        return len(claimed)

    async def _claim(self) -> list[_Claimed]:
        due = (
            select(t.Mail.account_id, t.Mail.id)
            .where(_WAITING, t.Mail.next_attempt_at <= func.now())
            .order_by(t.Mail.next_attempt_at)
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        taken = (
            update(t.Mail)
            .where(tuple_(t.Mail.account_id, t.Mail.id).in_(due))
            .values(attempts=t.Mail.attempts + 1, next_attempt_at=func.now() + LEASE)
            .returning(t.Mail.account_id, t.Mail.id, t.Mail.recipient, t.Mail.subject, t.Mail.body, t.Mail.attempts)
        )
        async with self._db.session(LoginRole.SYSTEM) as session:
            return [_Claimed(*row) for row in await session.execute(taken)]

    async def _send(self, claimed: _Claimed) -> None:
        try:
            text = self._keyring.open(claimed.body or b"", bound_to=body_place(claimed.account_id, claimed.id))
            await mail.deliver(self._settings, Message(claimed.recipient, claimed.subject, text))
        except (MailNotSent, SecretUnreadable) as error:
            hopeless = isinstance(error, MailNotSent) and error.permanent
            await self._note_failure(claimed, str(error), hopeless=hopeless)
        except Exception as error:  # a bug in one mail must not hold up the others
            _log.exception("mail_sender_failed", mail_id=str(claimed.id))
            await self._note_failure(claimed, type(error).__name__, hopeless=False)
        else:
            await self._note(claimed, sent_at=func.now(), body=None, last_error=None)

    async def _note_failure(self, claimed: _Claimed, reason: str, *, hopeless: bool) -> None:
        given_up = hopeless or claimed.attempts >= MOST_ATTEMPTS
        _log.warning("mail_not_sent", mail_id=str(claimed.id), attempts=claimed.attempts, given_up=given_up)
        if given_up:
            await self._note(claimed, failed_at=func.now(), body=None, last_error=reason)
        else:
            pause = _FIRST_PAUSE * 3 ** (claimed.attempts - 1)
            await self._note(claimed, next_attempt_at=func.now() + pause, last_error=reason)

    async def _note(self, claimed: _Claimed, **values: object) -> None:
        """Only while the claim holds: another sender may have taken the mail since."""
        held = update(t.Mail).where(
            t.Mail.account_id == claimed.account_id,
            t.Mail.id == claimed.id,
            t.Mail.attempts == claimed.attempts,
            _WAITING,
        )
        async with self._db.session(LoginRole.SYSTEM) as session:
            await session.execute(held.values(**values))


_WAITING: Final[ColumnElement[bool]] = t.Mail.sent_at.is_(None) & t.Mail.failed_at.is_(None)


def body_place(account_id: UUID, mail_id: UUID) -> str:
    """What the sealed body of a mail is bound to."""
    return f"mail:{account_id}:{mail_id}:body"
