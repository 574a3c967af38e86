"""HTTP for mail."""

from fastapi import APIRouter

from core_api.auth.dependencies import SettingsDep, UserManager, VaultDep, WriteSession
from core_api.domains.mail import service
from core_api.domains.mail.schemas import MailRead
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/mail", tags=["people"])


@router.get("")
def list_mail(
    subject: UserManager,
    session: WriteSession,
    vault: VaultDep,
    settings: SettingsDep,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MailRead]:
    """The mail that was written; without an SMTP server with what it says, for you to pass on. That you have
    looked is in the audit log."""
    return service.list_mail(session, subject, vault, cursor, limit, bodies=settings.smtp_url is None)
