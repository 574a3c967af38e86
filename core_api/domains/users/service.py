"""People: the owner of a new installation and everyone after, and what each keeps about themselves."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api import audit, mail
from core_api.audit import Actor
from core_api.auth import mailed_links
from core_api.auth.permissions import Permission, permissions_of
from core_api.auth.subject import Subject
from core_api.domains.users.schemas import MeRead, MeUpdate
from core_api.infra.errors import NotFound
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import Space, SpaceKind, SpaceMember, SpaceRole, SystemRole, TotpDevice, User


def create_user(session: Session, name: str, role: SystemRole = SystemRole.MEMBER, email: str | None = None) -> User:
    """Add a person, with a personal space of their own."""
    user = User(name=name, email=email, role=role)
    personal = Space(name=f"{name} (personal)"[:200], kind=SpaceKind.PERSONAL)
    session.add_all([user, personal])
    session.flush()
    session.add(SpaceMember(space_id=personal.id, user_id=user.id, role=SpaceRole.OWNER))
    session.flush()
    return user


def ensure_owner(session: Session) -> tuple[Subject, bool]:
    """The owner of this installation (the first admin who is here), and whether this call created them with the
    company space."""
    admins = select(User).where(User.role == SystemRole.ADMIN, User.disabled_at.is_(None), User.deleted_at.is_(None))
    owner = session.scalar(admins.order_by(User.id).limit(1))
    if owner is not None:
        return as_subject(owner), False
    owner = create_user(session, "Owner", SystemRole.ADMIN)
    company = Space(name="Company", kind=SpaceKind.COMPANY)
    session.add(company)
    session.flush()
    session.add(SpaceMember(space_id=company.id, user_id=owner.id, role=SpaceRole.OWNER))
    return as_subject(owner), True


def get_user(session: Session, user_id: str) -> User:
    """A person by id who has not been deleted; raises NotFound."""
    user = session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise NotFound(f"There is no user {user_id!r}.")
    return user


def as_subject(user: User) -> Subject:
    """The person as an asker."""
    return Subject(user.id, user.name, SystemRole(user.role))


def read_me(session: Session, subject: Subject) -> MeRead:
    """The subject's own profile."""
    user = get_user(session, subject.user_id)
    device = session.get(TotpDevice, user.id)
    return MeRead(
        id=user.id,
        name=user.name,
        email=user.email,
        email_verified=user.email_verified_at is not None,
        role=SystemRole(user.role),
        locale="ko" if user.locale == "ko" else "en" if user.locale == "en" else None,
        time_zone=user.time_zone,
        avatar_url=avatar_url(user),
        has_password=user.password_hash is not None,
        mfa_enabled=device is not None and device.confirmed_at is not None,
        permissions=sorted(permissions_of(subject.role, subject.scopes)),
    )


def change_me(session: Session, subject: Subject, vault: Vault, settings: Settings, changes: MeUpdate) -> MeRead:
    """Change one's own profile. A new address is only mailed to: it counts when the link there is opened."""
    user = get_user(session, subject.user_id)
    given = changes.model_dump(exclude_unset=True)
    email = given.pop("email", None)
    if given.get("name", "") is None:
        del given["name"]  # a name can be changed, not taken away
    changed = [column for column, value in given.items() if getattr(user, column) != value]
    for column in changed:
        setattr(user, column, given[column])
    if email is not None and email != user.email:
        _ask_for_address(session, user, email, vault, settings)
        changed.append("email")
    session.flush()
    if changed:
        audit.record(session, Actor.of(subject), "user.changed", "user", user.id, changed=sorted(changed))
    return read_me(session, subject)


def avatar_url(user: User) -> str | None:
    """Where the person's picture is; another picture has another address."""
    if user.avatar_sha256 is None:
        return None
    return f"/api/v1/users/{user.id}/avatar?v={user.avatar_sha256[:12]}"


def visible_user(session: Session, subject: Subject, user_id: str) -> User:
    """A person whom the subject may know of: anyone for members, for guests those whom they share a space with.
    Raises NotFound."""
    user = get_user(session, user_id)
    if subject.may(Permission.PEOPLE_READ) or user.id == subject.user_id:
        return user
    mine = select(SpaceMember.space_id).where(SpaceMember.user_id == subject.user_id)
    shared = select(SpaceMember.space_id).where(SpaceMember.user_id == user.id, SpaceMember.space_id.in_(mine)).limit(1)
    if session.scalar(shared) is None:
        raise NotFound(f"There is no user {user_id!r}.")
    return user


def _ask_for_address(session: Session, user: User, email: str, vault: Vault, settings: Settings) -> None:
    if user.email is not None and user.email_verified_at is not None:
        mail.queue(session, vault, user.email, *mail.render("address_changing", user.locale, address=email))
    if session.scalar(select(User.id).where(User.email == email)) is not None:
        return  # the same answer: that the address has an account is nobody's business
    mailed_links.mail_verification(session, vault, settings, user, email)
