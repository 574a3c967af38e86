"""Managing people: who they are, what they may do, and whether they can sign in. There is always an admin who can."""

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core_api import audit, mail
from core_api.audit import Actor
from core_api.auth import mailed_links, one_time, sessions
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.domains.users.schemas import UserCreate, UserRead, UserState, UserUpdate
from core_api.domains.users.service import avatar_url, create_user, get_user
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, Forbidden
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import SystemRole, TokenKind, User, utcnow

_STATES = {
    UserState.ACTIVE: User.disabled_at.is_(None) & User.deleted_at.is_(None),
    UserState.DISABLED: User.disabled_at.is_not(None) & User.deleted_at.is_(None),
    UserState.DELETED: User.deleted_at.is_not(None),
}


def list_users(
    session: Session,
    subject: Subject,
    cursor: str | None,
    limit: int,
    *,
    text: str | None = None,
    role: SystemRole | None = None,
    state: UserState | None = None,
) -> Page[UserRead]:
    """People, newest first; `text` is a part of a name, for those who manage people also of an address."""
    manages = subject.may(Permission.USERS_MANAGE)
    if not manages and (role is not None or state is not None):
        raise Forbidden("`role` and `state` are for those who manage people.")
    statement = select(User)
    if manages:
        statement = statement.where(_STATES[state] if state is not None else User.deleted_at.is_(None))
    else:
        statement = statement.where(_STATES[UserState.ACTIVE])
    if text:
        named = User.name.icontains(text, autoescape=True)
        statement = statement.where(or_(named, User.email.icontains(text, autoescape=True)) if manages else named)
    if role is not None:
        statement = statement.where(User.role == role)
    rows, next_cursor = page_rows(session, statement, [User.id], cursor, limit)
    return Page(items=[show(user, manages) for (user,) in rows], next_cursor=next_cursor)


def show(user: User, to_manager: bool) -> UserRead:
    """A person as those who manage people see them, or as everyone does."""
    if not to_manager:
        return UserRead(id=user.id, name=user.name, avatar_url=avatar_url(user))
    state = UserState.ACTIVE
    if user.deleted_at is not None:
        state = UserState.DELETED
    elif user.disabled_at is not None:
        state = UserState.DISABLED
    return UserRead(
        id=user.id,
        name=user.name,
        avatar_url=avatar_url(user),
        email=user.email,
        role=SystemRole(user.role),
        state=state,
        last_seen_at=user.last_seen_at,
    )


def add_user(session: Session, actor: Actor, vault: Vault, settings: Settings, new: UserCreate) -> User:
    """Add a person; a link to choose a password is mailed to them. Raises Conflict when the address is taken."""
    if session.scalar(select(User.id).where(User.email == new.email)) is not None:
        raise Conflict("Somebody with this address is here already.", field="email")
    user = create_user(session, new.name, new.role, new.email)
    lifetime = timedelta(days=settings.invitation_days)
    secret = one_time.issue(session, user.id, TokenKind.PASSWORD_RESET, lifetime, new.email)
    text = mail.render(
        "account_created",
        None,
        admin=actor.name,
        link=f"{settings.resolved_public_url}/reset?token={secret}",
        days=str(settings.invitation_days),
        forgot=f"{settings.resolved_public_url}/forgot",
    )
    mail.queue(session, vault, new.email, *text)
    audit.record(session, actor, "user.created", "user", user.id, name=user.name, role=user.role)
    return user


def change_user(session: Session, actor: Actor, user_id: str, changes: UserUpdate) -> User:
    """Change a person's name or role, or whether they can sign in. Raises Conflict for the last admin, and for whoever
    would shut themselves out."""
    user = get_user(session, user_id)
    if changes.disabled and user.id == actor.user_id:
        raise Conflict("You cannot deactivate your own account.")
    demoted = changes.role is not None and changes.role is not SystemRole.ADMIN
    if demoted or changes.disabled:
        keep_an_admin(session, user)
    if changes.name is not None and changes.name != user.name:
        user.name = changes.name
        audit.record(session, actor, "user.changed", "user", user.id, changed=["name"])
    if changes.role is not None and changes.role != user.role:
        audit.record(session, actor, "user.role_changed", "user", user.id, before=user.role, after=changes.role)
        user.role = changes.role
    if changes.disabled is not None and changes.disabled != (user.disabled_at is not None):
        user.disabled_at = utcnow() if changes.disabled else None
        if changes.disabled:
            sessions.revoke_sessions(session, user.id)
        audit.record(session, actor, "user.disabled" if changes.disabled else "user.enabled", "user", user.id)
    session.flush()
    return user


def mail_password_link(session: Session, actor: Actor, vault: Vault, settings: Settings, user_id: str) -> None:
    """Mail a person a link to choose a new password; the old one works until then. Raises Conflict without an
    address."""
    user = get_user(session, user_id)
    if user.email is None:
        raise Conflict(f"{user.name} has no e-mail address.")
    mailed_links.mail_password_reset(session, vault, settings, user)
    audit.record(session, actor, "auth.password_reset_asked", "user", user.id)


def keep_an_admin(session: Session, leaving: User) -> None:
    """Raise Conflict when nobody else who can sign in is an admin. The admins' rows stay locked: two who go at the
    same moment go one after the other."""
    if leaving.role != SystemRole.ADMIN or leaving.disabled_at is not None:
        return
    admins = session.scalars(
        select(User.id)
        .where(User.role == SystemRole.ADMIN, _STATES[UserState.ACTIVE])
        .order_by(User.id)
        .with_for_update(key_share=True)
    ).all()
    if not set(admins) - {leaving.id}:
        raise Conflict("This is the last admin. Make somebody else an admin first.")
