"""Doing what the assistant has proposed (assistant.proposals.proposing), once the person has said so.

Confirming decides all rights anew, through the services that a person's own changes go through; it works once, and not
after it has expired.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from assistant.conversations.service import access_message
from assistant.conversations.showing import ASSISTANT, show
from assistant.proposals.proposing import proposal_read
from assistant.proposals.schemas import ProposalKind, ProposalRead, ProposalState
from core_api import audit
from core_api.audit import Actor
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.domains.documents import reading
from core_api.domains.documents import service as documents
from core_api.infra.database import Database
from core_api.infra.errors import Conflict, Forbidden, NotFound
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from core_api.models import Proposal, Reminder, SpaceRole, utcnow

MAX_REMINDERS = 500
"""Reminders of one person that are still to come."""

_WRITTEN = ("text/markdown", "text/plain")
_QUOTE_CHARS = 300


class ProposalClosed(Conflict):
    """It was done, turned down, or has expired."""

    code, title = "proposal_closed", "The proposal is not open any more"


class NotAddable(Conflict):
    """The document is a file of a format that nothing can be added to."""

    code, title = "not_addable", "Nothing can be added to this document"


def confirm(
    database: Database, files: FileStore, settings: Settings, subject: Subject, proposal_id: str
) -> ProposalRead:
    """Do what was proposed. Raises NotFound for a proposal of nobody's or somebody else's, ProposalClosed, and whatever
    the same change by hand would: then the proposal stays open."""
    with database.reading() as session:
        proposal = _access(session, subject, proposal_id)
        act = _ACTS[ProposalKind(proposal.kind)](session, files, settings, subject, proposal.parameters)
    with database.transaction() as session:
        mine = session.scalar(
            update(Proposal)
            .where(
                Proposal.id == proposal_id,
                Proposal.user_id == subject.user_id,
                Proposal.state == ProposalState.OPEN.value,
                Proposal.expires_at > utcnow(),
            )
            .values(state=ProposalState.DONE.value, decided_at=utcnow())
            .returning(Proposal.id)
        )
        proposal = _access(session, subject, proposal_id, even_closed=True)
        if mine is None:
            raise _closed(proposal)
        proposal.result = act(session)
        session.flush()
        audit.record(
            session,
            Actor.of(subject),
            "proposal.confirmed",
            "proposal",
            proposal.id,
            kind=proposal.kind,
            result=proposal.result,
        )
        return proposal_read(proposal)


def dismiss(session: Session, subject: Subject, proposal_id: str) -> None:
    """Turn a proposal down. Raises NotFound, and ProposalClosed for one that was done."""
    proposal = _access(session, subject, proposal_id, even_closed=True)
    if proposal.state == ProposalState.DONE:
        raise _closed(proposal)
    proposal.state, proposal.decided_at = ProposalState.DISMISSED.value, utcnow()


_Act = Callable[[Session], str | None]


def _save(session: Session, files: FileStore, settings: Settings, subject: Subject, parameters: dict[str, Any]) -> _Act:
    _must_write(subject)
    title = parameters["title"]
    text = f"# {title}\n\n{answer_text(session, subject, parameters['message_id'])}"
    content = documents.store_text(files, title, text, settings.max_upload_bytes)

    def act(session: Session) -> str:
        document, _ = documents.put_document(session, subject, parameters["space_id"], content, path=None, title=title)
        return f"/documents/{document.id}"

    return act


def _append(
    session: Session, files: FileStore, settings: Settings, subject: Subject, parameters: dict[str, Any]
) -> _Act:
    _must_write(subject)
    document_id = parameters["document_id"]
    document = reading.access_document(session, subject, document_id, SpaceRole.EDITOR)
    version = reading.get_version(session, subject, document_id, None)
    if version.media_type not in _WRITTEN:
        raise NotAddable(f"“{document.title}” is a file ({version.filename}); only text written here can be added to.")
    before = files.existing(version.sha256).read_text(encoding="utf-8", errors="replace").rstrip()
    text = f"{before}\n\n{answer_text(session, subject, parameters['message_id'])}"
    content = documents.store_text(files, document.title, text, settings.max_upload_bytes)
    number = version.number

    def act(session: Session) -> str:
        # If somebody has changed it meanwhile, their words are not overwritten.
        documents.change_document(session, subject, document_id, content=content, expected_version=number)
        return f"/documents/{document_id}"

    return act


def _remind(
    session: Session, files: FileStore, settings: Settings, subject: Subject, parameters: dict[str, Any]
) -> _Act:
    due = datetime.fromisoformat(parameters["due_at"]).astimezone(UTC)
    waiting = select(Reminder.id).where(Reminder.user_id == subject.user_id, Reminder.sent_at.is_(None))
    if len(session.scalars(waiting.limit(MAX_REMINDERS)).all()) >= MAX_REMINDERS:
        raise Conflict(f"You have {MAX_REMINDERS} reminders that are still to come. Delete some of them first.")

    def act(session: Session) -> None:
        reminder = Reminder(
            user_id=subject.user_id,
            text=parameters["text"],
            due_at=due,
            time_zone=parameters["time_zone"],
            mail=parameters["mail"],
        )
        session.add(reminder)

    return act


_ACTS = {
    ProposalKind.SAVE_DOCUMENT: _save,
    ProposalKind.APPEND_DOCUMENT: _append,
    ProposalKind.REMIND: _remind,
}


def answer_text(session: Session, subject: Subject, message_id: str) -> str:
    """An answer of the subject's as Markdown with its sources, without what they may not read any more. Raises
    NotFound."""
    message = access_message(session, subject, message_id, ASSISTANT)
    [shown] = show(session, subject, [message], mine=True)
    lines = [shown.content.strip()]
    readable = [citation for citation in shown.citations if citation.readable]
    if readable:
        lines += ["", "## Sources", ""]
        for citation in readable:
            quote = " ".join(citation.quote.split())
            quote = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "…"
            source = citation.source
            lines.append(
                f"- \\[{citation.marker}\\] [{_label(source.title)}]({source.url}), version {source.version}: “{quote}”"
            )
    return "\n".join(lines) + "\n"


def _label(title: str) -> str:
    return title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _must_write(subject: Subject) -> None:
    if not subject.may(Permission.CONTENT_WRITE):
        raise Forbidden("You may not write documents.")


def _access(session: Session, subject: Subject, proposal_id: str, *, even_closed: bool = False) -> Proposal:
    proposal = session.scalar(
        select(Proposal)
        .where(Proposal.id == proposal_id, Proposal.user_id == subject.user_id)
        .execution_options(populate_existing=True)
    )
    if proposal is None:
        raise NotFound(f"There is no proposal {proposal_id!r} for you.")
    if not even_closed and (proposal.state != ProposalState.OPEN or proposal.expires_at <= utcnow()):
        raise _closed(proposal)
    return proposal


def _closed(proposal: Proposal) -> ProposalClosed:
    if proposal.state == ProposalState.DONE:
        return ProposalClosed("It has been done already.")
    if proposal.state == ProposalState.DISMISSED:
        return ProposalClosed("It was turned down. Ask again if you want it after all.")
    return ProposalClosed("It has expired. Ask again if you still want it.")
