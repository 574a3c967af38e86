"""HTTP for people."""

from fastapi import APIRouter

from core_api.auth.dependencies import Reader, ReadSession
from core_api.domains.users import service
from core_api.domains.users.schemas import UserRead

router = APIRouter(prefix="/users", tags=["people"])


@router.get("/me")
def read_me(subject: Reader, session: ReadSession) -> UserRead:
    """The signed-in person."""
    return UserRead.model_validate(service.get_user(session, subject.user_id), from_attributes=True)
