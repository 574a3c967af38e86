"""HTTP for new accounts."""

from fastapi import APIRouter, BackgroundTasks, Request, Response, status

from core_api.auth.browser import set_session_cookie
from core_api.auth.dependencies import Anybody
from core_api.domains.accounts import registering
from core_api.domains.accounts.desk import DeskDep
from core_api.domains.accounts.schemas import RegisterCreate, RegisteredRead, SignedInRead, VerifyCreate

router = APIRouter()


@router.post(
    "/register",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Anybody],
    responses={201: {"model": SignedInRead, "description": "With an invitation: the account is there, signed in."}},
)
def register(
    body: RegisterCreate, request: Request, response: Response, desk: DeskDep, background: BackgroundTasks
) -> RegisteredRead | SignedInRead:
    """Make an account. The answer is the same where the address has one already: then mail says so there."""
    password_hash = registering.check_may_register(desk, body.email, body.password, body.name, body.invitation)
    locale = _locale(request)
    if body.invitation is None:
        background.add_task(registering.register, desk, body.name, body.email, password_hash, locale)
        return RegisteredRead()
    secret = registering.register_invited(desk, body.name, body.email, password_hash, locale, body.invitation)
    set_session_cookie(request, response, secret, desk.settings)
    response.status_code = status.HTTP_201_CREATED
    return SignedInRead()


@router.post("/verify-email", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Anybody])
def verify_email(body: VerifyCreate, desk: DeskDep) -> None:
    """Show that an address is yours, with the token that was mailed there."""
    registering.verify_email(desk, body.token)


def _locale(request: Request) -> str:
    return "ko" if request.headers.get("accept-language", "").lower().startswith("ko") else "en"
