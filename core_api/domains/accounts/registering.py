"""New accounts: registered by anyone whose address is verified afterwards, or by whoever was invited to it."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth import mailed_links, one_time, passwords
from core_api.domains.accounts.desk import MAIL_LIMIT, Desk
from core_api.domains.accounts.signing_in import begin_browser
from core_api.domains.invitations.service import accept_for_new_user, join_invited_space
from core_api.domains.users.service import create_user
from core_api.infra.errors import Conflict, Forbidden, Unauthenticated
from core_api.models import SystemRole, TokenKind, User, utcnow

_EXISTS = "This address has an account already. Sign in, then open the invitation again."
_TAKEN = "This address belongs to another account here."


class RegistrationClosed(Forbidden):
    """Nobody makes an account for themselves here."""

    code, title = "registration_closed", "Registration is closed"


class InvitationRequired(Forbidden):
    """Only invited people make accounts here."""

    code, title = "invitation_required", "You need an invitation"


class AccountExists(Conflict):
    """The invited address has an account."""

    code, title = "account_exists", "You have an account already"


def check_may_register(desk: Desk, email: str, password: str, name: str, invitation: str | None) -> str:
    """Whether this registration is one that is taken here, whatever accounts there are; gives the password's hash.

    Raises RegistrationClosed, InvitationRequired, WeakPassword or TooManyRequests.
    """
    if desk.settings.registration == "closed":
        raise RegistrationClosed("Nobody registers here. Ask an admin for an account.")
    if desk.settings.registration == "invite" and invitation is None:
        raise InvitationRequired("Open the link of your invitation. If you have none, ask somebody here for one.")
    if desk.network:
        desk.limiter.hit(desk.settings.rate_limit_sign_in, "register", "address", desk.network)
    passwords.check_strength(password, name, email, field="password")
    if invitation is None:
        desk.limiter.hit(MAIL_LIMIT, "mail", email)
    return passwords.hash_password(password)


def register(desk: Desk, name: str, email: str, password_hash: str, locale: str) -> None:
    """Make an account that waits for its address to be verified; whoever has one already is told by mail.

    Nobody else can tell the two apart: it is done after the answer.
    """
    try:
        _register(desk, name, email, password_hash, locale)
    except IntegrityError:  # another registration of this address was quicker
        _register(desk, name, email, password_hash, locale)


def register_invited(desk: Desk, name: str, email: str, password_hash: str, locale: str, invitation_token: str) -> str:
    """Make an account for an invited address, and sign in; the secret for the cookie.

    Raises NotFound where the invitation is not valid or not for this address, AccountExists.
    """
    try:
        return _register_invited(desk, name, email, password_hash, locale, invitation_token)
    except IntegrityError as error:  # a registration of this address was quicker
        raise AccountExists(_EXISTS) from error


def _register_invited(desk: Desk, name: str, email: str, password_hash: str, locale: str, invitation_token: str) -> str:
    with desk.database.transaction() as session:
        invitation = accept_for_new_user(session, invitation_token, email)
        person = _by_email(session, email)
        if person is None:
            person = create_user(session, name, SystemRole(invitation.role), email)
        elif person.email_verified_at is not None or person.disabled_at is not None:
            raise AccountExists(_EXISTS)
        else:  # somebody registered it, and never showed that it was theirs
            one_time.cancel(session, person.id, TokenKind.EMAIL_VERIFICATION, TokenKind.PASSWORD_RESET)
            person.name = name
        person.password_hash, person.email_verified_at, person.locale = password_hash, utcnow(), locale
        person.last_seen_at = utcnow()
        session.flush()
        join_invited_space(session, invitation, person.id)
        secret = begin_browser(desk)(session, person.id)
        actor = Actor(person.id, person.name)
        audit.record(session, actor, "user.registered", "user", person.id, invitation_id=invitation.id)
        audit.record(session, actor, "auth.signed_in", "user", person.id, method="invitation", second_factor=None)
    return secret


def verify_email(desk: Desk, token: str) -> None:
    """Make the address that the link was mailed to the person's verified one.

    Raises Unauthenticated, and Conflict when somebody else has got that address meanwhile.
    """
    try:
        _verify_email(desk, token)
    except IntegrityError as error:  # at the same moment
        raise Conflict(_TAKEN) from error


def _verify_email(desk: Desk, token: str) -> None:
    with desk.database.transaction() as session:
        used = one_time.redeem(session, token, TokenKind.EMAIL_VERIFICATION)
        person = session.get_one(User, used.user_id, with_for_update=True)
        if used.email is None or person.disabled_at is not None or person.deleted_at is not None:
            raise Unauthenticated("This account is deactivated. Ask an admin.")
        holder = _by_email(session, used.email)
        if holder is not None and holder.id != person.id:
            raise Conflict(_TAKEN)
        if person.email_verified_at is None and used.password_hash is not None:
            person.password_hash = used.password_hash
        person.email, person.email_verified_at = used.email, utcnow()
        # Other links are of registrations that this one has overtaken, or of changes of mind.
        one_time.cancel(session, person.id, TokenKind.EMAIL_VERIFICATION)
        actor = Actor(person.id, person.name)
        audit.record(session, actor, "user.changed", "user", person.id, changed=["email"], verified=True)


def _register(desk: Desk, name: str, email: str, password_hash: str, locale: str) -> None:
    with desk.database.transaction() as session:
        person = _by_email(session, email)
        if person is not None and person.disabled_at is not None:
            return
        if person is not None and person.email_verified_at is not None:
            mailed_links.mail_already_registered(session, desk.vault, desk.settings, person)
            return
        if person is None:
            person = create_user(session, name, SystemRole.MEMBER, email)
            person.locale = locale
            actor = Actor(person.id, person.name)
            audit.record(session, actor, "user.registered", "user", person.id, invitation_id=None)
        # Until the address is verified this only tells somebody who signs in early what is missing.
        person.password_hash = password_hash
        mailed_links.mail_verification(session, desk.vault, desk.settings, person, email, password_hash)


def _by_email(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email))
