"""A message's way out: over SMTP, or into a folder where no SMTP server is set."""

import ipaddress
import os
import smtplib
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465}


class Undeliverable(Exception):
    """No later try can deliver this message."""


class NotDelivered(Exception):
    """This try has failed; a later one may not."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """The server of `smtp://user:password@host:587` or `smtps://…`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("the mail server is not of the form smtp://user:password@host:587 or smtps://…")
        return cls(
            parts.scheme,
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )


def compose(sender: str, recipient: str, subject: str, body: str) -> EmailMessage:
    """The message. Raises Undeliverable when the recipient is not one address."""
    name, address = parseaddr(sender)
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(name, addr_spec=address)
        message["To"] = Address(addr_spec=recipient)
        message["Subject"] = subject
    except (ValueError, IndexError, MessageError) as error:  # among others: a line break, which begins another header
        raise Undeliverable(f"A header cannot be written: {error}") from error
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def send(server: SmtpServer, message: EmailMessage) -> None:
    """Hand a message to the server. Raises NotDelivered or Undeliverable, with what the server said."""
    recipient = message["To"].addresses[0].addr_spec
    try:
        with _connected(server) as connection:
            connection.send_message(message, to_addrs=[recipient])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = error.recipients[recipient]
        raise _refusal(code)(_said(code, text)) from error
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code)(_said(error.smtp_code, error.smtp_error)) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Undeliverable(str(error)) from error
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(_said(error.smtp_code, error.smtp_error)) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered(f"{server.host}:{server.port}: {error}") from error


def write(folder: Path, name: str, message: EmailMessage) -> None:
    """Put a message into a folder as `<name>.eml`, for its owner's eyes only. Raises NotDelivered."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / f"{name}.eml", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
    except OSError as error:
        raise NotDelivered(f"{folder}: {error}") from error


def _connected(server: SmtpServer) -> smtplib.SMTP:
    connection: smtplib.SMTP
    if server.scheme == "smtps":
        context = ssl.create_default_context()
        connection = smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
    try:
        connection.ehlo_or_helo_if_needed()
        encrypted = server.scheme == "smtps"
        if not encrypted and connection.has_extn("starttls"):
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
            encrypted = True
        if server.user:
            if not encrypted and not _is_here(server.host):
                raise NotDelivered("The mail server offers no STARTTLS: its password is not sent unencrypted.")
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refusal(code: int) -> type[Exception]:
    return Undeliverable if code >= 500 else NotDelivered


def _said(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
