"""Asking a person what nothing answered: one of those whom the product itself named for it. They are told of the
question and of who asks, and of nothing else; by writing it down and closing it they answer everybody."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from assistant.conversations.revisiting import as_they_are_now, asked_status
from assistant.recommending.schemas import AskedStatus
from assistant.review.gaps import WasAnswered, file_gap, unanswered
from assistant.review.schemas import AskedRead, GapRead
from core_api import audit, mail
from core_api.audit import Actor
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.http.pagination import Page, page_rows
from core_api.http.rate_limits import RateLimiter
from core_api.infra.database import Database
from core_api.infra.errors import Forbidden, NotFound
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import ConversationMessage, GapRequest, KnowledgeGap, User, utcnow
from retrieval.engine import RetrievalEngine

# Of whoever asks, and of whoever is asked.
_ASKS_LIMIT, _ASKED_LIMIT = "20/day", "50/day"
_MAILED_CHARS = 1_000


def ask_person(
    database: Database,
    engine: RetrievalEngine,
    vault: Vault,
    settings: Settings,
    limiter: RateLimiter,
    subject: Subject,
    message_id: str,
    user_id: str,
) -> GapRead:
    """File a question of the subject's that was not answered, and tell one of its experts of it, once: in the product
    and, where they have a confirmed address, by mail.

    Raises Forbidden for a key that only reads, NotFound for a message that is not the subject's and for whom the answer
    does not name (as the subject may see it now), WasAnswered, and TooManyRequests.
    """
    if not subject.may(Permission.CONTENT_WRITE):
        raise Forbidden("This key only reads; asking somebody needs one that writes.")
    with database.reading() as session:
        answer_id, _ = unanswered(session, subject, message_id)
        _check_named(session, subject, answer_id, user_id)
        of_answer = select(GapRequest.id).join(KnowledgeGap, KnowledgeGap.id == GapRequest.gap_id)
        again = session.scalar(of_answer.where(KnowledgeGap.message_id == answer_id, GapRequest.user_id == user_id))
    if again is None:
        limiter.hit(_ASKS_LIMIT, "asks", subject.user_id)
        limiter.hit(_ASKED_LIMIT, "asked", user_id)
    filed = file_gap(database, engine, subject, message_id)
    with database.transaction() as session:
        # Locked: of two that ask at once, one tells.
        gap = session.scalar(select(KnowledgeGap).where(KnowledgeGap.id == filed.id).with_for_update())
        if gap is None or gap.status != "open":
            raise WasAnswered("It has been written down since. Ask the question again.")
        told = select(GapRequest.id).where(GapRequest.gap_id == gap.id, GapRequest.user_id == user_id)
        if session.scalar(told) is None:
            session.add(GapRequest(gap_id=gap.id, user_id=user_id))
            audit.record(session, Actor.of(subject), "gap.asked", "gap", gap.id, user_id=user_id)
            _mail(session, vault, settings, subject, gap, user_id)
    return filed


def list_asked(session: Session, subject: Subject, cursor: str | None, limit: int) -> Page[AskedRead]:
    """The questions that the subject was asked and that wait for them, the latest first."""
    statement = _asked_of(subject).where(GapRequest.declined_at.is_(None), KnowledgeGap.status == "open")
    rows, next_cursor = page_rows(session, statement, [GapRequest.id], cursor, limit)
    return Page(items=[_read(*row) for row in rows], next_cursor=next_cursor)


def answer_asked(session: Session, subject: Subject, gap_id: str, status: AskedStatus) -> AskedRead:
    """Close a question that the subject was asked, for everybody, since it is written down; say that they do not know;
    or take either back. Raises NotFound."""
    asked = _asked_of(subject).where(KnowledgeGap.id == gap_id).with_for_update(of=[GapRequest, KnowledgeGap])
    row = session.execute(asked).first()
    if row is None:
        raise NotFound(f"You were not asked the question {gap_id!r}.")
    request, gap, asker = row
    before = _status(request, gap)
    request.declined_at = utcnow() if status == "declined" else None
    if status == "closed" and gap.status == "open":
        gap.status, gap.closed_by, gap.closed_at = "closed", subject.user_id, utcnow()
    elif status == "open" and gap.closed_by == subject.user_id:  # what others have closed stays closed
        gap.status, gap.closed_by, gap.closed_at = "open", None, None
    session.flush()
    after = _status(request, gap)
    if after != before:
        action = {"closed": "gap.closed", "declined": "gap.declined", "open": "gap.reopened"}[after]
        audit.record(session, Actor.of(subject), action, "gap", gap.id)
    return _read(request, gap, asker)


def _asked_of(subject: Subject) -> Select[*tuple[Any, ...]]:
    return (
        select(GapRequest, KnowledgeGap, User.name)
        .join(KnowledgeGap, KnowledgeGap.id == GapRequest.gap_id)
        .join(User, User.id == KnowledgeGap.user_id)
        .where(GapRequest.user_id == subject.user_id)
    )


def _check_named(session: Session, subject: Subject, answer_id: str, user_id: str) -> None:
    answer = session.get_one(ConversationMessage, answer_id)
    [now] = as_they_are_now(session, subject, [answer])
    here = select(User.id).where(User.id == user_id, User.disabled_at.is_(None), User.deleted_at.is_(None))
    named = any(expert["user_id"] == user_id for expert in now["experts"])
    if not named or session.scalar(here) is None:
        raise NotFound("The answer names nobody like that who could be asked.")


def _mail(
    session: Session, vault: Vault, settings: Settings, subject: Subject, gap: KnowledgeGap, user_id: str
) -> None:
    person = session.get_one(User, user_id)
    if person.email is None or person.email_verified_at is None:
        return
    # One line: what somebody else wrote must not look like a part of our mail.
    question = " ".join(gap.question.split())
    if len(question) > _MAILED_CHARS:
        question = question[: _MAILED_CHARS - 1] + "…"
    link = f"{settings.resolved_public_url}/"
    text = mail.render("question", person.locale, asker=subject.name, question=question, link=link)
    mail.queue(session, vault, person.email, *text)


def _status(request: GapRequest, gap: KnowledgeGap) -> AskedStatus:
    return asked_status(gap.status, request.declined_at)


def _read(request: GapRequest, gap: KnowledgeGap, asker: str) -> AskedRead:
    return AskedRead(
        id=gap.id, question=gap.question, asked_by=asker, asked_at=request.created_at, status=_status(request, gap)
    )
