"""HTTP for signing in and out."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, Field

from core_api.auth import tokens
from core_api.auth.dependencies import SESSION_COOKIE, SettingsDep, WriteSession, request_secret
from core_api.infra.settings import Settings

router = APIRouter(prefix="/auth", tags=["auth"])


class SignIn(BaseModel):
    """The token of a one-time sign-in link."""

    token: str = Field(min_length=1, max_length=200)


@router.post("/session", status_code=status.HTTP_204_NO_CONTENT)
def sign_in(body: SignIn, request: Request, response: Response, session: WriteSession, settings: SettingsDep) -> None:
    """Exchange a one-time token for a session cookie."""
    secret = tokens.redeem_link(session, body.token, timedelta(days=settings.session_days))
    set_session_cookie(request, response, secret, settings)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
def sign_out(request: Request, response: Response, session: WriteSession) -> None:
    """End the session whose cookie or token came with the request."""
    if (secret := request_secret(request)) is not None:
        tokens.revoke(session, secret)
    response.delete_cookie(SESSION_COOKIE)


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
