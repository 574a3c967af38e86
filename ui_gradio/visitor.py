"""Who stands behind a request, for the API to see as if they had called it themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

COOKIE = "nexus_session"
# The language that was chosen in this browser.
LANGUAGE_COOKIE = "nexus_language"


def session_cookie(scheme: str) -> str:
    """The cookie's name, as the API has it (core_api.http.cookies)."""
    return f"__Host-{COOKIE}" if scheme == "https" else COOKIE


class Incoming(Protocol):
    """What is needed of a request (both `gradio.Request` and Starlette's are one)."""

    @property
    def cookies(self) -> Mapping[str, str]: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def client(self) -> Any: ...
    @property
    def url(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person's session cookie and where they come from: the API limits, lists and records by it."""

    cookie: str | None = None
    address: str = ""
    user_agent: str = ""
    languages: str = ""
    scheme: str = ""
    host: str = ""

    @classmethod
    def of(cls, request: Incoming) -> "Visitor":
        """The person behind a request to the web app."""
        return cls(
            cookie=request.cookies.get(session_cookie(getattr(request.url, "scheme", ""))),
            address=getattr(request.client, "host", ""),
            user_agent=request.headers.get("user-agent", ""),
            languages=request.cookies.get(LANGUAGE_COOKIE) or request.headers.get("accept-language", ""),
            scheme=getattr(request.url, "scheme", ""),
            host=request.headers.get("host", ""),
        )
