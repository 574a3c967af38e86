"""What the system roles allow: sets of named permissions. docs/permissions.md is made from this table.

A permission says what kind of thing somebody may do at all; which space or document they may do it to is decided in
core_api.auth.access. An API key has those of its owner's permissions that its scopes include.
"""

from collections.abc import Collection
from enum import StrEnum

from core_api.models.people import SystemRole


class Permission(StrEnum):
    """A kind of thing that a person may do."""

    CONTENT_READ = "content:read"
    CONTENT_WRITE = "content:write"
    ACCOUNT_MANAGE = "account:manage"
    PEOPLE_READ = "people:read"
    GROUPS_CREATE = "groups:create"
    PEOPLE_INVITE = "people:invite"
    ANSWERS_REVIEW = "answers:review"
    USERS_MANAGE = "users:manage"
    AUDIT_READ = "audit:read"
    INDEX_MANAGE = "index:manage"
    ANALYTICS_READ = "analytics:read"
    ASSISTANT_MANAGE = "assistant:manage"


DESCRIPTIONS = {
    Permission.CONTENT_READ: "Read, search and ask about what one's spaces and grants allow",
    Permission.CONTENT_WRITE: "Write where one is editor or owner; share single documents of there",
    Permission.ACCOUNT_MANAGE: "One's own profile, password, sessions, second factor and API keys",
    Permission.PEOPLE_READ: "See the names of everyone here",
    Permission.GROUPS_CREATE: "Make teams and projects; invite guests into spaces that one owns",
    Permission.PEOPLE_INVITE: "Invite new people to the company; see invitations",
    Permission.ANSWERS_REVIEW: "See the answers that people gave feedback on and the questions that they filed",
    Permission.USERS_MANAGE: "Change anyone's role, deactivate and delete accounts; see undelivered mail",
    Permission.AUDIT_READ: "Read and export the audit log",
    Permission.INDEX_MANAGE: "Check, repair and rebuild the index",
    Permission.ANALYTICS_READ: "See how well search serves people, in counts",
    Permission.ASSISTANT_MANAGE: "Choose the assistant's model, prompt and limits; see what it takes, in counts",
}

_GUEST = frozenset({Permission.CONTENT_READ, Permission.CONTENT_WRITE, Permission.ACCOUNT_MANAGE})
_MEMBER = _GUEST | {Permission.PEOPLE_READ, Permission.GROUPS_CREATE}
_MANAGER = _MEMBER | {Permission.PEOPLE_INVITE, Permission.ANSWERS_REVIEW}

ROLE_PERMISSIONS: dict[SystemRole, frozenset[Permission]] = {
    SystemRole.GUEST: _GUEST,
    SystemRole.MEMBER: _MEMBER,
    SystemRole.MANAGER: _MANAGER,
    SystemRole.ADMIN: frozenset(Permission),
}


class Scope(StrEnum):
    """What an API key may be used for."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_READING = frozenset({Permission.CONTENT_READ, Permission.PEOPLE_READ})
_WRITING = frozenset({Permission.CONTENT_WRITE, Permission.GROUPS_CREATE, Permission.PEOPLE_INVITE})

# No key manages its owner's account: whoever has found one must not be able to make it permanent.
SCOPE_PERMISSIONS: dict[Scope, frozenset[Permission]] = {
    Scope.READ: _READING,
    Scope.WRITE: _WRITING,
    Scope.ADMIN: frozenset(Permission) - _READING - _WRITING - {Permission.ACCOUNT_MANAGE},
}


def permissions_of(role: SystemRole, scopes: Collection[Scope] | None = None) -> frozenset[Permission]:
    """The permissions of a role; with `scopes` (those of an API key), only what they include."""
    allowed = ROLE_PERMISSIONS[role]
    if scopes is None:
        return allowed
    return allowed & frozenset().union(*(SCOPE_PERMISSIONS[scope] for scope in scopes))


def roles_table() -> str:
    """The permissions by role, in Markdown, as docs/permissions.md shows them."""
    rows = [
        f"| `{permission.value}` | {DESCRIPTIONS[permission]} | "
        + " | ".join("yes" if permission in ROLE_PERMISSIONS[role] else "" for role in SystemRole)
        + " |"
        for permission in Permission
    ]
    return _table(["permission", "what it allows", *(role.value for role in SystemRole)], rows)


def scopes_table() -> str:
    """The permissions by scope, in Markdown, as docs/permissions.md shows them."""
    rows = [
        f"| `{scope.value}` | " + ", ".join(f"`{p.value}`" for p in Permission if p in SCOPE_PERMISSIONS[scope]) + " |"
        for scope in Scope
    ]
    return _table(["scope", "permissions, where the owner has them"], rows)


def _table(head: list[str], rows: list[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows])
