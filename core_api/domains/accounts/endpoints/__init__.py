"""HTTP for signing in and for one's account, a file per concern."""

from fastapi import APIRouter, Depends, Response

from core_api.domains.accounts.endpoints import api_keys, mfa, passwords, registration, sessions, sign_in


def _not_stored(response: Response) -> None:
    """Secrets are in these answers, or things that change at once."""
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/auth", tags=["auth"], dependencies=[Depends(_not_stored)])
for concern in (sign_in, registration, passwords, sessions, mfa, api_keys):
    router.include_router(concern.router)
