"""Mail: its texts, and the queue that it leaves by once the transaction that writes it is committed."""

from pathlib import Path
from string import Template

from sqlalchemy.orm import Session

from core_api.infra.vault import Vault
from core_api.models import MailMessage, utcnow

LOCALES = ("en", "ko")
_TEXTS = Path(__file__).parent / "texts"
_SUBJECT_CHARS = 200


def queue(session: Session, vault: Vault, recipient: str, subject: str, body: str) -> MailMessage:
    """Write a message to one person, to be sent after the commit. It is kept encrypted, since links in it are
    secrets."""
    message = MailMessage(
        recipient=recipient,
        subject=_one_line(subject)[:_SUBJECT_CHARS],
        body_encrypted=vault.encrypt(body),
        next_try_at=utcnow(),
    )
    session.add(message)
    session.flush()
    return message


def render(name: str, locale: str | None, **values: str) -> tuple[str, str]:
    """Subject and body of the text `texts/<name>.<locale>.txt`, in English where there is no such locale. Its first
    line is the subject; `$value` and `${value}` stand for the values."""
    language = locale if locale in LOCALES else LOCALES[0]
    text = (_TEXTS / f"{name}.{language}.txt").read_text(encoding="utf-8")
    subject, _, body = text.partition("\n")
    return _one_line(Template(subject).substitute(values)), Template(body.lstrip("\n")).substitute(values)


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
