"""What is mailed to people about their accounts: links that prove an address, and news of what was done."""

from datetime import timedelta

from sqlalchemy.orm import Session

from core_api import mail
from core_api.auth import one_time
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import TokenKind, User


def mail_verification(
    session: Session, vault: Vault, settings: Settings, user: User, email: str, password_hash: str | None = None
) -> None:
    """Mail a link that makes `email` the person's verified address, and `password_hash`, if there is one, theirs."""
    token = one_time.issue(
        session, user.id, TokenKind.EMAIL_VERIFICATION, _lifetime(settings), email=email, password_hash=password_hash
    )
    link = f"{settings.resolved_public_url}/verify?token={token}"
    subject, body = mail.render("verify_email", user.locale, link=link, minutes=str(settings.mail_link_minutes))
    mail.queue(session, vault, email, subject, body)


def password_link(session: Session, settings: Settings, user: User) -> str:
    """A link to choose a new password, for a person who has an address."""
    token = one_time.issue(session, user.id, TokenKind.PASSWORD_RESET, _lifetime(settings), user.email)
    return f"{settings.resolved_public_url}/reset?token={token}"


def mail_password_reset(session: Session, vault: Vault, settings: Settings, user: User) -> None:
    """Mail a link to choose a new password."""
    if user.email is not None:
        link = password_link(session, settings, user)
        subject, body = mail.render("password_reset", user.locale, link=link, minutes=str(settings.mail_link_minutes))
        mail.queue(session, vault, user.email, subject, body)


def mail_password_changed(session: Session, vault: Vault, settings: Settings, user: User) -> None:
    """Tell a person that their password was changed."""
    if user.email is not None and user.email_verified_at is not None:
        forgot = f"{settings.resolved_public_url}/forgot"
        subject, body = mail.render("password_changed", user.locale, forgot=forgot)
        mail.queue(session, vault, user.email, subject, body)


def mail_already_registered(session: Session, vault: Vault, settings: Settings, user: User) -> None:
    """Tell a person that somebody tried to register with their address."""
    if user.email is not None:
        base = settings.resolved_public_url
        subject, body = mail.render(
            "already_registered", user.locale, sign_in=f"{base}/sign-in", forgot=f"{base}/forgot"
        )
        mail.queue(session, vault, user.email, subject, body)


def _lifetime(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.mail_link_minutes)
