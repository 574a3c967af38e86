"""HTTP for mail."""

from fastapi import APIRouter

from core_api.auth.dependencies import ReadSession, SettingsDep, UserManager, VaultDep
from core_api.domains.mail import service
from core_api.domains.mail.schemas import MailRead
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/mail", tags=["people"])


@router.get("")
def list_mail(
    _subject: UserManager,
    session: ReadSession,
    vault: VaultDep,
    settings: SettingsDep,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MailRead]:
    """The mail that was written; without an SMTP server with what it says, for you to pass on."""
    return service.list_mail(session, vault, cursor, limit, bodies=settings.smtp_url is None)
