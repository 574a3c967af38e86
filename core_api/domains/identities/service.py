"""Whose account here belongs to a person whom another site vouches for.

An equal address alone links nothing: the site must have verified it, and so must we. A second factor that somebody
has set up here is asked for here, whoever vouches for them.
"""

import json
import time
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth import second_factor
from core_api.auth.oidc.profile import Profile
from core_api.auth.subject import Subject
from core_api.domains.accounts.desk import Desk
from core_api.domains.accounts.registering import AccountExists, InvitationRequired, RegistrationClosed
from core_api.domains.accounts.signing_in import MfaInvalid, begin_browser
from core_api.domains.identities.schemas import IdentityRead
from core_api.domains.invitations.service import accept_for_proven_address, join_invited_space
from core_api.domains.users.service import create_user, get_user
from core_api.http.fields import Email
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, Forbidden, NotFound, Unauthenticated
from core_api.infra.settings import Settings
from core_api.infra.vault import SecretKeyUnusable, Vault
from core_api.models import Identity, SystemRole, User, utcnow

_CODE_SECONDS = 5 * 60
_email = TypeAdapter(Email)


class IdentityTaken(Conflict):
    """The person at the other site is linked to somebody else here."""

    code, title = "identity_taken", "Linked to another account"


class ProviderEmailUnverified(Forbidden):
    """The other site does not vouch for the address."""

    code, title = "provider_email_unverified", "The address is not verified there"


class Expired(Unauthenticated):
    """It took too long, or came from somewhere else."""

    code, title = "expired", "This took too long"


@dataclass(frozen=True, slots=True)
class Entered:
    """The secret of the session cookie; or `pending`, to be given back with a code of the second factor."""

    secret: str | None = None
    pending: str | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    waits_for_code: str
    provider: str
    subject: str
    email: str | None
    until: float


def enter(desk: Desk, provider: str, profile: Profile) -> Entered:
    """Sign in whom a site vouches for: whoever is linked to it, whoever has this address (verified there and here),
    or somebody new, where they may register.

    Raises AccountExists, ProviderEmailUnverified, RegistrationClosed, InvitationRequired or Unauthenticated.
    """
    with desk.database.transaction() as session:
        person = _linked(session, provider, profile.subject)
        if person is None:
            person = _by_address(session, profile) or _new(desk, session, provider, profile)
        if second_factor.is_enabled(session, person.id):
            waiting = _Waiting(person.id, provider, profile.subject, profile.email, time.time() + _CODE_SECONDS)
            return Entered(pending=desk.vault.encrypt(json.dumps(asdict(waiting))).decode())
        return Entered(secret=_begin(desk, session, person, provider, profile.subject, profile.email, None))


def enter_with_code(desk: Desk, pending: str, code: str) -> str:
    """Sign in whom `enter` has asked for a code; the secret for the cookie. Raises Expired, MfaInvalid or
    TooManyRequests."""
    waiting = _waiting(desk.vault, pending)
    guesses = desk.guesses("sign-in", waiting.waits_for_code)
    guesses.begin()
    try:
        with desk.database.transaction() as session:
            person = _active(session.get(User, waiting.waits_for_code))
            factor = second_factor.use_code(session, desk.vault, person.id, code)
            if factor is None:
                raise MfaInvalid("The code does not work. Each works once: wait for the next one.")
            secret = _begin(desk, session, person, waiting.provider, waiting.subject, waiting.email, factor)
    except MfaInvalid:
        failed(desk, waiting.email or "", waiting.waits_for_code, "code")
        guesses.failed()
        raise
    guesses.succeeded()
    return secret


def link(session: Session, subject: Subject, provider: str, profile: Profile) -> None:
    """Have the subject, who is signed in, sign in with a site from now on. Raises IdentityTaken."""
    holder = session.scalar(
        select(Identity.user_id).where(Identity.provider == provider, Identity.subject == profile.subject)
    )
    if holder is None:
        _link(session, get_user(session, subject.user_id), provider, profile.subject, profile.email)
    elif holder != subject.user_id:
        raise IdentityTaken("You are linked to another account here with that site. Unlink it there first.")


def list_identities(
    session: Session, subject: Subject, settings: Settings, cursor: str | None, limit: int
) -> Page[IdentityRead]:
    """The sites with which the subject signs in, newest first."""
    labels = {provider.name: provider.label for provider in settings.oidc_providers}
    statement = select(Identity).where(Identity.user_id == subject.user_id)
    rows, next_cursor = page_rows(session, statement, [Identity.id], cursor, limit)
    items = [
        IdentityRead(
            id=row.id,
            provider=row.provider,
            label=labels.get(row.provider, row.provider),
            email=row.email,
            created_at=row.created_at,
        )
        for (row,) in rows
    ]
    return Page(items=items, next_cursor=next_cursor)


def unlink(session: Session, subject: Subject, identity_id: str) -> None:
    """Have the subject sign in with a site no more. Raises NotFound, and Conflict for their only way in."""
    user = get_user(session, subject.user_id)
    identities = {row.id: row for row in session.scalars(select(Identity).where(Identity.user_id == user.id))}
    identity = identities.get(identity_id)
    if identity is None:
        raise NotFound(f"You have no linked sign-in {identity_id!r}.")
    # With a verified address a password can be had by mail.
    if len(identities) == 1 and user.password_hash is None and user.email_verified_at is None:
        raise Conflict("You have no other way to sign in. Choose a password first.")
    session.delete(identity)
    audit.record(
        session, Actor.of(subject), "auth.identity_unlinked", "identity", identity.id, provider=identity.provider
    )


def failed(desk: Desk, who: str, user_id: str, reason: str) -> None:
    """Keep that a sign-in has failed."""
    with desk.database.transaction() as session:
        audit.record(session, Actor(None, who[:200]), "auth.sign_in_failed", "user", user_id, reason=reason)


def _linked(session: Session, provider: str, subject: str) -> User | None:
    user = session.scalar(
        select(User)
        .join(Identity, Identity.user_id == User.id)
        .where(Identity.provider == provider, Identity.subject == subject)
    )
    return None if user is None else _active(user)


def _by_address(session: Session, profile: Profile) -> User | None:
    email = _address(profile)
    if email is None or not profile.email_verified:  # whether the address has an account here is not told then
        return None
    user = session.scalar(select(User).where(User.email == email))
    if user is None:
        return None
    if user.email_verified_at is None:
        raise AccountExists("This address has an account already. Sign in to it, then link the other site there.")
    return _active(user)


def _new(desk: Desk, session: Session, provider: str, profile: Profile) -> User:
    if desk.settings.registration == "closed":
        raise RegistrationClosed("Nobody registers here. Ask an admin for an account.")
    email = _address(profile)
    if email is None or not profile.email_verified:
        raise ProviderEmailUnverified("Verify your e-mail address at the other site first.")
    invitation = accept_for_proven_address(session, email)
    if invitation is None and desk.settings.registration == "invite":
        raise InvitationRequired("Ask somebody here to invite the address that you use at the other site.")
    shown = "".join(char if char.isprintable() else " " for char in profile.name)
    name = " ".join(shown.split())[:200] or email.partition("@")[0]
    role = SystemRole(invitation.role) if invitation is not None else SystemRole.MEMBER
    person = create_user(session, name, role, email)
    person.email_verified_at = utcnow()
    session.flush()
    if invitation is not None:
        join_invited_space(session, invitation, person.id)
    audit.record(
        session,
        Actor(person.id, person.name),
        "user.registered",
        "user",
        person.id,
        provider=provider,
        invitation_id=invitation.id if invitation is not None else None,
    )
    return person


def _begin(
    desk: Desk, session: Session, person: User, provider: str, subject: str, email: str | None, factor: str | None
) -> str:
    if _linked(session, provider, subject) is None:
        _link(session, person, provider, subject, email)
    person.last_seen_at = utcnow()
    secret = begin_browser(desk)(session, person.id)
    actor = Actor(person.id, person.name)
    audit.record(session, actor, "auth.signed_in", "user", person.id, method=provider, second_factor=factor)
    return secret


def _link(session: Session, person: User, provider: str, subject: str, email: str | None) -> None:
    identity = Identity(user_id=person.id, provider=provider, subject=subject, email=email[:320] if email else None)
    session.add(identity)
    session.flush()
    actor = Actor(person.id, person.name)
    audit.record(session, actor, "auth.identity_linked", "identity", identity.id, provider=provider)


def _active(user: User | None) -> User:
    if user is None or user.disabled_at is not None or user.deleted_at is not None:
        raise Unauthenticated("This account is deactivated. Ask an admin.")
    return user


def _address(profile: Profile) -> str | None:
    try:
        return _email.validate_python(profile.email) if profile.email is not None else None
    except ValidationError:
        return None


def _waiting(vault: Vault, pending: str) -> _Waiting:
    try:
        waiting = _Waiting(**json.loads(vault.decrypt(pending.encode())))
    except (SecretKeyUnusable, ValueError, TypeError) as error:
        raise Expired("Sign in with the other site again.") from error
    if waiting.until < time.time():
        raise Expired("This took too long. Sign in with the other site again.")
    return waiting
