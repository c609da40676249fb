"""What mails say, and that they arrive: through real SMTP servers on this machine, or as files."""

import asyncio
import base64
import email
import email.policy
import ipaddress
import ssl
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from igny8.auth import mail
from igny8.auth.mail import MailNotSent, Message
from igny8.settings import Settings

LINK = "https://seo.example.com/verify?token=igm_" + "canary" * 8
TO = "ada@example.com"
ANY_KEY = base64.b64encode(b"k" * 32).decode()


def settings(tmp_path: Path, smtp_url: str | None = None) -> Settings:
    database = SecretStr("postgresql://role:password@127.0.0.1/igny8")
    return Settings(
        environment="development",
        database_app_url=database,
        database_member_url=database,
        database_signin_url=database,
        database_system_url=database,
        redis_url=SecretStr("redis://127.0.0.1"),
        token_key=SecretStr(ANY_KEY),
        secrets_keys=SecretStr(f"a:{ANY_KEY}"),
        public_url="https://seo.example.com",
        smtp_url=None if smtp_url is None else SecretStr(smtp_url),
        mail_folder=tmp_path / "deep" / "mail",
    )


@dataclass
class MailServer:
    """Enough of RFC 5321 to take a mail; `answers` replaces the reply to a command."""

    answers: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("8BITMIME", "AUTH PLAIN")
    tls: ssl.SSLContext | None = None
    port: int = 0
    commands: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    encrypted: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.encrypted = writer.get_extra_info("ssl_object") is not None
        writer.write(b"220 test ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            self.commands.append(line)
            verb = line.split()[0].upper()
            writer.write((self.answers.get(verb) or self.reply(verb)).encode() + b"\r\n")
            if verb == "DATA":
                self.mails.append((await reader.readuntil(b"\r\n.\r\n"))[:-5])
                writer.write((self.answers.get(".") or "250 taken").encode() + b"\r\n")
            if verb == "STARTTLS" and self.tls is not None:
                await writer.start_tls(self.tls)
                self.encrypted, self.extensions = True, ("AUTH PLAIN",)
            if verb == "QUIT":
                break

    def reply(self, verb: str) -> str:
        known = {"DATA": "354 go on", "STARTTLS": "220 go on", "AUTH": "235 welcome", "QUIT": "221 bye"}
        greeting = "\r\n".join(["250-test", *(f"250-{extension}" for extension in self.extensions), "250 HELP"])
        return greeting if verb == "EHLO" else known.get(verb, "250 fine")


@asynccontextmanager
async def running(server: MailServer, *, wrapped: bool = False) -> AsyncIterator[MailServer]:
    conversations: list[asyncio.Task[None]] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await server.serve(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.create_task(converse(reader, writer)))

    listening = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=server.tls if wrapped else None)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            await asyncio.gather(*conversations)


def delivered(
    server: MailServer, tmp_path: Path, url: Callable[[int], str], message: Message, *, wrapped: bool = False
) -> EmailMessage:
    async def deliver() -> None:
        async with running(server, wrapped=wrapped):
            await mail.deliver(settings(tmp_path, url(server.port)), message)

    asyncio.run(deliver())
    return parsed(server.mails[0])


def parsed(raw: bytes) -> EmailMessage:
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_mail_arrives_through_smtp_whole(tmp_path: Path) -> None:
    message = Message(to=TO, subject="Grüße von Ada", text=f"Guten Tag, schöne Grüße!\n\n{LINK}\n\n.\nEnde\n")
    server = MailServer()
    got = delivered(server, tmp_path, lambda port: f"smtp://127.0.0.1:{port}", message)
    assert (got["To"], got["Subject"], got["From"]) == (TO, "Grüße von Ada", "IGNY8 <no-reply@localhost>")
    assert got.get_content().replace("..", ".").splitlines() == message.text.splitlines()
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Message-ID"].endswith("@seo.example.com>")
    assert server.commands[0] == "EHLO seo.example.com"
    assert not server.encrypted


def test_a_user_name_and_password_are_given_decoded(tmp_path: Path) -> None:
    server = MailServer()
    delivered(
        server, tmp_path, lambda port: f"smtp://us%40er:p%3Aw@127.0.0.1:{port}", mail.verification(TO, link=LINK)
    )
    assert server.commands[1] == "AUTH PLAIN " + base64.b64encode(b"\0us@er\0p:w").decode()


def test_starttls_is_used_when_offered(
    tmp_path: Path, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    server = MailServer(extensions=("STARTTLS",), tls=certificate)
    delivered(server, tmp_path, lambda port: f"smtp://127.0.0.1:{port}", mail.verification(TO, link=LINK))
    assert server.encrypted


def test_smtps_is_encrypted_from_the_start(
    tmp_path: Path, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    server = MailServer(tls=certificate)
    url = "smtps://user:secret@127.0.0.1:{}".format
    delivered(server, tmp_path, url, mail.verification(TO, link=LINK), wrapped=True)
    assert server.encrypted


def refused(
    server: MailServer, tmp_path: Path, url: str = "smtp://127.0.0.1:{}", *, wrapped: bool = False
) -> MailNotSent:
    with pytest.raises(MailNotSent) as failure:
        delivered(server, tmp_path, url.format, mail.verification(TO, link=LINK), wrapped=wrapped)
    assert "canary" not in str(failure.value)
    return failure.value


def test_a_server_that_nobody_vouches_for_gets_no_mail(tmp_path: Path, certificate: ssl.SSLContext) -> None:
    server = MailServer(tls=certificate)
    assert not refused(server, tmp_path, "smtps://127.0.0.1:{}", wrapped=True).permanent
    assert (server.commands, server.mails) == ([], [])


def test_a_password_is_not_sent_in_the_clear_to_another_machine(tmp_path: Path) -> None:
    server = MailServer()
    # The unspecified address leads to this machine, but is not the loopback address.
    failure = refused(server, tmp_path, "smtp://user:secret@0.0.0.0:{}")
    assert "STARTTLS" in str(failure)
    assert not any(command.startswith("AUTH") for command in server.commands)
    assert server.mails == []


@pytest.mark.parametrize(
    ("answers", "permanent", "said"),
    [
        ({"RCPT": "550 no such mailbox"}, True, "The mail server refused the recipient (550)."),
        ({"RCPT": "450 try later"}, False, "The mail server refused the recipient (450)."),
        ({".": "554 looks like spam"}, True, "The mail server refused the mail (SMTPDataError, 554)."),
        ({".": "451 try later"}, False, "The mail server refused the mail (SMTPDataError, 451)."),
        ({"MAIL": "550 who are you"}, False, "The mail server refused the mail (SMTPSenderRefused, 550)."),
    ],
)
def test_a_refusal_says_whether_to_try_again(
    tmp_path: Path, answers: dict[str, str], permanent: bool, said: str
) -> None:
    failure = refused(MailServer(answers=answers), tmp_path)
    assert (failure.permanent, str(failure)) == (permanent, said)


def test_a_wrong_password_is_tried_again(tmp_path: Path) -> None:
    failure = refused(MailServer(answers={"AUTH": "535 no"}), tmp_path, "smtp://user:secret@127.0.0.1:{}")
    assert (failure.permanent, "535" in str(failure)) == (False, True)


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(MailNotSent, match="cannot be reached"):
        asyncio.run(mail.deliver(settings(tmp_path, "smtp://127.0.0.1:1"), mail.verification(TO, link=LINK)))


def test_without_smtp_a_mail_is_a_private_file_and_the_log_says_where(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    with structlog.testing.capture_logs() as logged:
        asyncio.run(mail.deliver(chosen, mail.verification(TO, link=LINK)))
    (file,) = chosen.mail_folder.iterdir()
    assert logged == [{"event": "mail_written_to_file", "path": str(file), "log_level": "info"}]
    assert file.name.endswith(".eml")
    assert "-confirm-your-e-mail-address-" in file.name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(chosen.mail_folder.stat().st_mode) == 0o700
    assert parsed(file.read_bytes())["To"] == TO
    assert LINK in file.read_text().splitlines()


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    chosen.mail_folder.mkdir(parents=True)
    chosen.mail_folder.chmod(0o750)
    asyncio.run(mail.deliver(chosen, mail.verification(TO, link=LINK)))
    assert stat.S_IMODE(chosen.mail_folder.stat().st_mode) == 0o750


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file in the way")
    with pytest.raises(MailNotSent, match="The mail folder cannot be written"):
        asyncio.run(mail.deliver(settings(tmp_path), mail.verification(TO, link=LINK)))


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        "ada@example..com",
        "ada@-example.com",
        ".ada@example.com",
        "ada@b@example.com",
        "\ud800@example.com",
        "a" * 250 + "@example.com",
        "ada",
        "@example.com",
        "",
    ],
)
def test_a_mail_has_exactly_one_address(address: str) -> None:
    assert not mail.is_address(address)
    with pytest.raises(ValueError, match=r"\.$"):
        Message(to=address, subject="Hello", text="Hello.")


@pytest.mark.parametrize("address", [TO, "a.b+c_d'e@sub.example.co.uk", "root@localhost", "jörg@bücher.example"])
def test_usual_addresses_are_written_as_they_are(tmp_path: Path, address: str) -> None:
    chosen = settings(tmp_path)
    asyncio.run(mail.deliver(chosen, mail.verification(address, link=LINK)))
    (file,) = chosen.mail_folder.iterdir()
    assert f"To: {address}" in file.read_text().splitlines()


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(tmp_path: Path) -> None:
    message = mail.verification("jörg@bücher.example", link=LINK)
    server = MailServer(extensions=("8BITMIME", "SMTPUTF8"))
    delivered(server, tmp_path, "smtp://127.0.0.1:{}".format, message)
    assert "RCPT TO:<jörg@bücher.example>" in server.commands
    with pytest.raises(MailNotSent, match="SMTPUTF8 is not supported"):
        delivered(MailServer(), tmp_path, "smtp://127.0.0.1:{}".format, message)


@pytest.mark.parametrize("subject", ["Hello\nBcc: eve@example.com", "Hello\r", "Hello\x00", "Hello\u2028", "\ud800"])
def test_a_subject_is_one_line(subject: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        Message(to=TO, subject=subject, text="Hello.")


@given(st.text(st.characters(), max_size=120), st.text(st.characters(), max_size=120))
def test_names_of_others_cannot_forge_a_mail(account_name: str, invited_by: str) -> None:
    message = mail.invitation(TO, account_name=account_name, invited_by=invited_by, role="EDITOR", link=LINK)
    assert LINK in message.text.splitlines()
    assert len(message.text.splitlines()) == len(
        mail.invitation(TO, account_name="A", invited_by="B", role="EDITOR", link=LINK).text.splitlines()
    )
    assert len(message.subject) < 120


def test_an_invitation_names_who_what_and_where() -> None:
    message = mail.invitation(TO, account_name="Ada & Co", invited_by="Ada\nL.", role="EDITOR", link=LINK)
    assert message.subject == "You are invited to Ada & Co on IGNY8"
    assert "Ada L. invites you to work in the account Ada & Co as an editor." in message.text


def test_notices_say_what_happened() -> None:
    changed = mail.password_changed(TO, at=datetime(2025, 3, 4, 5, 6, tzinfo=UTC))
    assert "was changed on 04 March 2025 at 05:06 UTC." in changed.text
    assert "was changed to new@example.com." in mail.email_changed(TO, new_email="new@example.com").text
    assert LINK in mail.password_reset(TO, link=LINK).text.splitlines()
