"""What people say about the answers that they were given.

Feedback is how an answer gets before a reviewer's eyes: question, answer and comment, and nothing else of the
conversation. Without it nobody but the asker, and whom they share it with, sees any of it.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.conversations.service import ASSISTANT, access_message
from assistant.conversations.showing import feedback_read
from assistant.review.schemas import FeedbackUpdate
from assistant.schemas import FeedbackRead
from core_api.auth.subject import Subject
from core_api.infra.errors import NotFound
from core_api.models import AnswerFeedback, ConversationMessage, GoldenQuestion, utcnow


def put_feedback(session: Session, subject: Subject, message_id: str, said: FeedbackUpdate) -> FeedbackRead:
    """Say something about an answer in one of the subject's own conversations, or say it anew.

    What was reviewed is new again when it changes. Raises NotFound.
    """
    access_message(session, subject, message_id, ASSISTANT)
    # Locked: two that say something at once take turns.
    session.execute(select(ConversationMessage.id).where(ConversationMessage.id == message_id).with_for_update())
    row = _feedback(session, message_id)
    if row is None:
        row = AnswerFeedback(message_id=message_id, user_id=subject.user_id)
        session.add(row)
    elif (row.helpful, row.reason, row.comment) == (said.helpful, said.reason, said.comment):
        return feedback_read(row)
    row.helpful, row.reason, row.comment = said.helpful, said.reason, said.comment
    row.updated_at = utcnow()
    if row.state == "dismissed":
        row.state, row.reviewed_by, row.reviewed_at = "new", None, None
    session.flush()
    return feedback_read(row)


def delete_feedback(session: Session, subject: Subject, message_id: str) -> None:
    """Take it back: reviewers do not see the answer any more. A test that was made of the question stays; it names
    nobody. Raises NotFound."""
    access_message(session, subject, message_id, ASSISTANT)
    row = _feedback(session, message_id)
    if row is None:
        raise NotFound("You have said nothing about this answer.")
    golden = session.scalar(select(GoldenQuestion).where(GoldenQuestion.message_id == message_id))
    if golden is not None:
        golden.message_id = None
    session.delete(row)


def _feedback(session: Session, message_id: str) -> AnswerFeedback | None:
    return session.scalar(select(AnswerFeedback).where(AnswerFeedback.message_id == message_id))
