"""What goes with an answer besides its words: what to ask next, or whom to ask where there was no answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.orm import Session

from assistant.answers.questions import in_conversation
from assistant.chat.following import follow_up
from assistant.citations import Citation
from assistant.recommending import service as recommending
from assistant.recommending.schemas import ExpertRead
from core_api.auth.subject import Subject
from core_api.infra.errors import Unavailable
from retrieval.engine import RetrievalEngine
from retrieval.types import Filters, Hit

log = structlog.get_logger()

_EXPERTS = 3


@dataclass(frozen=True, slots=True)
class Rounded:
    """What goes with an answer."""

    suggestions: list[str] = field(default_factory=list)
    experts: list[ExpertRead] = field(default_factory=list)


def round_off(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    asked: Sequence[str],
    citations: Sequence[Citation],
    found: Sequence[Hit],
    *,
    abstained: bool,
    filters: Filters | None = None,
) -> Rounded:
    """What to ask next after an answer with these citations, by what meets the filters; whom to ask after none, by what
    was `found`. `asked` are the person's turns, the last one last. The asker is not sent to themselves."""
    try:
        if abstained:
            question = in_conversation(asked)
            people = recommending.people_who_know(
                session, subject, engine, question, _EXPERTS, found=found, but=[subject.user_id]
            )
            return Rounded(experts=[ExpertRead.of(person) for person in people])
        shown = [citation for citation in citations if citation.readable]
        if not shown:
            return Rounded()
        suggestions = follow_up(session, subject, engine, asked[-1], shown, asked[:-1], filters)
        return Rounded(suggestions=suggestions)
    except Unavailable as error:  # the answer stands without
        log.warning("answer_not_rounded_off", error=str(error))
        return Rounded()
