"""Invitations: made, mailed, revoked, and accepted by whoever the address belongs to.

An invitation is worth what its maker may do at the moment when it is accepted: one by somebody who has left, or who
does not own the space any more, opens nothing.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import covers, space_role
from core_api.auth.permissions import Permission
from core_api.auth.secret_tokens import digest
from core_api.auth.subject import Subject
from core_api.domains.members.service import lock_space, put_member
from core_api.infra.errors import Conflict, Forbidden, NotFound
from core_api.models import Invitation, Space, SpaceMember, SpaceRole, SystemRole, User, utcnow

_INVALID = "This invitation is not valid: it was used or revoked, or it is too old. Ask for a new one."


def accept_for_new_user(session: Session, token: str, email: str) -> Invitation:
    """Use up the invitation of an address that has no account yet; its `role` is the new person's.

    The caller makes the person next and calls `join_invited_space`. Raises NotFound when the token is not valid, or
    not that of this address. Call it before anything is audited (the order of locks).
    """
    invitation = valid_invitation(session, token)
    if invitation.email != email.strip().lower():
        raise NotFound(_INVALID)
    invitation.accepted_at = utcnow()
    return invitation


def join_invited_space(session: Session, invitation: Invitation, user_id: str) -> None:
    """Bring a person into the space of the invitation that they have accepted, if it names one."""
    person = session.get_one(User, user_id)
    actor = Actor(person.id, person.name)
    space = session.get(Space, invitation.space_id) if invitation.space_id is not None else None
    if space is not None and space.archived_at is None and invitation.space_role is not None:
        role, present = SpaceRole(invitation.space_role), session.get(SpaceMember, (space.id, user_id))
        if present is None or not covers(SpaceRole(present.role), role):  # it never takes anything away
            put_member(session, actor, space, user_id, role)
    audit.record(
        session, actor, "invitation.accepted", "invitation", invitation.id, email=invitation.email,
        space_id=invitation.space_id,
    )  # fmt: skip


def valid_invitation(session: Session, token: str) -> Invitation:
    """The invitation that this token opens now, its row locked. Raises NotFound."""
    space_id = session.scalar(select(Invitation.space_id).where(Invitation.token_sha256 == digest(token)))
    if space_id is not None:
        lock_space(session, space_id)
    invitation = session.scalar(
        select(Invitation)
        .where(
            Invitation.token_sha256 == digest(token),
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > utcnow(),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if invitation is None or not _stands(session, invitation):
        raise NotFound(_INVALID)
    return invitation


def _stands(session: Session, invitation: Invitation) -> bool:
    maker = session.get_one(User, invitation.invited_by)
    if maker.disabled_at is not None or maker.deleted_at is not None:
        return False
    try:
        check_may_invite(
            session, Subject(maker.id, maker.name, SystemRole(maker.role)), invitation.role, invitation.space_id
        )
    except (Forbidden, NotFound, Conflict):
        return False
    return True


def check_may_invite(session: Session, subject: Subject, role: str, space_id: str | None) -> None:
    """Owners invite into their spaces, as guests where somebody is new; to be a member here is for inviters to offer.

    Raises NotFound for a space that the subject may not read, Forbidden for one that is not theirs.
    """
    if space_id is not None:
        in_space = space_role(session, subject, space_id)
        if in_space is None:
            raise NotFound(f"There is no space {space_id!r} that you can see.")
        if in_space is not SpaceRole.OWNER:
            raise Forbidden("Only an owner of a space invites people into it.")
    if subject.may(Permission.PEOPLE_INVITE):
        return
    if space_id is None or not subject.may(Permission.GROUPS_CREATE):
        raise Forbidden("You can invite people into spaces that you own. Managers invite people to the company.")
    if role != SystemRole.GUEST:
        raise Forbidden("You can invite new people as guests only: leave `role` out. Managers invite members.")
