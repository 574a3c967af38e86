"""HTTP for signing in and out."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from core_api.auth import one_time, sessions
from core_api.auth.dependencies import SESSION_COOKIE, Anybody, SettingsDep, WriteSession
from core_api.auth.sessions import Device
from core_api.infra.settings import Settings
from core_api.models import TokenKind

router = APIRouter(prefix="/auth", tags=["auth"])


class SignIn(BaseModel):
    """The token of a one-time sign-in link."""

    token: str = Field(min_length=1, max_length=200)


@router.post("/session", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Anybody])
def sign_in(body: SignIn, request: Request, response: Response, session: WriteSession, settings: SettingsDep) -> None:
    """Exchange a one-time token for a session cookie."""
    set_session_cookie(request, response, redeem_sign_in_link(session, request, body.token, settings), settings)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Anybody])
def sign_out(request: Request, response: Response, session: WriteSession) -> None:
    """End the session whose cookie came with the request."""
    if (secret := request.cookies.get(SESSION_COOKIE)) is not None:
        sessions.end_browser_session(session, secret)
    response.delete_cookie(SESSION_COOKIE)


def redeem_sign_in_link(session: Session, request: Request, token: str, settings: Settings) -> str:
    """Sign in with the token of a one-time link; the secret for the cookie. Raises Unauthenticated."""
    used = one_time.redeem(session, token, TokenKind.SIGN_IN_LINK)
    return sessions.start_browser_session(
        session, used.user_id, timedelta(days=settings.session_days), device_of(request)
    )


def device_of(request: Request) -> Device:
    """Where a request comes from."""
    return Device(request.headers.get("user-agent", ""), request.client.host if request.client else "")


def set_session_cookie(request: Request, response: Response, secret: str, settings: Settings) -> None:
    """Put a session's secret into a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=settings.session_days * 24 * 3600,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
