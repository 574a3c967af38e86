"""People: the owner of a new installation, and everyone after."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.infra.errors import NotFound
from core_api.models import Space, SpaceKind, SpaceMember, SpaceRole, SystemRole, User


def create_user(session: Session, name: str, role: SystemRole = SystemRole.MEMBER, email: str | None = None) -> User:
    """Add a person, with a personal space of their own."""
    user = User(name=name, email=email, role=role)
    personal = Space(name=f"{name} (personal)", kind=SpaceKind.PERSONAL)
    session.add_all([user, personal])
    session.flush()
    session.add(SpaceMember(space_id=personal.id, user_id=user.id, role=SpaceRole.OWNER))
    session.flush()
    return user


def ensure_owner(session: Session) -> tuple[Subject, bool]:
    """The owner of this installation, and whether this call created them with the company space."""
    owner = session.scalar(select(User).where(User.role == SystemRole.ADMIN).order_by(User.id).limit(1))
    if owner is not None:
        return as_subject(owner), False
    owner = create_user(session, "Owner", SystemRole.ADMIN)
    company = Space(name="Company", kind=SpaceKind.COMPANY)
    session.add(company)
    session.flush()
    session.add(SpaceMember(space_id=company.id, user_id=owner.id, role=SpaceRole.OWNER))
    return as_subject(owner), True


def get_user(session: Session, user_id: str) -> User:
    """A person by id; raises NotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id!r}.")
    return user


def as_subject(user: User) -> Subject:
    """The person as an asker."""
    return Subject(user.id, user.name, SystemRole(user.role))
