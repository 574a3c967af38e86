"""The cookie of a signed-in browser."""

from starlette.types import Scope

SESSION_COOKIE = "nexus_session"


def session_cookie(scheme: str) -> str:
    """Its name. Over TLS the prefix has the browser take it from this very host only, for all of it: another host of
    the domain cannot plant one. (ui_gradio.visitor has the same rule.)"""
    return f"__Host-{SESSION_COOKIE}" if scheme == "https" else SESSION_COOKIE


def is_in_process(scope: Scope) -> bool:
    """Whether the web app in this process sent the request, for a visitor whose own request has been checked. No
    request from outside can carry this: servers fill in the extensions."""
    return "nexus.in_process" in scope.get("extensions", {})
