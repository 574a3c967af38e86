"""HTTP for signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, status

from core_api.auth.browser import clear_session_cookie, set_session_cookie
from core_api.auth.dependencies import Anybody, SettingsDep, WriteSession, caller_of
from core_api.domains.accounts import signing_in
from core_api.domains.accounts.desk import DeskDep
from core_api.domains.accounts.schemas import (
    Code,
    Login,
    LoginCreate,
    MethodsRead,
    Password,
    ProviderRead,
    RefreshCreate,
    SignedInRead,
    SignInLink,
    TokensRead,
)

router = APIRouter()


@router.get("/methods", dependencies=[Anybody])
def read_methods(settings: SettingsDep) -> MethodsRead:
    """How one can sign in and register here."""
    providers = [ProviderRead(name=provider.name, label=provider.label) for provider in settings.oidc_providers]
    return MethodsRead(registration=settings.registration, providers=providers, mail=settings.smtp_url is not None)


@router.post("/login", dependencies=[Anybody])
def login(body: LoginCreate, request: Request, response: Response, desk: DeskDep) -> TokensRead | SignedInRead:
    """Sign in with a password and, where one is set up, a second factor."""
    if not body.cookie:
        return signing_in.sign_in(desk, body.email, body.password, body.code, signing_in.begin_client(desk))
    secret = signing_in.sign_in(desk, body.email, body.password, body.code, signing_in.begin_browser(desk))
    set_session_cookie(request, response, secret, desk.settings)
    return SignedInRead()


@router.post("/token", dependencies=[Anybody])
def login_by_form(
    desk: DeskDep,
    username: Annotated[Login, Form(description="The e-mail address.")],
    password: Annotated[Password, Form()],
    grant_type: Annotated[str | None, Form(pattern="^password$")] = None,
    scope: Annotated[str, Form(max_length=200, description="Taken, and not looked at.")] = "",
    code: Annotated[Code | None, Form()] = None,
) -> TokensRead:
    """Sign in with the OAuth2 password form."""
    return signing_in.sign_in(desk, username, password, code, signing_in.begin_client(desk))


@router.post("/refresh", dependencies=[Anybody])
def refresh(body: RefreshCreate, desk: DeskDep) -> TokensRead:
    """A new pair of tokens. Each refresh token works once; a second use ends the session."""
    return signing_in.refresh(desk, body.refresh_token)


@router.post("/session", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Anybody])
def sign_in_by_link(body: SignInLink, request: Request, response: Response, desk: DeskDep) -> None:
    """Exchange the token of a one-time link for a session cookie."""
    set_session_cookie(request, response, signing_in.sign_in_by_link(desk, body.token), desk.settings)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Anybody])
def sign_out(request: Request, response: Response, session: WriteSession, settings: SettingsDep) -> None:
    """End the session of the cookie or access token that came with the request."""
    if (caller := caller_of(request, session)) is not None:
        signing_in.sign_out(session, caller)
    clear_session_cookie(request, response, settings)
