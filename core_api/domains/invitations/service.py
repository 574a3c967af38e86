"""Invitations: made, mailed, revoked, and accepted by whoever the address belongs to.

An invitation is worth what its maker may do at the moment when it is accepted: one by somebody who has left, or who
does not own the space any more, opens nothing.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from core_api import audit, mail
from core_api.audit import Actor
from core_api.auth.access import access_space, covers, readable_space_name, space_role
from core_api.auth.permissions import Permission
from core_api.auth.secret_tokens import digest, new_secret
from core_api.auth.subject import Subject
from core_api.domains.invitations.schemas import (
    InvitationAccepted,
    InvitationCreate,
    InvitationPreview,
    InvitationRead,
    InvitationState,
)
from core_api.domains.members.service import lock_space, put_member
from core_api.domains.users.schemas import PersonRead
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, Forbidden, NotFound
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import Invitation, Space, SpaceKind, SpaceMember, SpaceRole, SystemRole, User, utcnow

_INVALID = "This invitation is not valid: it was used or revoked, or it is too old. Ask for a new one."
_COMPANY = {"en": "the company", "ko": "회사"}


def create_invitation(
    session: Session, subject: Subject, vault: Vault, settings: Settings, new: InvitationCreate
) -> InvitationRead:
    """Invite an address by mail; an earlier invitation of the same kind that still waits is revoked.

    Whether the address has an account is not told. Raises as `check_may_invite`, and Conflict where a space takes
    nobody in.
    """
    check_may_invite(session, subject, new.role, new.space_id)
    space = session.get_one(Space, new.space_id) if new.space_id is not None else None
    if space is not None and space.archived_at is not None:
        raise Conflict(f"“{space.name}” is archived: nobody joins it. Restore it first.")
    if space is not None and space.kind == SpaceKind.PERSONAL:
        raise Conflict("A personal space has one member. Share single documents of it, or make a team.")
    secret, now = new_secret(), utcnow()
    session.execute(
        update(Invitation)
        # IS NOT DISTINCT FROM: invitations to the company alone name no space.
        .where(Invitation.email == new.email, Invitation.space_id.is_not_distinct_from(new.space_id))
        .where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    invitation = Invitation(
        email=new.email,
        role=new.role,
        space_id=new.space_id,
        space_role=(new.space_role or SpaceRole.VIEWER) if space is not None else None,
        invited_by=subject.user_id,
        token_sha256=digest(secret),
        expires_at=now + timedelta(days=settings.invitation_days),
    )
    session.add(invitation)
    session.flush()
    _mail(session, subject, vault, settings, invitation, space, secret)
    _record(session, Actor.of(subject), "created", invitation)
    return _read(session, subject, invitation.id)


def list_invitations(
    session: Session, subject: Subject, cursor: str | None, limit: int, space_id: str | None = None
) -> Page[InvitationRead]:
    """Invitations, newest first: all for whoever invites people to the company, those into a space for its owners,
    without a space one's own."""
    statement = _described(subject)
    if space_id is not None:
        if not subject.may(Permission.PEOPLE_INVITE):
            access_space(session, subject, space_id, SpaceRole.OWNER, even_archived=True)
        statement = statement.where(Invitation.space_id == space_id)
    elif not subject.may(Permission.PEOPLE_INVITE):
        statement = statement.where(Invitation.invited_by == subject.user_id)
    rows, next_cursor = page_rows(session, statement, [Invitation.id], cursor, limit)
    return Page(items=[_as_read(*row) for row in rows], next_cursor=next_cursor)


def revoke_invitation(session: Session, subject: Subject, invitation_id: str) -> None:
    """Make an invitation worthless: its maker may, an owner of its space, and whoever sees all. Raises NotFound."""
    invitation = session.scalar(select(Invitation).where(Invitation.id == invitation_id).with_for_update())
    if invitation is None or not _may_revoke(session, subject, invitation):
        raise NotFound(f"There is no invitation {invitation_id!r} that you can see.")
    if invitation.accepted_at is not None:
        raise Conflict("The invitation has been accepted. Remove the person instead.")
    if invitation.revoked_at is None:
        invitation.revoked_at = utcnow()
        _record(session, Actor.of(subject), "revoked", invitation)


def preview_invitation(session: Session, token: str) -> InvitationPreview:
    """What the holder of the link may know of it. Raises NotFound."""
    invitation = valid_invitation(session, token)
    known = session.scalar(select(User.id).where(User.email == invitation.email, User.deleted_at.is_(None)))
    return InvitationPreview(
        email=invitation.email,
        inviter=session.get_one(User, invitation.invited_by).name,
        space_name=session.get_one(Space, invitation.space_id).name if invitation.space_id is not None else None,
        account_exists=known is not None,
    )


def accept_invitation(session: Session, subject: Subject, token: str) -> InvitationAccepted:
    """Accept as somebody who has an account. Raises NotFound, Forbidden where the address is not (proven to be)
    theirs, Conflict where the space is archived."""
    invitation = valid_invitation(session, token)
    person = session.get_one(User, subject.user_id)
    if person.email != invitation.email:
        raise Forbidden("This invitation is for another address. Sign in with the account that has it.")
    if person.email_verified_at is None:
        raise Forbidden("Verify your e-mail address first: open the link that was mailed to you, then this one again.")
    if invitation.space_id is not None and session.get_one(Space, invitation.space_id).archived_at is not None:
        raise Conflict("The space is archived: nobody joins it. Ask its owner to restore it first.")
    invitation.accepted_at = utcnow()
    join_invited_space(session, invitation, subject.user_id)
    return InvitationAccepted(space_id=invitation.space_id)


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


def accept_for_proven_address(session: Session, email: str) -> Invitation | None:
    """Use up the newest invitation that stands of an address which another site has verified, if there is one; else
    as `accept_for_new_user`."""
    waiting = select(Invitation.id).where(
        Invitation.email == email,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > utcnow(),
    )
    for invitation_id in session.scalars(waiting.order_by(Invitation.id.desc()).limit(20)).all():
        if (invitation := _valid(session, Invitation.id == invitation_id)) is not None:
            invitation.accepted_at = utcnow()
            return invitation
    return None


def join_invited_space(session: Session, invitation: Invitation, user_id: str) -> None:
    """Bring a person into the space of the invitation that they have accepted, if it names one."""
    person = session.get_one(User, user_id)
    actor = Actor(person.id, person.name)
    space = session.get(Space, invitation.space_id) if invitation.space_id is not None else None
    if space is not None and space.archived_at is None and invitation.space_role is not None:
        role, present = SpaceRole(invitation.space_role), session.get(SpaceMember, (space.id, user_id))
        if present is None or not covers(SpaceRole(present.role), role):  # it never takes anything away
            put_member(session, actor, space, user_id, role)
    _record(session, actor, "accepted", invitation)


def valid_invitation(session: Session, token: str) -> Invitation:
    """The invitation that this token opens now, its row locked. Raises NotFound."""
    invitation = _valid(session, Invitation.token_sha256 == digest(token))
    if invitation is None:
        raise NotFound(_INVALID)
    return invitation


def _valid(session: Session, which: ColumnElement[bool]) -> Invitation | None:
    space_id = session.scalar(select(Invitation.space_id).where(which))
    if space_id is not None:
        lock_space(session, space_id)
    invitation = session.scalar(
        select(Invitation)
        .where(
            which,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > utcnow(),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return invitation if invitation is not None and _stands(session, invitation) else None


def _may_revoke(session: Session, subject: Subject, invitation: Invitation) -> bool:
    if subject.may(Permission.PEOPLE_INVITE) or invitation.invited_by == subject.user_id:
        return True
    return invitation.space_id is not None and space_role(session, subject, invitation.space_id) is SpaceRole.OWNER


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


def _mail(
    session: Session,
    subject: Subject,
    vault: Vault,
    settings: Settings,
    invitation: Invitation,
    space: Space | None,
    secret: str,
) -> None:
    known = session.scalar(select(User.locale).where(User.email == invitation.email))
    locale = known or session.get_one(User, subject.user_id).locale or "en"
    title, body = mail.render(
        "invitation",
        locale,
        inviter=subject.name,
        place=space.name if space is not None else _COMPANY.get(locale, _COMPANY["en"]),
        days=str(settings.invitation_days),
        link=f"{settings.resolved_public_url}/join?token={secret}",
    )
    mail.queue(session, vault, invitation.email, title, body)


def _described(subject: Subject) -> Select[*tuple[Any, ...]]:
    return (
        select(Invitation, User.name, readable_space_name(subject))
        .join(User, User.id == Invitation.invited_by)
        .outerjoin(Space, Space.id == Invitation.space_id)
    )


def _read(session: Session, subject: Subject, invitation_id: str) -> InvitationRead:
    return _as_read(*session.execute(_described(subject).where(Invitation.id == invitation_id)).one())


def _as_read(invitation: Invitation, inviter: str, space_name: str) -> InvitationRead:
    return InvitationRead(
        id=invitation.id,
        email=invitation.email,
        role=SystemRole(invitation.role),
        space_id=invitation.space_id,
        space_name=space_name if invitation.space_id is not None else None,
        space_role=SpaceRole(invitation.space_role) if invitation.space_role is not None else None,
        invited_by=PersonRead(id=invitation.invited_by, name=inviter),
        state=_state(invitation),
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
    )


def _state(invitation: Invitation) -> InvitationState:
    if invitation.accepted_at is not None:
        return InvitationState.ACCEPTED
    if invitation.revoked_at is not None:
        return InvitationState.REVOKED
    return InvitationState.PENDING if invitation.expires_at > utcnow() else InvitationState.EXPIRED


def _record(session: Session, actor: Actor, verb: str, invitation: Invitation) -> None:
    audit.record(
        session,
        actor,
        f"invitation.{verb}",
        "invitation",
        invitation.id,
        email=invitation.email,
        role=invitation.role,
        space_id=invitation.space_id,
        space_role=invitation.space_role,
    )
