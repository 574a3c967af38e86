"""The cookie of a browser that is signed in, and where a request comes from."""

from fastapi import Request, Response

from core_api.auth.sessions import Device
from core_api.http.cookies import session_cookie
from core_api.infra.settings import Settings

# The server ends sessions. The cookie only has to outlive them; browsers keep none longer than this.
_COOKIE_SECONDS = 400 * 24 * 3600


def device_of(request: Request) -> Device:
    """Where a request comes from."""
    return Device(request.headers.get("user-agent", ""), request.client.host if request.client else "")


def set_session_cookie(request: Request, response: Response, secret: str, settings: Settings) -> None:
    """Put a session's secret into a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(
        session_cookie(request.url.scheme),
        secret,
        max_age=_COOKIE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=is_https(request, settings),
    )


def clear_session_cookie(request: Request, response: Response, settings: Settings) -> None:
    """Take the cookie away."""
    name = session_cookie(request.url.scheme)
    response.delete_cookie(name, httponly=True, samesite="lax", secure=is_https(request, settings))


def is_https(request: Request, settings: Settings) -> bool:
    """Whether the browser speaks TLS, perhaps to a proxy in front of us."""
    return request.url.scheme == "https" or settings.resolved_public_url.startswith("https://")
