"""What the assistant would do for a person: kept while an answer is written, and listed. It changes nothing
(assistant.actions.service does it)."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.proposals.schemas import ProposalKind, ProposalRead, ProposalState
from core_api.auth.subject import Subject
from core_api.http.pagination import Page, page_rows
from core_api.models import Proposal, utcnow

LIFETIME = timedelta(days=7)
_SUMMARY_CHARS = 1_000


def propose(
    session: Session, subject: Subject, kind: ProposalKind, summary: str, parameters: dict[str, Any]
) -> ProposalRead:
    """Keep a proposal for the subject to decide on."""
    proposal = Proposal(
        user_id=subject.user_id,
        kind=kind.value,
        summary=summary[:_SUMMARY_CHARS],
        parameters=parameters,
        state=ProposalState.OPEN.value,
        expires_at=utcnow() + LIFETIME,
    )
    session.add(proposal)
    session.flush()
    return proposal_read(proposal)


def list_proposals(session: Session, subject: Subject, cursor: str | None, limit: int) -> Page[ProposalRead]:
    """The subject's proposals that can still be confirmed, newest first."""
    statement = select(Proposal).where(
        Proposal.user_id == subject.user_id,
        Proposal.state == ProposalState.OPEN.value,
        Proposal.expires_at > utcnow(),
    )
    rows, next_cursor = page_rows(session, statement, [Proposal.id], cursor, limit)
    return Page(items=[proposal_read(row[0]) for row in rows], next_cursor=next_cursor)


def current(session: Session, subject: Subject, ids: list[str]) -> list[ProposalRead]:
    """These proposals of the subject's as they are now."""
    rows = session.scalars(select(Proposal).where(Proposal.id.in_(ids), Proposal.user_id == subject.user_id))
    return sorted((proposal_read(row) for row in rows), key=lambda proposal: ids.index(proposal.id))


def proposal_read(proposal: Proposal) -> ProposalRead:
    """A proposal as its person sees it."""
    return ProposalRead(
        id=proposal.id,
        kind=ProposalKind(proposal.kind),
        summary=proposal.summary,
        parameters=proposal.parameters,
        state=ProposalState(proposal.state),
        expires_at=proposal.expires_at,
        result=proposal.result,
    )
