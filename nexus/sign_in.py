"""The sign-in page: takes the one-time link that the server printed."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from core_api.auth.dependencies import SettingsDep, WriteSession, authenticate
from core_api.auth.endpoints import redeem_sign_in_link, set_session_cookie
from core_api.infra.errors import Unauthenticated
from core_api.infra.settings import Settings
from ui_gradio import pages

router = APIRouter(prefix="/sign-in", include_in_schema=False)

Token = Annotated[str | None, Query(max_length=500)]
Next = Annotated[str, Query(max_length=2000)]


@router.get("")
def open_page(
    request: Request, session: WriteSession, settings: SettingsDep, token: Token = None, next: Next = "/"
) -> Response:
    """Sign in with the link's token; without one, the form. Whoever is signed in already goes straight on."""
    if token is not None:
        return _enter(request, session, settings, token, next)
    if _is_signed_in(request, session):
        return RedirectResponse(pages.local_path(next), 303)
    return pages.sign_in(request, next_path=next)


@router.post("")
def submit(
    request: Request,
    session: WriteSession,
    settings: SettingsDep,
    token: Annotated[str, Form(max_length=2000)],
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Sign in with a token, or a whole link, that was put into the form."""
    return _enter(request, session, settings, pages.token_of(token), next)


def _enter(request: Request, session: Session, settings: Settings, token: str, next_path: str) -> Response:
    response = RedirectResponse(pages.local_path(next_path), 303)
    try:
        secret = redeem_sign_in_link(session, request, token, settings)
    except Unauthenticated:
        if _is_signed_in(request, session):  # the link was opened a second time
            return response
        return pages.sign_in(request, next_path=next_path, failed=True)
    set_session_cookie(request, response, secret, settings)
    # The token of the link is in this address: let it be neither kept nor passed on.
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _is_signed_in(request: Request, session: Session) -> bool:
    return authenticate(request, session) is not None
