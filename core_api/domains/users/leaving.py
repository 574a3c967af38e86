"""Leaving: everything personal is removed; what a person wrote for others stays, under a name that they choose."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth import second_factor
from core_api.auth.failed_proofs import record_failed_proof
from core_api.auth.passwords import verify_password
from core_api.auth.subject import Subject
from core_api.domains.members.service import leave_all
from core_api.domains.users.administration import keep_an_admin
from core_api.domains.users.avatars import drop_file
from core_api.domains.users.schemas import Attribution
from core_api.domains.users.service import get_user
from core_api.infra.database import Database
from core_api.infra.errors import Forbidden
from core_api.infra.storage import FileStore
from core_api.infra.vault import Vault
from core_api.models import (
    AnswerFeedback,
    ApiKey,
    Conversation,
    ConversationMessage,
    ConversationShare,
    Document,
    DocumentGrant,
    GapRequest,
    Identity,
    Invitation,
    KnowledgeGap,
    LoginSession,
    MailMessage,
    OneTimeToken,
    Proposal,
    RecoveryCode,
    Reminder,
    SavedSearch,
    SearchLog,
    Space,
    SpaceKind,
    SpaceMember,
    SpaceRole,
    TotpDevice,
    User,
    utcnow,
)

FORMER_MEMBER = "Former member"
_PERSONAL_SPACE = "Personal space of a former member"


def prove_identity(database: Database, vault: Vault, subject: Subject, password: str | None, code: str | None) -> None:
    """Check that it is really the subject: by their password or a code of their second factor. Whoever has neither
    (they sign in elsewhere, or by link) is proven by their session. A wrong one is recorded. Raises Forbidden.

    It takes its own sessions: no transaction waits for a password to be hashed.
    """
    with database.reading() as session:
        password_hash = get_user(session, subject.user_id).password_hash
        if password_hash is None and not second_factor.is_enabled(session, subject.user_id):
            return
    if password is not None and verify_password(password_hash, password):
        return
    if code is not None:
        with database.transaction() as session:
            if second_factor.use_code(session, vault, subject.user_id, code) is not None:
                return
    if password is not None:
        record_failed_proof(database, subject, "account_deletion", "password")
    if code is not None:
        record_failed_proof(database, subject, "account_deletion", "code")
    raise Forbidden(
        "Give your `password`, or a `code` of your authenticator app, to confirm that it is you.",
        field="code" if code is not None else "password",
    )


def delete_user(
    session: Session,
    actor: Actor,
    files: FileStore,
    user_id: str,
    attribution: Attribution,
    other_name: str | None = None,
) -> None:
    """Remove a person; `other_name` is for the attribution of that kind.

    Raises Conflict for the last admin, and where something would be left to nobody.
    """
    user = get_user(session, user_id)
    # What is written of a person behind their back (their searches) looks first whether they are still there.
    session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    keep_an_admin(session, user)
    # Before anything is audited: the locks of spaces come before that of the log.
    leave_all(session, actor, user.id)
    _delete_personal_spaces(session, user.id)
    _delete_traces(session, user)
    if attribution is Attribution.FORMER_MEMBER:
        user.name = FORMER_MEMBER
    elif attribution is Attribution.OTHER_NAME and other_name is not None:
        user.name = other_name
    picture = user.avatar_sha256
    user.email = user.password_hash = user.avatar_sha256 = user.locale = user.time_zone = None
    user.email_verified_at = user.last_seen_at = None
    user.disabled_at = user.disabled_at or utcnow()
    user.deleted_at = utcnow()
    drop_file(session, files, picture)
    audit.record(session, actor, "user.deleted", "user", user.id, attribution=attribution.value)


def _delete_personal_spaces(session: Session, user_id: str) -> None:
    owned = select(SpaceMember.space_id).where(SpaceMember.user_id == user_id, SpaceMember.role == SpaceRole.OWNER)
    for space in session.scalars(select(Space).where(Space.id.in_(owned), Space.kind == SpaceKind.PERSONAL)):
        # One by one, not with an UPDATE: each leaves its event, so that the indexes let go of it.
        for document in session.scalars(
            select(Document).where(Document.space_id == space.id, Document.deleted_at.is_(None))
        ):
            document.deleted_at = utcnow()
        space.name, space.archived_at = _PERSONAL_SPACE, utcnow()
    session.flush()
    session.execute(delete(SpaceMember).where(SpaceMember.user_id == user_id))


def _delete_traces(session: Session, user: User) -> None:
    mine = select(Conversation.id).where(Conversation.user_id == user.id)
    session.execute(
        delete(ConversationMessage).where(ConversationMessage.conversation_id.in_(mine)),
        execution_options={"synchronize_session": False},
    )
    for table in (
        *(ApiKey, Conversation, DocumentGrant, Identity, LoginSession, OneTimeToken, RecoveryCode, TotpDevice),
        *(SearchLog, SavedSearch),  # with what was opened of them, and what they have found
        *(ConversationShare, AnswerFeedback, KnowledgeGap, GapRequest),
        *(Proposal, Reminder),
    ):
        session.execute(delete(table).where(table.user_id == user.id), execution_options={"synchronize_session": False})
    # Nobody can accept these any more: the one who made them is gone, or is who they were for.
    waiting = Invitation.accepted_at.is_(None) & Invitation.revoked_at.is_(None)
    session.execute(
        update(Invitation).where(waiting, Invitation.invited_by == user.id).values(revoked_at=utcnow()),
        execution_options={"synchronize_session": False},
    )
    if user.email is not None:
        session.execute(
            delete(MailMessage).where(MailMessage.recipient == user.email),
            execution_options={"synchronize_session": False},
        )
        session.execute(
            delete(Invitation).where(Invitation.email == user.email), execution_options={"synchronize_session": False}
        )
