"""HTTP for signing in and for one's account, a file per concern."""

from fastapi import APIRouter

from core_api.domains.accounts.endpoints import api_keys, mfa, passwords, registration, sessions, sign_in

router = APIRouter(prefix="/auth", tags=["auth"])
for concern in (sign_in, registration, passwords, sessions, mfa, api_keys):
    router.include_router(concern.router)
