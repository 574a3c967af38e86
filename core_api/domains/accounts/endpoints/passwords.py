"""HTTP for passwords."""

from fastapi import APIRouter, BackgroundTasks, status

from core_api.auth.dependencies import AccountOwner, Anybody
from core_api.domains.accounts import choosing_passwords
from core_api.domains.accounts.desk import DeskDep
from core_api.domains.accounts.schemas import AskedRead, ForgotCreate, PasswordChange, PasswordReset

router = APIRouter(prefix="/password")


@router.post("", status_code=status.HTTP_204_NO_CONTENT)
def change_password(body: PasswordChange, subject: AccountOwner, desk: DeskDep) -> None:
    """Change your password. Your other sessions end."""
    choosing_passwords.change_password(desk, subject, body.current_password, body.new_password)


@router.post("/forgot", status_code=status.HTTP_202_ACCEPTED, dependencies=[Anybody])
def forgot_password(body: ForgotCreate, desk: DeskDep, background: BackgroundTasks) -> AskedRead:
    """Have a link mailed to choose a new password. The answer is the same for an unknown address."""
    choosing_passwords.check_may_ask(desk, body.email)
    background.add_task(choosing_passwords.mail_reset_link, desk, body.email)
    return AskedRead()


@router.post("/reset", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Anybody])
def reset_password(body: PasswordReset, desk: DeskDep) -> None:
    """Choose a new password with the token that was mailed. All your sessions end."""
    choosing_passwords.reset_password(desk, body.token, body.new_password)
