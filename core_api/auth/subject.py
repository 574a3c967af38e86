"""Who asks."""

from dataclasses import dataclass

from core_api.auth.permissions import Permission, Scope, permissions_of
from core_api.models.people import SystemRole


@dataclass(frozen=True, slots=True)
class Subject:
    """The person on whose behalf something is done. What they may read is decided in core_api.auth.access.

    `session_id` names the login session behind a cookie or access token; `scopes` are those of an API key.
    """

    user_id: str
    name: str
    role: SystemRole
    session_id: str | None = None
    scopes: frozenset[Scope] | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the person may do this kind of thing at all."""
        return permission in permissions_of(self.role, self.scopes)
