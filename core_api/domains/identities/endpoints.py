"""HTTP for signing in with other sites."""

import re
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import IntegrityError

from core_api.auth.browser import is_https, set_session_cookie
from core_api.auth.dependencies import AccountOwner, Anybody, ReadSession, SettingsDep, WriteSession, caller_of
from core_api.auth.oidc import flow as flows
from core_api.auth.oidc.flow import Flow
from core_api.auth.oidc.profile import ProviderFailed
from core_api.auth.oidc.providers import Providers
from core_api.auth.subject import Subject
from core_api.domains.accounts.desk import Desk, DeskDep
from core_api.domains.accounts.schemas import SignedInRead
from core_api.domains.identities import service
from core_api.domains.identities.schemas import IdentityRead, SecondFactorCreate
from core_api.domains.identities.service import Expired
from core_api.http.pagination import Cursor, Limit, Page
from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings

log = structlog.get_logger()

router = APIRouter(prefix="/auth", tags=["auth"])

_COOKIE = "nexus_oidc"
_PATH = "/api/v1/auth/oidc"
# Only within this site, whatever a browser makes of it.
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def _providers(request: Request) -> Providers:
    providers: Providers = request.app.state.providers
    return providers


ProvidersDep = Annotated[Providers, Depends(_providers)]
Text = Annotated[str, Query(max_length=4000)]


@router.get("/oidc/{provider}/start", status_code=status.HTTP_303_SEE_OTHER, dependencies=[Anybody])
def start(
    provider: str,
    request: Request,
    session: ReadSession,
    desk: DeskDep,
    providers: ProvidersDep,
    next: Annotated[str, Query(max_length=2000, description="Where to go afterwards.")] = "/",
) -> RedirectResponse:
    """Go to another site to sign in; whoever is signed in and comes from a page of ours links it to their account."""
    site = providers.get(provider)
    subject = _linking_subject(request, session, desk.settings)
    next_path = next if _LOCAL.fullmatch(next) else "/"
    flow = Flow.begin(provider, next_path, subject.session_id if subject is not None else None)
    try:
        url = site.authorization_url(
            _redirect_uri(desk.settings, provider), state=flow.state, nonce=flow.nonce, verifier=flow.verifier
        )
    except ProviderFailed as error:
        return _refused(provider, flow, error)
    response = RedirectResponse(url, status.HTTP_303_SEE_OTHER)
    response.set_cookie(
        _COOKIE,
        flow.seal(desk.vault),
        max_age=flows.SECONDS,
        path=_PATH,
        httponly=True,
        samesite="lax",  # the other site leads back here by a link
        secure=is_https(request, desk.settings),
    )
    return response


@router.get("/oidc/{provider}/callback", status_code=status.HTTP_303_SEE_OTHER, dependencies=[Anybody])
def callback(
    provider: str,
    request: Request,
    session: ReadSession,
    desk: DeskDep,
    providers: ProvidersDep,
    code: Text = "",
    state: Text = "",
    iss: Annotated[str | None, Query(max_length=2000)] = None,
    error: Text = "",
) -> RedirectResponse:
    """Come back from another site; goes on into the app, or to the sign-in page with `problem` in its address."""
    providers.get(provider)
    flow = flows.opened(desk.vault, request.cookies.get(_COOKIE))
    try:
        if desk.network:
            desk.limiter.hit(desk.settings.rate_limit_sign_in, "provider", desk.network)
        if flow is None or not flow.fits(provider, state):
            raise Expired("This sign-in was not begun in this browser, or too long ago.")
        if error or not code:
            raise ProviderFailed(f"it answered {error[:200] or 'nothing'}")
        response = _finish(request, session, desk, providers, flow, code, iss)
    except NexusError as refusal:
        response = _refused(provider, flow, refusal)
        if flow is None or flow.linking is None:
            service.failed(desk, provider, "", refusal.code)
    response.delete_cookie(_COOKIE, path=_PATH, httponly=True, samesite="lax", secure=is_https(request, desk.settings))
    # The address holds what the other site gave us: let it be neither kept nor passed on.
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@router.post("/oidc/second-factor", dependencies=[Anybody])
def give_code(body: SecondFactorCreate, request: Request, response: Response, desk: DeskDep) -> SignedInRead:
    """The second step of signing in with another site, where one has a second factor here; sets the cookie."""
    secret = service.enter_with_code(desk, body.pending, body.code)
    set_session_cookie(request, response, secret, desk.settings)
    return SignedInRead()


@router.get("/identities")
def list_identities(
    subject: AccountOwner, session: ReadSession, settings: SettingsDep, cursor: Cursor = None, limit: Limit = 50
) -> Page[IdentityRead]:
    """The sites with which you sign in, newest first."""
    return service.list_identities(session, subject, settings, cursor, limit)


@router.delete("/identities/{identity_id}", status_code=status.HTTP_204_NO_CONTENT)
def unlink(identity_id: str, subject: AccountOwner, session: WriteSession) -> None:
    """Sign in with a site no more."""
    service.unlink(session, subject, identity_id)


def _finish(
    request: Request,
    session: ReadSession,
    desk: Desk,
    providers: Providers,
    flow: Flow,
    code: str,
    issuer: str | None,
) -> RedirectResponse:
    redirect_uri = _redirect_uri(desk.settings, flow.provider)
    profile = providers.get(flow.provider).profile(
        redirect_uri, code=code, issuer=issuer, nonce=flow.nonce, verifier=flow.verifier
    )
    response = RedirectResponse(flow.next_path, status.HTTP_303_SEE_OTHER)
    if flow.linking is not None:
        caller = caller_of(request, session)
        if caller is None or caller.subject.session_id != flow.linking:
            raise Expired("You have signed out meanwhile. Sign in, and link the site again.")
        with desk.database.transaction() as writing:
            service.link(writing, caller.subject, flow.provider, profile)
        return response
    try:
        entered = service.enter(desk, flow.provider, profile)
    except IntegrityError:  # the same person came in twice at once: now they are known
        entered = service.enter(desk, flow.provider, profile)
    if entered.secret is None:
        asked = urlencode({"pending": entered.pending, "next": flow.next_path})
        return RedirectResponse(f"/sign-in?{asked}", status.HTTP_303_SEE_OTHER)
    set_session_cookie(request, response, entered.secret, desk.settings)
    return response


def _linking_subject(request: Request, session: ReadSession, settings: Settings) -> Subject | None:
    """Whoever is signed in here and has asked for this on a page of ours: another site's link must not link theirs."""
    if request.headers.get("sec-fetch-site") not in ("same-origin", "none"):
        return None
    caller = caller_of(request, session)
    if caller is None or caller.credential != "browser":
        return None
    return None if settings.admin_mfa_required and caller.needs_second_factor else caller.subject


def _redirect_uri(settings: Settings, provider: str) -> str:
    return f"{settings.resolved_public_url}{_PATH}/{provider}/callback"


def _refused(provider: str, flow: Flow | None, error: NexusError) -> RedirectResponse:
    log.warning("provider_sign_in_refused", provider=provider, code=error.code, reason=error.detail)
    path = flow.next_path if flow is not None and flow.linking is not None else "/sign-in"
    problem = urlencode({"problem": error.code})
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{problem}", status.HTTP_303_SEE_OTHER)
