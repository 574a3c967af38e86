"""One error base: an HTTP status, a stable code, and words that say what to do (RFC 9457)."""

from typing import Any, ClassVar


class NexusError(Exception):
    """Base of every error that a client may see.

    `code` is stable and machine-readable; `detail` says what happened and what to do; `field` names what of the
    request is to blame (it becomes the one entry of `errors`); `extra` adds members to the problem document.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on the server"

    def __init__(
        self, detail: str = "", *, field: str | None = None, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.headers = headers or {}
        self.extra = extra
        if field is not None:
            self.extra["errors"] = [{"field": field, "message": self.detail}]

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 problem document."""
        return {
            "type": f"urn:nexus:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }


class NotFound(NexusError):
    """The thing does not exist, or the asker may not know that it does."""

    status, code, title = 404, "not_found", "Not found"


class Unauthenticated(NexusError):
    """No valid credentials came with the request."""

    status, code, title = 401, "unauthenticated", "Sign in first"


class Forbidden(NexusError):
    """The asker may see the thing but not do this to it."""

    status, code, title = 403, "forbidden", "You may not do this"


class Invalid(NexusError):
    """The request does not make sense."""

    status, code, title = 422, "invalid", "The request is not valid"


class Conflict(NexusError):
    """The thing has changed, or another one is in the way."""

    status, code, title = 409, "conflict", "Conflict with the current state"


class TooManyRequests(NexusError):
    """Asked too often; `Retry-After` says when to come back."""

    status, code, title = 429, "too_many_requests", "Too many requests"


class TooLarge(NexusError):
    """The body is larger than this server takes."""

    status, code, title = 413, "too_large", "Too large"


class StorageFull(NexusError):
    """The disk of the data directory has no room left."""

    status, code, title = 507, "storage_full", "The disk is full"


class Unavailable(NexusError):
    """A part of the product is not ready or not reachable."""

    status, code, title = 503, "unavailable", "Not available right now"


class Unreachable(Unavailable):
    """A server that the product stands on does not answer: nobody's work is at fault, and it goes on later."""


class StorageUnavailable(Unavailable):
    """The storage that files are kept in is away or refuses us. Nothing that it was asked for has happened."""

    code, title = "storage_unavailable", "The file storage cannot be used right now"


class FileDamaged(NexusError):
    """What is stored is not what was put there."""

    status, code, title = 500, "file_damaged", "A stored file is damaged"
