"""Messages as a reader may see them now: every citation verified for them, and nothing that rests on what they may not
read. So it is for whoever asked, and more so for whom a conversation was shared with."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.citations import Citation, verify_all
from assistant.conversations.revisiting import as_they_are_now
from assistant.models.choosing import EXTRACTIVE
from assistant.schemas import AnswerRead, FeedbackRead, MessageRead
from assistant.types import Confidence, Part
from core_api.auth.subject import Subject
from core_api.models import AnswerFeedback, ConversationMessage
from retrieval import analyzer
from retrieval.access import hydrate
from retrieval.endpoints import HitRead
from retrieval.highlight import excerpt, highlights
from retrieval.types import Filters, Hit, Passage

USER = "user"
ASSISTANT = "assistant"
# Put in the place of a sentence whose source the reader may not read any more.
WITHHELD = "(This part is not shown: you can no longer read its source.)"
# And of one that others may not see, because it has no source that could be asked about.
UNSOURCED = "(This part is not shown: it names no source.)"
# What an answer says that may tell of sources, or of the asker, without naming them: for the asker only, and only while
# they may read all that the answer rests on.
_FOR_THE_ASKER = ("suggestions", "experts", "proposals", "unsupported", "usage")
_BATCH = 500
_PASSAGE = tuple(field.name for field in fields(Passage))


def show(
    session: Session, subject: Subject, messages: Sequence[ConversationMessage], *, mine: bool
) -> list[MessageRead]:
    """The messages as the subject may see them now; `mine`: they are the subject's own. A few queries, whatever their
    number."""
    citations = _citations(session, subject, messages)
    nearest = _nearest(session, subject, messages)
    feedback = _feedback(session, subject, messages) if mine else {}
    answers = [message.answer for message in messages]
    if mine:  # what others see has none of what changes
        answers = as_they_are_now(session, subject, messages)
    return [
        _message(
            message, answer, citations.get(message.id, []), nearest.get(message.id, []), feedback.get(message.id), mine
        )
        for message, answer in zip(messages, answers, strict=True)
    ]


def parts_of(message: ConversationMessage) -> list[Part]:
    """The pieces that an answer was made of."""
    return [Part(part["text"], tuple(part["markers"])) for part in message.answer.get("parts", [])]


def is_sourced(parts: Sequence[Part], *, abstained: bool) -> bool:
    """Whether all that an answer says has sources by which to decide who may read it."""
    return abstained or all(part.markers or not _says(part) for part in parts)


def _message(
    message: ConversationMessage,
    answer: Mapping[str, Any],
    citations: list[Citation],
    nearest: list[HitRead],
    feedback: FeedbackRead | None,
    mine: bool,
) -> MessageRead:
    hidden = {citation.marker for citation in citations if not citation.readable}
    return MessageRead(
        id=message.id,
        role=message.role,
        content=_content(message, hidden, mine),
        citations=citations,
        answer=_about(answer, nearest, whole=mine and not hidden) if message.role == ASSISTANT else None,
        feedback=feedback,
        created_at=message.created_at,
    )


def _content(message: ConversationMessage, hidden: set[int], mine: bool) -> str:
    """The text without the parts that rest on a hidden citation, even if on another one as well; for others than the
    asker also without what has no source."""
    if message.role != ASSISTANT:
        return message.content
    parts = parts_of(message)
    if not hidden and (mine or is_sourced(parts, abstained=bool(message.answer.get("abstained")))):
        return message.content
    kept: list[str] = []
    for part in parts:
        lead = part.text[: len(part.text) - len(part.text.lstrip())]
        if hidden.intersection(part.markers):
            kept.append(lead + WITHHELD)
        elif mine or part.markers or not _says(part):
            kept.append(part.text)
        elif not kept or not kept[-1].endswith(UNSOURCED):
            kept.append(lead + UNSOURCED)
    return "".join(kept)


def _says(part: Part) -> bool:
    return any(char.isalnum() for char in part.text)


def _about(answer: Mapping[str, Any], nearest: list[HitRead], *, whole: bool) -> AnswerRead:
    about = {key: value for key, value in answer.items() if whole or key not in _FOR_THE_ASKER}
    if about["model"] != EXTRACTIVE or about.get("support") == 1:
        # Earlier versions stated figures that nothing was fitted for: 1 for what a tool told, which no fitted one is.
        about |= {"support": None, "confidence": Confidence.NONE if about["abstained"] else None}
    return AnswerRead.model_validate({**about, "nearest": nearest})


def _citations(
    session: Session, subject: Subject, messages: Sequence[ConversationMessage]
) -> dict[str, list[Citation]]:
    given = [(message.id, Citation.model_validate(one)) for message in messages for one in message.citations]
    shown: dict[str, list[Citation]] = {}
    for (message_id, _), citation in zip(given, verify_all(session, subject, [one for _, one in given]), strict=True):
        shown.setdefault(message_id, []).append(citation)
    return shown


def _nearest(session: Session, subject: Subject, messages: Sequence[ConversationMessage]) -> dict[str, list[HitRead]]:
    """The passages that came closest, as the database has them now."""
    ids = [near["chunk_id"] for message in messages for near in message.answer.get("nearest", [])]
    passages: dict[str, Passage] = {}
    for start in range(0, len(ids), _BATCH):
        passages |= hydrate(session, subject, ids[start : start + _BATCH], Filters())
    found: dict[str, list[HitRead]] = {}
    question = ""
    for message in messages:
        if message.role == USER:
            question = message.content
        terms = frozenset(analyzer.analyze(question)) if message.answer.get("nearest") else frozenset()
        for near in message.answer.get("nearest", []):
            if (passage := passages.get(near["chunk_id"])) is not None:
                marks = highlights(passage.text, terms)
                values = {name: getattr(passage, name) for name in _PASSAGE}
                hit = Hit(
                    **values, score=near["score"], scores={}, highlights=marks, excerpt=excerpt(passage.text, marks)
                )
                found.setdefault(message.id, []).append(HitRead.of(hit))
    return found


def _feedback(
    session: Session, subject: Subject, messages: Sequence[ConversationMessage]
) -> Mapping[str, FeedbackRead]:
    ids = [message.id for message in messages if message.role == ASSISTANT]
    found: dict[str, FeedbackRead] = {}
    for start in range(0, len(ids), _BATCH):
        mine = select(AnswerFeedback).where(
            AnswerFeedback.message_id.in_(ids[start : start + _BATCH]), AnswerFeedback.user_id == subject.user_id
        )
        found |= {row.message_id: feedback_read(row) for row in session.scalars(mine)}
    return found


def feedback_read(row: AnswerFeedback) -> FeedbackRead:
    """Feedback as its giver sees it."""
    values: dict[str, Any] = {name: getattr(row, name) for name in FeedbackRead.model_fields}
    return FeedbackRead(**values)
