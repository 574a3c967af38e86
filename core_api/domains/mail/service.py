"""Mail that the product has written."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.subject import Subject
from core_api.domains.mail.schemas import MailRead
from core_api.http.pagination import Page, page_rows
from core_api.infra.vault import Vault
from core_api.models import MailMessage


def list_mail(
    session: Session, subject: Subject, vault: Vault, cursor: str | None, limit: int, *, bodies: bool
) -> Page[MailRead]:
    """The messages, newest first, with what they say where `bodies`. That they were read is recorded: they hold links
    with which other people sign in."""
    rows, next_cursor = page_rows(session, select(MailMessage), [MailMessage.id], cursor, limit)
    audit.record(session, Actor.of(subject), "mail.listed", "mail", count=len(rows), bodies=bodies)
    return Page(items=[_read(message, vault if bodies else None) for (message,) in rows], next_cursor=next_cursor)


def _read(message: MailMessage, vault: Vault | None) -> MailRead:
    encrypted = message.body_encrypted
    return MailRead(
        id=message.id,
        recipient=message.recipient,
        subject=message.subject,
        created_at=message.created_at,
        sent_at=message.sent_at,
        error=message.error,
        body=vault.decrypt(encrypted) if vault is not None and encrypted is not None else None,
    )
