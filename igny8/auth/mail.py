"""Mails to people: what they say, and how they leave the house.

`deliver` goes out into the world: never call it inside a transaction. A mail's text holds secrets, so nothing here
logs it.
"""

import asyncio
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib
import structlog
from pydantic import SecretStr

from igny8.settings import Settings

_SECONDS: Final = 10.0
_LONGEST_NAME: Final = 80
_LONGEST_ADDRESS: Final = 254
# The unquoted form of RFC 5321 with the letters of RFC 6531; quoted names and bare machine numbers are not people's.
_ATOM: Final = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL: Final = r"\w([\w-]*\w)?"
_ADDRESS: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*@({_LABEL}\.)*{_LABEL}")
# Bodies are short lines of text: with this limit links stay whole and readable in the source of the mail.
_POLICY: Final = policy.SMTPUTF8.clone(max_line_length=998)
_log = structlog.get_logger(__name__)


class MailNotSent(Exception):
    """The mail did not leave. When `permanent`, this address will refuse it the next time as well."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Message:
    """A plain-text mail to one address. Raises ValueError for an address or a subject that could forge headers."""

    to: str
    subject: str
    text: str

    def __post_init__(self) -> None:
        if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in self.to + self.subject):
            raise ValueError("The address and the subject of a mail are one line of valid text each.")
        if not is_address(self.to):
            raise ValueError("A mail goes to exactly one address of the form name@domain.")


def is_address(text: str) -> bool:
    """Whether the text is one bare address that can stand in a mail: no display name, no second address."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def verification(to: str, *, link: str) -> Message:
    """Asks a new user to prove the address. Says no name: whoever signed up may not be who reads this."""
    return _message(
        to,
        "Confirm your e-mail address",
        "Hello,",
        "Welcome to IGNY8! Please confirm that this is your e-mail address by opening this link:",
        link,
        "The link works once and for a limited time. If you did not sign up, you need not do anything.",
    )


def invitation(to: str, *, account_name: str, invited_by: str, role: str, link: str) -> Message:
    """Invites somebody into an account. `role` is shown in lower case."""
    account, inviter, what = _one_line(account_name), _one_line(invited_by), _one_line(role).lower()
    article = "an" if what[:1] in "aeio" else "a"
    return _message(
        to,
        f"You are invited to {account} on IGNY8",
        "Hello,",
        f"{inviter} invites you to work in the account {account} as {article} {what}.",
        "To accept the invitation and choose your password, open this link:",
        link,
        "The link works once and for a limited time. If you do not know the sender, you need not do anything.",
    )


def password_reset(to: str, *, link: str) -> Message:
    """Lets the holder of the address choose a new password."""
    return _message(
        to,
        "Choose a new password",
        "Hello,",
        "Somebody, hopefully you, asked for a new password for your IGNY8 account. To choose one, open this link:",
        link,
        "The link works once and for a limited time. If you did not ask for it, you need not do anything: "
        "your password stays as it is.",
    )


def email_changed(to: str, *, new_email: str) -> Message:
    """Tells the former address that it is no longer the one to sign in with."""
    return _message(
        to,
        "Your e-mail address was changed",
        "Hello,",
        f"The e-mail address of your IGNY8 account was changed to {_one_line(new_email)}.",
        "If this was not you, ask the owner of your account to disable your user at once.",
    )


def password_changed(to: str, *, at: datetime) -> Message:
    """Tells the user that the password is a new one and that other sessions have ended."""
    return _message(
        to,
        "Your password was changed",
        "Hello,",
        f"The password of your IGNY8 account was changed on {at.astimezone(UTC):%d %B %Y at %H:%M} UTC. "
        "You were signed out everywhere else.",
        "If this was not you, ask for a new password on the sign-in page at once.",
    )


def low_credits(to: str, *, account_name: str, balance: int, included: int) -> Message:
    """Tells an owner that the account will soon not be able to start work that costs credits."""
    return _message(
        to,
        "Your credits are running low",
        "Hello,",
        f"The account {_one_line(account_name)} has {balance:,} credits left; its plan includes {included:,}.",
        "When they are used up, jobs that cost credits cannot be started any more. To go on without a break, choose "
        "a larger plan or ask your operator for more credits.",
        "You get this mail once in a billing period.",
    )


async def deliver(settings: Settings, message: Message) -> None:
    """Send through `smtp_url`, or without one write the mail into `mail_folder`. Raises MailNotSent.

    After a connection that broke at the wrong moment the mail may have left all the same: sending again is right.
    """
    mail = _rendered(settings, message)
    if settings.smtp_url is not None:
        await _send(settings.smtp_url, _greeting_name(settings), mail)
        return
    try:
        path = await asyncio.to_thread(_write, settings.mail_folder, message.subject, mail)
    except OSError as error:
        raise MailNotSent(f"The mail folder cannot be written: {error.strerror}.") from error
    _log.info("mail_written_to_file", path=str(path))


def _message(to: str, subject: str, *paragraphs: str) -> Message:
    return Message(to=to, subject=subject, text="\n\n".join((*paragraphs, "Kind regards,\nIGNY8")) + "\n")


def _one_line(text: str) -> str:
    """A name that others chose, made harmless: no line breaks or control characters, and no essay."""
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    line = " ".join(visible.split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1].rstrip() + "…"


def _rendered(settings: Settings, message: Message) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = settings.mail_from
    local_part, _, domain = message.to.rpartition("@")
    mail["To"] = Address(username=local_part, domain=domain)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=_greeting_name(settings))
    # Out-of-office programs answer people, not programs (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _greeting_name(settings: Settings) -> str:
    """How we introduce ourselves; asking the system for its name could wait on a name server."""
    return urlsplit(settings.public_url).hostname or "localhost"


async def _send(smtp_url: SecretStr, greeting_name: str, mail: EmailMessage) -> None:
    url = urlsplit(smtp_url.get_secret_value())
    wrapped = url.scheme == "smtps"
    username = unquote(url.username) if url.username else None
    host = url.hostname or "localhost"
    # STARTTLS is used when it is offered. A password is never sent in the clear to another machine, though.
    start_tls = True if username and not wrapped and not _is_this_machine(host) else None
    try:
        await aiosmtplib.send(
            mail,
            hostname=host,
            port=_port(url),
            username=username,
            password=unquote(url.password) if url.password else None,
            use_tls=wrapped,
            start_tls=None if wrapped else start_tls,
            local_hostname=greeting_name,
            timeout=_SECONDS,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailNotSent(_reason(error), permanent=_refused_for_good(error)) from error


def _port(url: SplitResult) -> int:
    return url.port or (465 if url.scheme == "smtps" else 587)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = ", ".join(str(refusal.code) for refusal in error.recipients)
        return f"The mail server refused the recipient ({codes})."
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"The mail server refused the mail ({type(error).__name__}, {error.code})."
    if type(error) in (aiosmtplib.SMTPException, aiosmtplib.SMTPNotSupported):
        return f"The mail server lacks what this mail needs: {error}"
    return f"The mail server cannot be reached or broke off ({type(error).__name__})."


def _refused_for_good(error: Exception) -> bool:
    """Only what concerns this mail: a wrong password or a refused sender is ours to mend, and worth another try."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refusal.code >= 500 for refusal in error.recipients)
    return isinstance(error, aiosmtplib.SMTPDataError) and error.code >= 500


def _write(folder: Path, subject: str, mail: EmailMessage) -> Path:
    """One file a mail, complete from the moment it can be seen under its name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    slug = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")[:60]
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{slug}-{secrets.token_hex(2)}.eml"
    unfinished = folder / f".{name}"
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(mail.as_bytes(policy=_POLICY.clone(linesep="\n")))
    return unfinished.rename(folder / name)
