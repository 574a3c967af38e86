"""HTTP for people."""

import io
from typing import Annotated

from fastapi import APIRouter, File, Query, Request, Response, UploadFile, status
from fastapi.responses import FileResponse, StreamingResponse

from core_api.audit import Actor
from core_api.auth.dependencies import (
    AccountOwner,
    DatabaseDep,
    FilesDep,
    LimiterDep,
    PeopleReader,
    Reader,
    ReadSession,
    SettingsDep,
    UserManager,
    VaultDep,
    WriteSession,
)
from core_api.auth.permissions import Permission
from core_api.domains.users import administration, avatars, exporting, leaving, service
from core_api.domains.users.schemas import (
    MeDelete,
    MeRead,
    MeUpdate,
    UserCreate,
    UserDelete,
    UserRead,
    UserState,
    UserUpdate,
)
from core_api.http.pagination import Cursor, Limit, Page
from core_api.http.quick import quick
from core_api.infra.errors import Conflict, NotFound
from core_api.models import SystemRole

router = APIRouter(prefix="/users", tags=["people"])


@router.get("/me")
@quick
def read_me(subject: Reader, session: ReadSession) -> MeRead:
    """The signed-in person."""
    return service.read_me(session, subject)


@router.patch("/me")
def change_me(
    body: MeUpdate,
    subject: AccountOwner,
    session: WriteSession,
    vault: VaultDep,
    settings: SettingsDep,
    limiter: LimiterDep,
) -> MeRead:
    """Change your profile. A new e-mail address counts once the link that is mailed there has been opened."""
    if body.email is not None:
        limiter.hit(settings.rate_limit_sign_in, "address", subject.user_id)  # each may send a mail
    return service.change_me(session, subject, vault, settings, body)


@router.put("/me/avatar")
def set_avatar(
    subject: AccountOwner,
    database: DatabaseDep,
    files: FilesDep,
    file: Annotated[UploadFile, File(description="PNG, JPEG, WebP or GIF, 5 MB at most.")],
) -> MeRead:
    """Set your picture; it is cut to a square of 256 pixels."""
    picture = files.put(io.BytesIO(avatars.clean_picture(file.file)), avatars.MAX_BYTES)
    with database.transaction() as session:
        avatars.set_avatar(session, subject, files, picture)
        return service.read_me(session, subject)


@router.delete("/me/avatar", status_code=status.HTTP_204_NO_CONTENT)
def remove_avatar(subject: AccountOwner, session: WriteSession, files: FilesDep) -> None:
    """Take your picture away."""
    avatars.remove_avatar(session, subject, files)


@router.get("/me/export", response_class=StreamingResponse)
def export_me(request: Request, subject: AccountOwner, session: WriteSession, files: FilesDep) -> StreamingResponse:
    """Everything of yours, as a zip archive: profile, sessions, keys, memberships, documents, conversations."""
    export = exporting.collect(session, subject, files, request.app.state.export_parts)
    headers = {"Content-Disposition": 'attachment; filename="nexus-export.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(exporting.archive(export, files), media_type="application/zip", headers=headers)


@router.delete("/me", status_code=status.HTTP_204_NO_CONTENT)
def delete_me(
    body: MeDelete,
    subject: AccountOwner,
    session: WriteSession,
    database: DatabaseDep,
    files: FilesDep,
    vault: VaultDep,
    settings: SettingsDep,
    limiter: LimiterDep,
) -> None:
    """Delete your account, and with it your personal space. What you wrote elsewhere stays."""
    limiter.hit(settings.rate_limit_sign_in, "proof", subject.user_id)
    leaving.prove_identity(database, vault, subject, body.password, body.code)
    leaving.delete_user(session, Actor.of(subject), files, subject.user_id, body.attribution, body.name)


@router.get("")
@quick
def list_users(
    subject: PeopleReader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    q: Annotated[str | None, Query(max_length=200, description="A part of the name.")] = None,
    role: Annotated[SystemRole | None, Query(description="For those who manage people.")] = None,
    state: Annotated[UserState | None, Query(description="For those who manage people.")] = None,
) -> Page[UserRead]:
    """Everyone here, newest first."""
    return administration.list_users(session, subject, cursor, limit, text=q, role=role, state=state)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_user(
    body: UserCreate, subject: UserManager, session: WriteSession, vault: VaultDep, settings: SettingsDep
) -> UserRead:
    """Add a person, who gets a link by mail to choose a password."""
    return administration.show(administration.add_user(session, Actor.of(subject), vault, settings, body), True)


@router.get("/{user_id}")
@quick
def read_user(user_id: str, subject: Reader, session: ReadSession) -> UserRead:
    """One person; guests see those whom they share a space with."""
    user = service.visible_user(session, subject, user_id)
    return administration.show(user, subject.may(Permission.USERS_MANAGE))


@router.get("/{user_id}/avatar", response_class=FileResponse)
def read_avatar(user_id: str, subject: Reader, database: DatabaseDep, files: FilesDep) -> Response:
    """A person's picture."""
    with database.reading() as session:  # not while the file is fetched
        user = service.visible_user(session, subject, user_id)
    if user.avatar_sha256 is None:
        raise NotFound(f"{user.name} has no picture.")
    path = files.existing(user.avatar_sha256)
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


@router.patch("/{user_id}")
def change_user(user_id: str, body: UserUpdate, subject: UserManager, session: WriteSession) -> UserRead:
    """Change a person's name or role, or whether they can sign in."""
    return administration.show(administration.change_user(session, Actor.of(subject), user_id, body), True)


@router.delete("/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_user(
    user_id: str, subject: UserManager, session: WriteSession, files: FilesDep, body: UserDelete | None = None
) -> None:
    """Delete a person's account. What they wrote in shared spaces stays."""
    if user_id == subject.user_id:
        raise Conflict("Delete your own account in your profile.")
    given = body or UserDelete()
    leaving.delete_user(session, Actor.of(subject), files, user_id, given.attribution, given.name)


@router.post("/{user_id}/reset-password", status_code=status.HTTP_202_ACCEPTED)
def reset_password(
    user_id: str, subject: UserManager, session: WriteSession, vault: VaultDep, settings: SettingsDep
) -> None:
    """Mail a person a link to choose a new password."""
    administration.mail_password_link(session, Actor.of(subject), vault, settings, user_id)
